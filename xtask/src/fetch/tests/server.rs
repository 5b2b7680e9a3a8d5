use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How a server answers a request.
#[derive(Clone, Debug)]
pub(super) enum Deed {
    /// Serves the file or the requested range.
    Serve,
    /// Like `Serve`, but closes the connection after this many bytes.
    Cut(usize),
    /// Like `Serve`, but falls silent after this many bytes.
    Stall(usize),
    /// Serves the whole file and ignores ranges.
    IgnoreRange,
    /// Serves the whole file and announces this length.
    Claim(usize),
    /// Serves the whole file without announcing its length.
    NoLength,
    /// Serves noise without end and without announcing its length.
    Endless,
    /// Serves the bytes from this offset, whatever range is requested.
    OtherRange(usize),
    /// Redirects to another address.
    Redirect(String),
    /// Answers with this status.
    Status(u16),
    /// Answers with something other than HTTP.
    Garbage,
}

/// A local server that serves one file at all its addresses. It runs until the process ends.
pub(super) struct Server {
    pub(super) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    content: Arc<Mutex<(Vec<u8>, String)>>,
}

impl Server {
    /// Performs one deed per request, then repeats the last one.
    pub(super) fn start(content: &[u8], deeds: &[Deed]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let content = Arc::new(Mutex::new((content.to_vec(), "\"one\"".to_owned())));
        let (seen, served, deeds) = (Arc::clone(&requests), Arc::clone(&content), deeds.to_vec());
        std::thread::spawn(move || {
            for (i, stream) in listener.incoming().enumerate() {
                let deed = deeds[i.min(deeds.len() - 1)].clone();
                let (content, tag) = served.lock().unwrap().clone();
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || {
                    // A client that disconnects ends the answer but fails no test.
                    let _ = answer(&stream.unwrap(), &deed, &content, &tag, &seen);
                });
            }
        });
        Self { url, requests, content }
    }

    /// Returns the first line of each request, with its range.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Switches to another version of the file.
    pub(super) fn change(&self, content: &[u8]) {
        *self.content.lock().unwrap() = (content.to_vec(), "\"two\"".to_owned());
    }
}

/// Sends until the client hangs up.
fn endless(mut stream: &TcpStream) -> std::io::Result<()> {
    loop {
        stream.write_all(&[7; 1 << 16])?;
    }
}

/// Reads a request: its first line with the range, where that begins, and whether it is of this version.
fn requested(stream: &TcpStream, tag: &str) -> std::io::Result<(String, Option<usize>, bool)> {
    let (mut request, mut from, mut is_current) = (String::new(), None, true);
    for line in BufReader::new(stream).lines() {
        let line = line?.to_lowercase();
        if request.is_empty() {
            request = line.strip_suffix(" http/1.1").unwrap_or(&line).to_owned();
        } else if let Some(range) = line.strip_prefix("range: bytes=") {
            request += &format!(" {range}");
            from = range.trim_end_matches('-').parse::<usize>().ok();
        } else if let Some(version) = line.strip_prefix("if-range: ") {
            is_current = version == tag;
        } else if line.is_empty() {
            break;
        }
    }
    Ok((request, from, is_current))
}

fn answer(
    mut stream: &TcpStream,
    deed: &Deed,
    content: &[u8],
    tag: &str,
    seen: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let (request, from, is_current) = requested(stream, tag)?;
    seen.lock().unwrap().push(request);
    let length = content.len();
    let (range, rest) = match (deed, from.filter(|_| is_current)) {
        (Deed::OtherRange(start), _) => (Some(*start), &content[*start..]),
        (Deed::IgnoreRange | Deed::Claim(_) | Deed::NoLength | Deed::Endless, _) => (None, content),
        (_, None) => (None, content),
        (_, Some(start)) if start >= length => {
            return write!(
                stream,
                "HTTP/1.1 416 No\r\nContent-Range: bytes */{length}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
        }
        (_, Some(start)) => (Some(start), &content[start..]),
    };
    let (head, range_line) = match range {
        Some(start) => ("206 Partial", format!("Content-Range: bytes {start}-{}/{length}\r\n", length - 1)),
        None => ("200 OK", String::new()),
    };
    let length_line = |n: usize| format!("Content-Length: {n}\r\n");
    let close = "Connection: close\r\n\r\n";
    let (first, n_sent) = match deed {
        Deed::Redirect(url) => {
            return write!(stream, "HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n{close}");
        }
        Deed::Status(code) => return write!(stream, "HTTP/1.1 {code} So\r\nContent-Length: 0\r\n{close}"),
        Deed::Garbage => return write!(stream, "<html>hello</html>"),
        Deed::Claim(n) => (length_line(*n), rest.len()),
        Deed::NoLength | Deed::Endless => (String::new(), rest.len()),
        Deed::Cut(n) | Deed::Stall(n) => (length_line(rest.len()), *n),
        _ => (length_line(rest.len()), rest.len()),
    };
    write!(stream, "HTTP/1.1 {head}\r\nETag: {tag}\r\n{range_line}{first}{close}")?;
    if matches!(deed, Deed::Endless) {
        return endless(stream);
    }
    stream.write_all(&rest[..n_sent.min(rest.len())])?;
    stream.flush()?;
    if matches!(deed, Deed::Stall(_)) {
        std::thread::sleep(Duration::from_secs(20));
    }
    Ok(())
}
