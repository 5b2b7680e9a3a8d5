//! A test in one SQLite file: the design, the images, the subjects and their answers.

mod answers;
mod records;
mod schema;
mod subjects;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};

pub use self::answers::Recorded;
pub use self::records::{GivenAnswer, StoredSubject};
pub use self::subjects::{Progress, Question};

use super::TuringError;
use super::design::{ImageRole, NewImage, Part, TestDesign};

/// A test that is open. Several servers may have one file open; each answer is a transaction of its own and
/// durable before the subject gets the next question.
pub struct TestFile {
    path: PathBuf,
    design: TestDesign,
    connection: Mutex<Connection>,
}

impl TestFile {
    /// Writes a new test. The file appears whole or not at all.
    ///
    /// # Errors
    /// Something stands at `path`, or the file cannot be written.
    pub fn create(path: &Path, design: &TestDesign, images: &[NewImage]) -> Result<(), TuringError> {
        if path.symlink_metadata().is_ok() {
            return Err(TuringError::Exists { path: path.to_owned() });
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".partial-{}", std::process::id()));
        let partial = path.with_file_name(name);
        let written = write(&partial, design, images).and_then(|()| {
            fs::rename(&partial, path).map_err(TuringError::system(path.display().to_string()))
        });
        if written.is_err() {
            // What failed is told; whether its remains could be removed changes nothing.
            let _ = fs::remove_file(&partial);
        }
        written
    }

    /// Opens a test.
    ///
    /// # Errors
    /// The file is no test, of a newer version, or cannot be read.
    pub fn open(path: &Path) -> Result<Self, TuringError> {
        let connection = schema::open(path)?;
        let json: String = connection
            .query_row("SELECT json FROM design", [], |row| row.get(0))
            .map_err(TuringError::database(path))?;
        let refused = |reason: String| TuringError::NotATest { path: path.to_owned(), reason };
        let design: TestDesign =
            serde_json::from_str(&json).map_err(|error| refused(format!("its design: {error}")))?;
        if !design.is_sound() {
            return Err(refused("numbers of its design are out of range".to_owned()));
        }
        Ok(Self { path: path.to_owned(), design, connection: Mutex::new(connection) })
    }

    /// What the test asks and of what it was made.
    #[must_use]
    pub fn design(&self) -> &TestDesign {
        &self.design
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The images of a role, without their pixels.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn images(&self) -> Result<Vec<ImageRole>, TuringError> {
        self.with(|connection| images(connection))
    }

    /// The PNG file of an image; `None` if there is no such image.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn png(&self, image: i64) -> Result<Option<Vec<u8>>, TuringError> {
        self.with(|connection| {
            let mut statement = connection.prepare_cached("SELECT png FROM image WHERE id = ?1")?;
            statement.query_row([image], |row| row.get(0)).optional()
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, TuringError> {
        act(&mut self.lock()).map_err(TuringError::database(&self.path))
    }

    fn lock(&self) -> MutexGuard<'_, Connection> {
        // A transaction that a panic cut short was rolled back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(path: &Path, design: &TestDesign, images: &[NewImage]) -> Result<(), TuringError> {
    // SQLite would report a missing folder as "unable to open database file".
    fs::File::create_new(path).map_err(TuringError::system(path.display().to_string()))?;
    let fill = || {
        let mut connection = Connection::open(path)?;
        schema::configure(&connection)?;
        schema::create(&connection)?;
        let transaction = connection.transaction()?;
        let json = serde_json::to_string(design)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        transaction.execute("INSERT INTO design (id, json) VALUES (1, ?1)", [json])?;
        for NewImage { kind, part, name, png } in images {
            transaction.execute(
                "INSERT INTO image (kind, part, name, png) VALUES (?1, ?2, ?3, ?4)",
                params![kind, part, name, png],
            )?;
        }
        transaction.commit()?;
        connection.close().map_err(|(_, error)| error)
    };
    fill().map_err(TuringError::database(path))
}

fn images(connection: &Connection) -> rusqlite::Result<Vec<ImageRole>> {
    let mut statement = connection.prepare_cached("SELECT id, kind, part, name FROM image ORDER BY id")?;
    let role = |row: &rusqlite::Row<'_>| {
        Ok(ImageRole { id: row.get(0)?, kind: row.get(1)?, part: row.get(2)?, name: row.get(3)? })
    };
    statement.query_map([], role)?.collect()
}

/// The examples, in the order in which they are shown: real and refined ones in turn.
pub(in crate::turing) fn examples(images: &[ImageRole]) -> Vec<&ImageRole> {
    let mut examples: Vec<(usize, &ImageRole)> = Vec::new();
    for image in images.iter().filter(|image| image.part == Part::Example) {
        let n_before = examples.iter().filter(|(_, other)| other.kind == image.kind).count();
        examples.push((n_before, image));
    }
    examples.sort_by_key(|(place, image)| (*place, image.id));
    examples.into_iter().map(|(_, image)| image).collect()
}
