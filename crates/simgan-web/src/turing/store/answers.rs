//! Answers: each counts once, and is on the disk before the next question is shown.

use rusqlite::{OptionalExtension, TransactionBehavior, params};

use super::TestFile;
use super::subjects::{n_of, subject_of};
use crate::turing::TuringError;

/// What became of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It is stored.
    Stored,
    /// The question was answered before, by a double click or from an old page; the first answer stands.
    Before,
    /// No such question, or its turn has not come.
    NotAsked,
    /// There is no such subject.
    NoSubject,
}

impl TestFile {
    /// Stores what a subject said to a question: 0 for "real" or "left", 1 for "refined" or "right".
    ///
    /// `response_ms` is the time from the image's appearance to the answer as the browser measured it; `None`
    /// takes the time since [`TestFile::note_shown`].
    ///
    /// # Errors
    /// The file cannot be written, for example because the disk is full. Nothing is lost then but this answer,
    /// and the question is asked again.
    pub fn answer(
        &self,
        key: &str,
        number: usize,
        said: usize,
        response_ms: Option<i64>,
        now_ms: i64,
    ) -> Result<Recorded, TuringError> {
        self.with(|connection| {
            // Takes the write lock first: what is counted below stays true until the answer is in.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let Some(subject) = subject_of(&transaction, key)? else { return Ok(Recorded::NoSubject) };
            let n_answered = n_of(&transaction, "answer", subject)?;
            if number < n_answered {
                return Ok(Recorded::Before);
            }
            if number > n_answered || number >= n_of(&transaction, "question", subject)? || said > 1 {
                return Ok(Recorded::NotAsked);
            }
            let numbers = params![subject, number as i64];
            let shown_ms: Option<i64> = transaction
                .query_row("SELECT shown_ms FROM question WHERE subject = ?1 AND number = ?2", numbers, |row| {
                    row.get(0)
                })
                .optional()?
                .flatten();
            let response_ms = response_ms.or(shown_ms.map(|shown_ms| now_ms - shown_ms));
            transaction.execute(
                "INSERT INTO answer (subject, number, said, response_ms, given_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![subject, number as i64, said as i64, response_ms, now_ms],
            )?;
            transaction.commit()?;
            Ok(Recorded::Stored)
        })
    }
}
