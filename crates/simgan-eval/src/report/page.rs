use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::pictures::Case;
use super::tables::{Table, conditions, tables};
use super::verdict::evaluation_verdict;
use super::{Picture, folder};
use crate::evaluation::{Evaluation, EvaluationData};

const STYLE: &str = ":root{color-scheme:light dark}\
body{font:16px/1.45 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}\
.scroll{margin:1rem 0;overflow-x:auto}table{border-collapse:collapse}td,th{padding:.2rem .5rem;text-align:right;border-bottom:1px solid #ddd}\
td:first-child,th:first-child{text-align:left}td:not(:first-child){white-space:nowrap}figure{margin:1.5rem 0}img{max-width:100%}\
figcaption,.note{color:#5f5f5f;font-size:.9rem}figcaption,.note,.verdict{white-space:pre-line}\
@media (prefers-color-scheme:dark){body{background:#151619;color:#e6e6e6}td,th{border-color:#444}figcaption,.note{color:#a8a8a8}\
img{background:#fff}}";

/// A self-contained page, written from the top.
pub(super) struct Page(String);

impl Page {
    /// Begins a page; `note` says how its figures were measured.
    pub(super) fn new(title: &str, mark: &str, note: &str) -> Self {
        let (title, note) = (escaped(title), with_code(note));
        Self(format!(
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">{mark}\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
             <style>{STYLE}</style></head><body><main>\n<h1>{title}</h1>\n<p class=\"note\">{note}</p>\n"
        ))
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.0.push_str(&format!("<h2>{}</h2>\n", escaped(text)));
    }

    /// Adds a table unless it has no rows but its head.
    pub(super) fn table(&mut self, found: &Table) {
        if found.rows.len() > 1 {
            self.0.push_str(&table(found));
        }
    }

    /// Adds the verdict if there is one.
    pub(super) fn verdict(&mut self, text: &str) {
        if !text.is_empty() {
            self.heading("Verdict");
            self.0.push_str(&format!("<p class=\"verdict\">{}</p>\n", with_code(text)));
        }
    }

    pub(super) fn picture(&mut self, picture: &Picture) {
        let (kind, bytes) = match &picture.svg {
            Some(svg) => ("image/svg+xml", svg.as_bytes()),
            None => ("image/png", &picture.png[..]),
        };
        let [title, caption] = [&picture.title, &picture.caption].map(|text| escaped(text));
        self.0.push_str(&format!(
            "<figure><h2>{title}</h2><img alt=\"{title}\" src=\"data:{kind};base64,{}\">\
             <figcaption>{caption}</figcaption></figure>\n",
            STANDARD.encode(bytes)
        ));
    }

    pub(super) fn finish(self) -> String {
        self.0 + "</main></body></html>\n"
    }
}

/// Formats an evaluation's page and embeds all pictures.
pub(super) fn evaluation(title: &str, found: &Evaluation, pictures: &[Picture], below: &[Table]) -> String {
    let mut page = Page::new(title, folder::MARK, &conditions(&found.config, &found.data));
    tables(found).iter().for_each(|found| page.table(found));
    page.verdict(&evaluation_verdict(found, usize::MAX));
    pictures.iter().for_each(|picture| page.picture(picture));
    below.iter().for_each(|below| page.table(below));
    page.finish()
}

/// Lists the worst cases as a table.
pub(super) fn case_rows(cases: &[Case], data: &EvaluationData) -> Table {
    let task = data.task();
    let measures = task.measures();
    let error = &measures[0];
    let names = task.axes().iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(", ");
    let is_worded = cases.iter().any(|case| !task.words(&case.truth).is_empty());
    let mut head = vec!["test image".to_owned()];
    if is_worded {
        head.extend(["true", "predicted"].map(|which| format!("{which} {names}").trim_end().to_owned()));
    }
    head.push(format!("error in {}", error.unit.name()));
    let mut rows = vec![head];
    for case in cases {
        let mut row = vec![data.test_names()[case.idx].clone()];
        if is_worded {
            row.extend([&case.truth, &case.predicted].map(|label| task.words(label)));
        }
        row.push(format!("{:.*}", error.unit.digits().min(1), case.error * error.unit.scale()));
        rows.push(row);
    }
    Table { rows, note: String::new() }
}

/// Formats a table as HTML.
fn table(table: &Table) -> String {
    let row = |cells: &[String], tag: &str| {
        let cells: String = cells.iter().map(|cell| format!("<{tag}>{}</{tag}>", escaped(cell))).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let (head, body) = table.rows.split_first().map_or((&[][..], &[][..]), |(head, body)| (&head[..], body));
    let body: String = body.iter().map(|cells| row(cells, "td")).collect();
    let note = match table.note.as_str() {
        "" => String::new(),
        note => format!("<p class=\"note\">{}</p>\n", with_code(note)),
    };
    // A wide table scrolls on a phone, with the keyboard too.
    let scroll = "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">";
    format!("{scroll}<table>{}{body}</table></div>\n{note}", row(head, "th"))
}

/// Marks what stands between backquotes as code.
fn with_code(text: &str) -> String {
    let mut parts = escaped(text);
    while let Some((before, rest)) = parts.split_once('`')
        && let Some((code, after)) = rest.split_once('`')
    {
        parts = format!("{before}<code>{code}</code>{after}");
    }
    parts
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_backquotes_is_code() {
        assert_eq!(with_code("`a<b` less `c`"), "<code>a&lt;b</code> less <code>c</code>");
        assert_eq!(with_code("one ` alone"), "one ` alone");
    }

    #[test]
    fn names_of_images_are_no_markup() {
        let rows = [["a<b>", "1"], ["\"&\"", "2"]].map(|row| row.map(str::to_owned).to_vec()).to_vec();
        let html = table(&Table { rows, note: String::new() });
        assert_eq!(
            html,
            "<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"Table\"><table><tr><th>a&lt;b&gt;</th><th>1</th></tr>\n<tr><td>&quot;&amp;&quot;</td><td>2</td></tr>\n</table></div>\n"
        );
    }
}
