use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::pictures::Case;
use super::tables::{Table, conditions, tables};
use super::verdict::evaluation_verdict;
use super::{Picture, folder};
use crate::evaluation::{Evaluation, EvaluationData};

const STYLE: &str = ":root{color-scheme:light dark}\
body{font:16px/1.45 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222}\
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}td,th{padding:.2rem .7rem;text-align:right;border-bottom:1px solid #ddd}\
td:first-child,th:first-child{text-align:left}figure{margin:1.5rem 0}img{max-width:100%}\
figcaption,.note{color:#5f5f5f;font-size:.9rem}figcaption,.note,.verdict{white-space:pre-line}\
@media (prefers-color-scheme:dark){body{background:#151619;color:#e6e6e6}td,th{border-color:#444}figcaption,.note{color:#a8a8a8}\
img{background:#fff}}";

/// Formats the page and embeds all pictures.
pub(super) fn page(title: &str, found: &Evaluation, pictures: &[Picture], below: &[Table]) -> String {
    let title = escaped(title);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">{}\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title>\
         <style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n<p class=\"note\">{}</p>\n",
        folder::MARK,
        escaped(&conditions(&found.config, &found.data))
    );
    tables(found).iter().for_each(|found| page.push_str(&table(found)));
    let verdict = evaluation_verdict(found, usize::MAX);
    if !verdict.is_empty() {
        page.push_str(&format!("<h2>Verdict</h2>\n<p class=\"verdict\">{}</p>\n", escaped(&verdict)));
    }
    for picture in pictures {
        let (kind, bytes) = match &picture.svg {
            Some(svg) => ("image/svg+xml", svg.as_bytes()),
            None => ("image/png", &picture.png[..]),
        };
        page.push_str(&format!(
            "<figure><h2>{}</h2><img alt=\"{}\" src=\"data:{kind};base64,{}\"><figcaption>{}</figcaption></figure>\n",
            escaped(&picture.title),
            escaped(&picture.title),
            STANDARD.encode(bytes),
            escaped(&picture.caption)
        ));
    }
    below.iter().filter(|below| below.rows.len() > 1).for_each(|below| page.push_str(&table(below)));
    page + "</body></html>\n"
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
        note => format!("<p class=\"note\">{}</p>\n", escaped(note)),
    };
    format!("<table>{}{body}</table>\n{note}", row(head, "th"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_images_are_no_markup() {
        let rows = [["a<b>", "1"], ["\"&\"", "2"]].map(|row| row.map(str::to_owned).to_vec()).to_vec();
        let html = table(&Table { rows, note: String::new() });
        assert_eq!(
            html,
            "<table><tr><th>a&lt;b&gt;</th><th>1</th></tr>\n<tr><td>&quot;&amp;&quot;</td><td>2</td></tr>\n</table>\n"
        );
    }
}
