//! Reads everything that was answered.

use rusqlite::Row;
use serde::Serialize;

use super::TestFile;
use crate::turing::TuringError;
use crate::turing::design::Part;

/// A subject, and how far they came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredSubject {
    /// Their number, from 1 in the order in which they began.
    pub id: i64,
    /// When they began, in milliseconds since 1970.
    pub began_ms: i64,
    /// Number of their answers.
    pub n_answered: usize,
    /// Number of their questions.
    pub n_questions: usize,
}

/// An answer with its question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenAnswer {
    /// The subject's number.
    pub subject: i64,
    /// The question's number, from 0.
    pub number: usize,
    /// The part of the test.
    pub part: Part,
    /// The images shown, from left to right.
    pub images: Vec<i64>,
    /// 0 for "real" or "left", 1 for "refined" or "right".
    pub said: usize,
    /// From the image's appearance to the answer, in milliseconds.
    pub response_ms: Option<i64>,
    /// When the answer came, in milliseconds since 1970.
    pub given_ms: i64,
}

impl TestFile {
    /// All subjects, in the order in which they began.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn subjects(&self) -> Result<Vec<StoredSubject>, TuringError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, began_ms, (SELECT count(*) FROM answer WHERE subject = subject.id),
                 (SELECT count(*) FROM question WHERE subject = subject.id) FROM subject ORDER BY id",
            )?;
            let subject = |row: &Row<'_>| {
                Ok(StoredSubject {
                    id: row.get(0)?,
                    began_ms: row.get(1)?,
                    n_answered: row.get::<_, i64>(2)? as usize,
                    n_questions: row.get::<_, i64>(3)? as usize,
                })
            };
            statement.query_map([], subject)?.collect()
        })
    }

    /// All answers, subject by subject, in the order of their questions.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn answers(&self) -> Result<Vec<GivenAnswer>, TuringError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT answer.subject, answer.number, question.part, answer.said, answer.response_ms,
                 answer.given_ms, first.image, second.image
                 FROM answer JOIN question USING (subject, number)
                 JOIN shown AS first ON first.subject = answer.subject AND first.number = answer.number
                 AND first.place = 0
                 LEFT JOIN shown AS second ON second.subject = answer.subject AND second.number = answer.number
                 AND second.place = 1 ORDER BY answer.subject, answer.number",
            )?;
            let answer = |row: &Row<'_>| {
                Ok(GivenAnswer {
                    subject: row.get(0)?,
                    number: row.get::<_, i64>(1)? as usize,
                    part: row.get(2)?,
                    said: row.get::<_, i64>(3)? as usize,
                    response_ms: row.get(4)?,
                    given_ms: row.get(5)?,
                    images: [Some(row.get(6)?), row.get(7)?].into_iter().flatten().collect(),
                })
            };
            statement.query_map([], answer)?.collect()
        })
    }
}
