//! JSON as it stands in a file: each value knows its place, so that a number can be changed and all else
//! stays.

use std::borrow::Cow;
use std::ops::Range;

use serde_json::Value;

use super::text::{Edits, line_of};

/// A parsed text. It also accepts `NaN`, `Infinity` and `-Infinity`, as Python's json.dump writes them.
///
/// Values stand in one list, each before what is inside it: a member's name before its value. That takes
/// twelve bytes a value; a value is read from the text when it is asked for.
pub(super) struct Json<'a> {
    text: &'a str,
    nodes: Vec<Node>,
}

/// A value's place in the text, and the node after all that is inside it.
#[derive(Clone, Copy)]
struct Node {
    start: u32,
    end: u32,
    next: u32,
}

/// Nesting beyond this is damage, or an attack on the stack.
const MAX_DEPTH: usize = 100;
/// The longest text whose places fit in 32 bits, with a margin.
const MAX_LENGTH: usize = 1 << 31;
/// More values would take more than half a gigabyte.
const MAX_VALUES: usize = 40_000_000;

impl<'a> Json<'a> {
    /// Parses a text.
    ///
    /// # Errors
    /// It is not JSON; the message gives the line.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        if text.len() > MAX_LENGTH {
            return Err("it is too long".to_owned());
        }
        let mut parser = Parser { text, at: 0, nodes: Vec::new() };
        let result = parser.value(0).and_then(|()| {
            parser.skip_space();
            if parser.at == text.len() { Ok(()) } else { Err("the text goes on after the end") }
        });
        let line = line_of(text, parser.at);
        let nodes = parser.nodes;
        result.map(|()| Self { text, nodes }).map_err(|reason| format!("not JSON: line {line}: {reason}"))
    }

    pub(super) fn root(&self) -> View<'_> {
        View { text: self.text, nodes: &self.nodes, index: 0 }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Skips space and takes `byte` if it comes next.
    fn take(&mut self, byte: u8) -> bool {
        self.skip_space();
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn value(&mut self, depth: usize) -> Result<(), &'static str> {
        if depth > MAX_DEPTH {
            return Err("nested too deeply");
        }
        self.skip_space();
        match self.peek() {
            Some(b'[') => self.node(|parser| parser.items(b']', |parser| parser.value(depth + 1))),
            Some(b'{') => self.node(|parser| parser.items(b'}', |parser| parser.member(depth + 1))),
            Some(b'"') => self.node(Self::string),
            _ => self.node(Self::word),
        }
    }

    /// Adds the node of what `read` reads.
    fn node(&mut self, read: impl FnOnce(&mut Self) -> Result<(), &'static str>) -> Result<(), &'static str> {
        let (index, start) = (self.nodes.len(), self.at as u32);
        if index == MAX_VALUES {
            return Err("too many values");
        }
        self.nodes.push(Node { start, end: start, next: 0 });
        read(self)?;
        self.nodes[index] = Node { start, end: self.at as u32, next: self.nodes.len() as u32 };
        Ok(())
    }

    fn member(&mut self, depth: usize) -> Result<(), &'static str> {
        self.skip_space();
        self.node(Self::string)?;
        if self.take(b':') { self.value(depth) } else { Err("a colon is missing") }
    }

    /// Reads what stands between a bracket and `end`, with commas.
    fn items(
        &mut self,
        end: u8,
        mut item: impl FnMut(&mut Self) -> Result<(), &'static str>,
    ) -> Result<(), &'static str> {
        self.at += 1;
        if self.take(end) {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.take(end) {
                return Ok(());
            }
            if !self.take(b',') {
                return Err("a comma or closing bracket is missing");
            }
        }
    }

    fn string(&mut self) -> Result<(), &'static str> {
        if self.peek() != Some(b'"') {
            return Err("a name in quotes is missing");
        }
        loop {
            self.at += 1;
            match self.peek() {
                None => return Err("a string has no end"),
                Some(b'\\') => self.at += 1,
                Some(b'"') => break,
                Some(_) => {}
            }
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self) -> Result<(), &'static str> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        let rest = &self.text[self.at..];
        let length = rest.bytes().take_while(|byte| is_word(*byte)).count();
        let word = &rest[..length];
        let is_number = word.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        let is_known = matches!(word, "true" | "false" | "null" | "NaN" | "Infinity" | "-Infinity");
        if is_known || (is_number && word.parse::<f64>().is_ok()) {
            self.at += length;
            return Ok(());
        }
        Err("a value is missing")
    }
}

/// A value in its text.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    text: &'a str,
    nodes: &'a [Node],
    index: usize,
}

impl<'a> View<'a> {
    fn node(self) -> Node {
        self.nodes[self.index]
    }

    /// What stands directly inside a list or an object, names and values alike.
    fn inside(self) -> impl Iterator<Item = View<'a>> + Clone {
        let end = self.node().next as usize;
        let first = Some(self.index + 1).filter(|first| *first < end);
        let after = move |index: &usize| Some(self.nodes[*index].next as usize).filter(|next| *next < end);
        std::iter::successors(first, after).map(move |index| Self { index, ..self })
    }

    pub(super) fn span(self) -> Range<usize> {
        self.node().start as usize..self.node().end as usize
    }

    pub(super) fn raw(self) -> &'a str {
        &self.text[self.span()]
    }

    /// The line on which the value begins, from 1.
    pub(super) fn line(self) -> usize {
        line_of(self.text, self.span().start)
    }

    /// The value of a member.
    pub(super) fn get(self, name: &str) -> Option<View<'a>> {
        self.members().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// The members of an object; none for any other value.
    pub(super) fn members(self) -> impl Iterator<Item = (Cow<'a, str>, View<'a>)> {
        let names = self.inside().step_by(2).filter(move |_| self.is_object());
        let values = self.inside().skip(1).step_by(2);
        names.zip(values).map(|(name, value)| (name.string().unwrap_or_default(), value))
    }

    /// The items of a list; none for any other value.
    pub(super) fn items(self) -> impl Iterator<Item = View<'a>> + Clone {
        self.inside().filter(move |_| self.is_list())
    }

    pub(super) fn n_items(self) -> usize {
        self.items().count()
    }

    pub(super) fn is_list(self) -> bool {
        self.raw().starts_with('[')
    }

    pub(super) fn is_object(self) -> bool {
        self.raw().starts_with('{')
    }

    pub(super) fn string(self) -> Option<Cow<'a, str>> {
        let inner = self.raw().strip_prefix('"')?.strip_suffix('"')?;
        match inner.contains('\\') {
            false => Some(Cow::Borrowed(inner)),
            true => serde_json::from_str(self.raw()).ok().map(Cow::Owned),
        }
    }

    /// A number, finite or not.
    pub(super) fn number(self) -> Option<f64> {
        self.raw().parse().ok()
    }

    /// The numbers of a list, with their places; `None` unless it is a list of numbers only.
    pub(super) fn numbers(self) -> Option<Vec<(f64, Range<usize>)>> {
        let number = |item: View<'_>| Some((item.number()?, item.span()));
        if self.is_list() { self.items().map(number).collect() } else { None }
    }

    /// The value for serde_json. Numbers that JSON does not know become strings: "NaN".
    pub(super) fn to_value(self) -> Value {
        if self.is_list() {
            return self.items().map(View::to_value).collect();
        }
        if self.is_object() {
            return self.members().map(|(name, value)| (name.into_owned(), value.to_value())).collect();
        }
        let plain = || Value::String(self.raw().trim_matches('"').to_owned());
        serde_json::from_str(self.raw()).unwrap_or_else(|_| plain())
    }

    /// Removes the items of a list that are not to be kept, with their commas.
    pub(super) fn retain(self, edits: &mut Edits, keep: impl Fn(usize) -> bool) {
        let spans: Vec<_> = self.items().map(View::span).collect();
        let Some(last) = spans.last() else { return };
        let Some(last_kept) = (0..spans.len()).rfind(|index| keep(*index)) else {
            return edits.remove(spans[0].start..last.end);
        };
        if last_kept + 1 < spans.len() {
            edits.remove(spans[last_kept].end..last.end);
        }
        for index in (0..last_kept).filter(|index| !keep(*index)) {
            edits.remove(spans[index].start..spans[index + 1].start);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_reads_what_serde_reads_and_pythons_nan() {
        let text = "{\"a\": [1, -2.5e3, {\"b\\n\": \"x\\u00e9\\\"\"}], \"c\": null, \"d\": true, \"e\": \
        {}, \"f\": [ ]}";
        let parsed = Json::parse(text).unwrap();
        assert_eq!(parsed.root().to_value(), serde_json::from_str::<Value>(text).unwrap());
        let nan = Json::parse("\n{\"x\": NaN,\n\"y\": -Infinity}").unwrap();
        assert_eq!(nan.root().to_value(), json!({"x": "NaN", "y": "-Infinity"}));
        assert_eq!(nan.root().get("y").unwrap().line(), 3);
    }

    #[test]
    fn damage_is_an_error_with_its_line() {
        for text in
            ["", "{", "[1,]", "[1 2]", "{\"a\" 1}", "{a: 1}", "\"a", "[1]x", "nan", "--1", "\"\\", "é"]
        {
            assert!(Json::parse(text).is_err(), "{text}");
        }
        let deep = "[".repeat(100_000);
        assert!(Json::parse(&deep).err().unwrap().contains("nested"));
        assert!(Json::parse("[1,\n2,\n?]").err().unwrap().contains("line 3"));
    }

    #[test]
    fn items_are_removed_with_their_commas() {
        let text = "[ 1,\n  2,\n  3,\n  4 ]";
        let parsed = Json::parse(text).unwrap();
        let kept = |keep: &[usize]| {
            let mut edits = Edits::default();
            parsed.root().retain(&mut edits, |index| keep.contains(&index));
            edits.apply(text)
        };
        assert_eq!(kept(&[0, 1, 2, 3]), text);
        assert_eq!(kept(&[0, 2]), "[ 1,\n  3 ]");
        assert_eq!(kept(&[1, 3]), "[ 2,\n  4 ]");
        assert_eq!(kept(&[]), "[  ]");
    }
}
