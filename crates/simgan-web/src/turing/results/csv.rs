//! One line an answer, for spreadsheets and statistics programs.

use std::collections::BTreeMap;

use super::answer_names;
use crate::turing::design::{ImageRole, Kind};
use crate::turing::store::GivenAnswer;
use crate::turing::{TestFile, TuringError};

const HEADER: &str =
    "subject,question,part,kind,image,other_kind,other_image,truth,said,is_right,response_ms,given_ms";

impl TestFile {
    /// All answers as CSV.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn csv(&self) -> Result<String, TuringError> {
        let images = self.images()?;
        let images: BTreeMap<i64, &ImageRole> = images.iter().map(|image| (image.id, image)).collect();
        let names = answer_names(self.design().design);
        let answers = self.answers()?;
        let lines = answers.iter().filter_map(|answer| line(answer, &images, names));
        Ok(std::iter::once(HEADER.to_owned()).chain(lines).map(|line| line + "\r\n").collect())
    }
}

fn line(answer: &GivenAnswer, images: &BTreeMap<i64, &ImageRole>, names: [&str; 2]) -> Option<String> {
    let shown: Vec<&ImageRole> = answer.images.iter().filter_map(|id| images.get(id).copied()).collect();
    let first = *shown.first()?;
    let truth = usize::from(first.kind != Kind::Real);
    let other = shown.get(1);
    let cells = [
        answer.subject.to_string(),
        (answer.number + 1).to_string(),
        answer.part.name().to_owned(),
        first.kind.name().to_owned(),
        quoted(&first.name),
        other.map(|image| image.kind.name().to_owned()).unwrap_or_default(),
        other.map(|image| quoted(&image.name)).unwrap_or_default(),
        names[truth].to_owned(),
        (*names.get(answer.said)?).to_owned(),
        u8::from(truth == answer.said).to_string(),
        answer.response_ms.map(|time| time.to_string()).unwrap_or_default(),
        answer.given_ms.to_string(),
    ];
    Some(cells.join(","))
}

/// Quotes a text. A spreadsheet would run one that begins like a formula; an apostrophe keeps it a text.
fn quoted(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let guard = if is_formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
