//! The tables of a test's file.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use crate::turing::TuringError;

/// Marks SQLite files as Turing tests: "SGTT".
const APPLICATION: i64 = 0x5347_5454;
/// The version of the tables.
const VERSION: i64 = 1;
/// How long to wait for another server that writes to the file.
const PATIENCE: Duration = Duration::from_secs(10);

/// `number` counts a subject's questions from 0. A question shows one image or two, left and right. `key`s name
/// images in a subject's pages and say nothing of them. An answer's `said` is 0 for "real" or "left", 1 for
/// "refined" or "right"; times are milliseconds, points in time since 1970.
const TABLES: &str = "
CREATE TABLE design (id INTEGER PRIMARY KEY CHECK (id = 1), json TEXT NOT NULL) STRICT;
CREATE TABLE image (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('real', 'refined', 'unrefined')),
    part TEXT NOT NULL CHECK (part IN ('example', 'main', 'check', 'baseline')),
    name TEXT NOT NULL,
    png BLOB NOT NULL
) STRICT;
CREATE TABLE subject (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    began_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE question (
    subject INTEGER NOT NULL REFERENCES subject (id),
    number INTEGER NOT NULL,
    part TEXT NOT NULL CHECK (part IN ('main', 'check', 'baseline')),
    shown_ms INTEGER,
    PRIMARY KEY (subject, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE shown (
    subject INTEGER NOT NULL,
    number INTEGER NOT NULL,
    place INTEGER NOT NULL CHECK (place IN (0, 1)),
    image INTEGER NOT NULL REFERENCES image (id),
    key TEXT NOT NULL UNIQUE,
    PRIMARY KEY (subject, number, place),
    FOREIGN KEY (subject, number) REFERENCES question (subject, number)
) STRICT, WITHOUT ROWID;
CREATE TABLE answer (
    subject INTEGER NOT NULL,
    number INTEGER NOT NULL,
    said INTEGER NOT NULL CHECK (said IN (0, 1)),
    response_ms INTEGER,
    given_ms INTEGER NOT NULL,
    PRIMARY KEY (subject, number),
    FOREIGN KEY (subject, number) REFERENCES question (subject, number)
) STRICT, WITHOUT ROWID;
";

/// Makes the tables in an empty file.
pub(super) fn create(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    connection.pragma_update(None, "application_id", APPLICATION)?;
    connection.pragma_update(None, "user_version", VERSION)
}

/// Opens a file that exists, for reading and writing.
pub(super) fn open(path: &Path) -> Result<Connection, TuringError> {
    let failed = TuringError::database(path);
    if !path.is_file() {
        return Err(TuringError::NotATest { path: path.to_owned(), reason: "no such file".to_owned() });
    }
    // Without the flag that lets `file:` names have options.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(&failed)?;
    configure(&connection).map_err(&failed)?;
    let pragma = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    if pragma("application_id").map_err(&failed)? != APPLICATION {
        let reason = "a database of another program".to_owned();
        return Err(TuringError::NotATest { path: path.to_owned(), reason });
    }
    match pragma("user_version").map_err(&failed)? {
        VERSION => Ok(connection),
        version if version > VERSION => Err(TuringError::Newer { path: path.to_owned(), version }),
        version => {
            let reason = format!("its format {version} was never in use");
            Err(TuringError::NotATest { path: path.to_owned(), reason })
        }
    }
}

/// Makes every transaction durable. The rollback journal, unlike a write-ahead log, leaves the test in one
/// file, which people copy.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "DELETE")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)
}
