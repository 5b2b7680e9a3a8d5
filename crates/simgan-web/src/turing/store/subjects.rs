//! Subjects: their questions, and how far they are.

use rusqlite::{Connection, OptionalExtension, Row, TransactionBehavior, params};

use super::TestFile;
use crate::secret;
use crate::turing::TuringError;
use crate::turing::design::{Part, questions};

/// How far a subject is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The subject's number.
    pub subject: i64,
    /// Number of questions answered.
    pub n_answered: usize,
    /// Number of questions.
    pub n_questions: usize,
    /// The question to answer; `None` at the end.
    pub question: Option<Question>,
}

/// A question as a subject may know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its number, from 0.
    pub number: usize,
    /// The keys of its images, from left to right.
    pub keys: Vec<String>,
}

impl TestFile {
    /// Admits a new subject and returns the secret key by which they are known. All their questions are drawn
    /// and stored, so that nothing later depends on the program's version.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn begin(&self, now_ms: i64) -> Result<String, TuringError> {
        let key = random_id()?;
        // Not the test's seed: whoever knew it, and this program, would know all answers.
        let mut random = secret::generator().map_err(TuringError::system("drawing an order"))?;
        let images = self.images()?; // they never change
        let keys: Vec<String> = (0..images_shown(&images)).map(|_| random_id()).collect::<Result<_, _>>()?;
        self.with(|connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction
                .execute("INSERT INTO subject (key, began_ms) VALUES (?1, ?2)", params![key, now_ms])?;
            let subject = transaction.last_insert_rowid();
            let mut keys = keys.into_iter();
            for (number, (part, shown)) in questions(&self.design, &images, &mut random).iter().enumerate() {
                let number = number as i64;
                transaction.execute(
                    "INSERT INTO question (subject, number, part) VALUES (?1, ?2, ?3)",
                    params![subject, number, part],
                )?;
                for (place, (image, key)) in shown.iter().zip(keys.by_ref()).enumerate() {
                    transaction.execute(
                        "INSERT INTO shown (subject, number, place, image, key) VALUES (?1, ?2, ?3, ?4, ?5)",
                        params![subject, number, place as i64, image, key],
                    )?;
                }
            }
            transaction.commit()
        })?;
        Ok(key)
    }

    /// How far the subject with this key is; `None` if there is none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn progress(&self, key: &str) -> Result<Option<Progress>, TuringError> {
        self.with(|connection| {
            // One transaction, so that all figures are of one moment.
            let transaction = connection.transaction()?;
            let Some(subject) = subject_of(&transaction, key)? else { return Ok(None) };
            let count = |table: &str| n_of(&transaction, table, subject);
            let (n_answered, n_questions) = (count("answer")?, count("question")?);
            let question = question(&transaction, subject, n_answered)?;
            Ok(Some(Progress { subject, n_answered, n_questions, question }))
        })
    }

    /// Notes when a subject first saw the question. Later calls change nothing.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn note_shown(&self, subject: i64, number: usize, now_ms: i64) -> Result<(), TuringError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "UPDATE question SET shown_ms = ?3 WHERE subject = ?1 AND number = ?2 AND shown_ms IS NULL",
            )?;
            statement.execute(params![subject, number as i64, now_ms]).map(|_| ())
        })
    }

    /// The PNG file of an image of the question that the subject is at; `None` for any other key.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn shown_png(&self, subject_key: &str, image_key: &str) -> Result<Option<Vec<u8>>, TuringError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT image.png FROM shown JOIN subject ON subject.id = shown.subject
                 JOIN image ON image.id = shown.image
                 WHERE subject.key = ?1 AND shown.key = ?2
                 AND shown.number = (SELECT count(*) FROM answer WHERE answer.subject = subject.id)",
            )?;
            statement.query_row([subject_key, image_key], |row| row.get(0)).optional()
        })
    }
}

/// Number of images that a subject sees in questions.
fn images_shown(images: &[crate::turing::design::ImageRole]) -> usize {
    images.iter().filter(|image| image.part != Part::Example).count()
}

fn random_id() -> Result<String, TuringError> {
    secret::random_id().map_err(TuringError::system("drawing a random key"))
}

pub(super) fn subject_of(connection: &Connection, key: &str) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached("SELECT id FROM subject WHERE key = ?1")?;
    statement.query_row([key], |row| row.get(0)).optional()
}

/// Number of a subject's rows in a table, which a constant names.
pub(super) fn n_of(connection: &Connection, table: &str, subject: i64) -> rusqlite::Result<usize> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT count(*) FROM {table} WHERE subject = ?1"))?;
    statement.query_row([subject], |row| row.get::<_, i64>(0)).map(|n| n as usize)
}

fn question(connection: &Connection, subject: i64, number: usize) -> rusqlite::Result<Option<Question>> {
    let mut statement = connection
        .prepare_cached("SELECT key FROM shown WHERE subject = ?1 AND number = ?2 ORDER BY place")?;
    let key = |row: &Row<'_>| row.get(0);
    let keys: Vec<String> =
        statement.query_map(params![subject, number as i64], key)?.collect::<Result<_, _>>()?;
    Ok((!keys.is_empty()).then_some(Question { number, keys }))
}
