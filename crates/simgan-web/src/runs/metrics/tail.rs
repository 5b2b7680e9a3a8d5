//! Reads what is appended to a file, and notices when it was rewritten.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use crate::runs::folder::Guarded;

/// Bytes read at once.
const CHUNK: u64 = 1 << 20;
/// A longer line is no event.
const MAX_LINE: usize = 1 << 20;
/// Bytes before the place where reading goes on that must be what they were. A resumed run cuts its file and
/// writes other lines, perhaps as many.
const CHECKED: usize = 256;

/// A place in a growing file of lines.
#[derive(Debug, Default)]
pub(super) struct Tail {
    offset: u64,
    /// The last bytes before `offset`.
    before: Vec<u8>,
    /// The beginning of a line that is not complete.
    partial: Vec<u8>,
}

/// What [`Tail::read`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Appended {
    /// Whole lines, perhaps none; and whether there is more to read at once.
    Lines(Vec<u8>, bool),
    /// The file was cut or replaced: reading begins anew.
    Rewritten,
}

impl Tail {
    /// Reads the next lines of a file. A missing file is an empty one.
    pub(super) fn read(&mut self, folder: &Guarded, name: &Path) -> io::Result<Appended> {
        let mut file = match folder.file(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(self.begin_anew()),
            file => file?,
        };
        let length = file.metadata()?.len();
        if length < self.offset || !self.goes_on(&mut file)? {
            return Ok(self.begin_anew());
        }
        if length == self.offset {
            return Ok(Appended::Lines(Vec::new(), false));
        }
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(self.offset))?;
        file.take(CHUNK).read_to_end(&mut bytes)?;
        self.offset += bytes.len() as u64;
        self.remember(&bytes);
        Ok(Appended::Lines(self.whole_lines(bytes), self.offset < length))
    }

    fn begin_anew(&mut self) -> Appended {
        match self.offset > 0 {
            true => {
                *self = Self::default();
                Appended::Rewritten
            }
            false => Appended::Lines(Vec::new(), false),
        }
    }

    fn goes_on(&self, file: &mut std::fs::File) -> io::Result<bool> {
        let mut found = vec![0; self.before.len()];
        file.seek(SeekFrom::Start(self.offset - self.before.len() as u64))?;
        file.read_exact(&mut found)?;
        Ok(found == self.before)
    }

    fn remember(&mut self, bytes: &[u8]) {
        self.before.extend_from_slice(&bytes[bytes.len().saturating_sub(CHECKED)..]);
        self.before.drain(..self.before.len().saturating_sub(CHECKED));
    }

    /// Returns the complete lines, with what was left before, and keeps the rest.
    fn whole_lines(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        self.partial.extend(bytes);
        let end = self.partial.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let rest = self.partial.split_off(end);
        let lines = std::mem::replace(&mut self.partial, rest);
        if self.partial.len() > MAX_LINE {
            self.partial.truncate(1); // its end will not be an event either
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use super::*;

    #[test]
    fn whole_lines_come_once_and_a_cut_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let (guarded, name) = (Guarded::open(folder.path()).unwrap(), Path::new("m"));
        let path = folder.path().join("m");
        let mut tail = Tail::default();
        let lines = |text: &str| Appended::Lines(text.as_bytes().to_vec(), false);
        assert_eq!(tail.read(&guarded, name).unwrap(), lines(""));
        fs::write(&path, "one\ntwo\nthr").unwrap();
        assert_eq!(tail.read(&guarded, name).unwrap(), lines("one\ntwo\n"));
        let append =
            |text: &str| fs::File::options().append(true).open(&path).unwrap().write_all(text.as_bytes());
        append("ee\n").unwrap();
        assert_eq!(tail.read(&guarded, name).unwrap(), lines("three\n"));
        assert_eq!(tail.read(&guarded, name).unwrap(), lines(""));
        // Cut and written anew, to more bytes than before.
        fs::write(&path, "one\ntwo\nfour\nfive\nsix\n").unwrap();
        assert_eq!(tail.read(&guarded, name).unwrap(), Appended::Rewritten);
        assert_eq!(tail.read(&guarded, name).unwrap(), lines("one\ntwo\nfour\nfive\nsix\n"));
        fs::write(&path, "one\n").unwrap();
        assert_eq!(tail.read(&guarded, name).unwrap(), Appended::Rewritten);
        fs::remove_file(&path).unwrap();
        assert_eq!(tail.read(&guarded, name).unwrap(), lines(""));
    }
}
