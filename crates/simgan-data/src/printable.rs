use std::borrow::Cow;
use std::fmt::Write;

/// Replaces characters that steer a terminal, as names of files may hold them, by their codes: `\u001b`. Tabs
/// and line ends stay. Within a JSON string the code means the same character.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_steering) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_steering(character) {
            // Writing to a `String` cannot fail.
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown.into()
}

/// [`printable`] for a text of one line: a line end, as names of files may hold it, is a code, too.
#[must_use]
pub fn printable_line(text: &str) -> Cow<'_, str> {
    match printable(text) {
        shown if shown.contains('\n') => shown.replace('\n', "\\u000a").into(),
        shown => shown,
    }
}

/// Whether a character is a control character, or turns the direction of writing.
fn is_steering(character: char) -> bool {
    let turns =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    turns || character.is_control() && !matches!(character, '\n' | '\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_as_its_code() {
        assert_eq!(printable("a\x1b[31m\u{9b}2J\r\u{202e}gnp.x"), "a\\u001b[31m\\u009b2J\\u000d\\u202egnp.x");
        assert!(matches!(printable("näme – ok\n\tx"), Cow::Borrowed(_)));
        assert_eq!(printable_line("a\nerror: b\x1b"), "a\\u000aerror: b\\u001b");
        assert!(matches!(printable_line("näme"), Cow::Borrowed(_)));
        let json = serde_json::to_string("a\u{9b}b").unwrap();
        assert_eq!(serde_json::from_str::<String>(&printable(&json)).unwrap(), "a\u{9b}b");
    }
}
