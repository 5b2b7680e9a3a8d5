//! Transfers one file over HTTP; resumes interrupted transfers, also those of an earlier process.

use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Duration;

use anyhow::bail;
use indicatif::ProgressBar;
use simgan_data::Hint;
use ureq::http::{HeaderMap, Response, StatusCode, header};
use ureq::{Agent, Body};

use super::part::{Origin, Part, written};
use crate::failure::hinted;

/// Time-outs and retries of a transfer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Maximum wait to connect, for the answer, and between two arrivals of bytes.
    pub(super) silence: Duration,
    /// Maximum number of tries in a row without [`PROGRESS`].
    pub(super) n_tries: u32,
    /// Pause before the second try; it doubles each time.
    pub(super) pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { silence: Duration::from_secs(60), n_tries: 5, pause: Duration::from_secs(1) }
    }
}

pub(super) struct Http {
    agent: Agent,
    patience: Patience,
}

/// One file to transfer.
pub(super) struct Transfer<'a> {
    pub(super) url: &'a str,
    /// The local part; the transfer resumes at its end.
    pub(super) part: &'a Part,
    /// Its length in bytes, if known.
    pub(super) bytes: Option<u64>,
    /// Its maximum length in bytes, if neither manifest nor server gives it.
    pub(super) max_bytes: u64,
    /// Whether its checksum is known: the transfer may then resume a part from another address.
    pub(super) is_known: bool,
    pub(super) bar: &'a ProgressBar,
}

/// Why a try ended early.
enum Cut {
    /// Another try may bring more.
    Passing(String),
    /// Another try would end the same way.
    Lasting(anyhow::Error),
}

/// A try that brings this many bytes resets the count of failures.
const PROGRESS: u64 = 1 << 20;
/// Hint for an address that does not serve the file.
const MIRROR: &str = "give a mirror or a copy on disk with --from";

impl Http {
    pub(super) fn new(patience: Patience) -> Self {
        let silence = Some(patience.silence);
        let config = Agent::config_builder()
            .user_agent(concat!("simgan-xtask/", env!("CARGO_PKG_VERSION")))
            // Ranges and checksums refer to the stored bytes, so the server must not compress them.
            .accept_encoding("identity")
            // `placed` interprets the status itself.
            .http_status_as_error(false)
            // No overall time-out: a large file may take hours.
            .timeout_resolve(silence)
            .timeout_connect(silence)
            .timeout_recv_response(silence)
            .timeout_per_read(silence)
            .build();
        Self { agent: config.new_agent(), patience }
    }

    /// Transfers a whole file, in as many tries as it takes.
    pub(super) fn fetch(&self, transfer: &Transfer<'_>) -> anyhow::Result<()> {
        let Transfer { url, part, bar, .. } = transfer;
        let (mut n_failures, mut pause) = (0, self.patience.pause);
        loop {
            let before = part.length();
            let reason = match self.try_once(transfer) {
                Ok(()) => return Ok(()),
                Err(Cut::Lasting(error)) => return Err(error),
                Err(Cut::Passing(reason)) => reason,
            };
            if part.length() >= before.saturating_add(PROGRESS) {
                (n_failures, pause) = (0, self.patience.pause);
            }
            n_failures += 1;
            if n_failures >= self.patience.n_tries {
                let so_far = indicatif::HumanBytes(part.length());
                let message = format!("{url}: {reason}, {n_failures} times; {so_far} are kept");
                bail!(hinted(message, Hint::any_of([Hint::Resume, MIRROR.into()])));
            }
            bar.set_message(format!("{reason}; trying again"));
            std::thread::sleep(pause);
            pause *= 2;
        }
    }

    fn try_once(&self, transfer: &Transfer<'_>) -> Result<(), Cut> {
        let Transfer { url, part, bytes, max_bytes, is_known, bar } = *transfer;
        let (start, version) = part.resume(url, is_known);
        if start > 0 && bytes == Some(start) {
            return Ok(());
        }
        let mut request = self.agent.get(url);
        if start > 0 {
            request = request.header(header::RANGE, format!("bytes={start}-"));
            if let Some(version) = version {
                request = request.header(header::IF_RANGE, version);
            }
        }
        let response = request.call().map_err(|error| self.failure(url, error))?;
        let Some((start, total)) = placed(url, &response, start, part)? else { return Ok(()) };
        if let (Some(total), Some(bytes)) = (total, bytes)
            && total != bytes
        {
            let message = format!("{url}: the server has {total} bytes, the manifest says {bytes}");
            let hint = format!("this is another file; {MIRROR}");
            return Err(Cut::Lasting(hinted(message, hint)));
        }
        let limit = total.or(bytes).unwrap_or(max_bytes);
        if limit > max_bytes.max(bytes.unwrap_or(0)) {
            let message = format!("{url}: the server announces {limit} bytes, more than this file may have");
            return Err(Cut::Lasting(hinted(message, MIRROR)));
        }
        let origin = Origin { url: url.to_owned(), version: version_of(response.headers()) };
        let mut file = part.open(start, &origin).map_err(Cut::Lasting)?;
        let total = total.or(bytes);
        bar.set_length(total.unwrap_or(0));
        bar.set_position(start);
        let end = self.copy(response.into_body(), &mut file, start, limit, transfer)?;
        match total {
            Some(total) if end < total => Err(Cut::Passing("the transfer was cut".to_owned())),
            _ => Ok(()),
        }
    }

    /// Appends a body to `file` and returns the file's new length.
    fn copy(
        &self,
        body: Body,
        file: &mut File,
        start: u64,
        limit: u64,
        transfer: &Transfer<'_>,
    ) -> Result<u64, Cut> {
        let full = |error: io::Error| Cut::Lasting(written(transfer.part.path(), &error));
        let mut reader = body.into_reader();
        let mut bytes = vec![0; 1 << 16];
        let mut end = start;
        loop {
            let n = match reader.read(&mut bytes) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) => return Err(Cut::Passing(self.reading(&error))),
            };
            end += n as u64;
            if end > limit {
                transfer.part.discard().map_err(Cut::Lasting)?;
                return Err(Cut::Lasting(anyhow::anyhow!(
                    "the server sent more than the {limit} bytes it announced"
                )));
            }
            file.write_all(&bytes[..n]).map_err(full)?;
            transfer.bar.set_position(end);
        }
        file.sync_all().map_err(full)?;
        Ok(end)
    }

    /// Classifies the error of a request without an answer.
    fn failure(&self, url: &str, error: ureq::Error) -> Cut {
        match error {
            ureq::Error::Io(error) => Cut::Passing(error.to_string()),
            ureq::Error::Timeout(_) => Cut::Passing(self.silent()),
            ureq::Error::ConnectionFailed => Cut::Passing("no connection".to_owned()),
            ureq::Error::Protocol(error) => Cut::Passing(format!("the answer is no HTTP: {error}")),
            ureq::Error::HostNotFound => {
                Cut::Passing("the host is not found (is there a network?)".to_owned())
            }
            error => Cut::Lasting(anyhow::Error::new(error).context(url.to_owned())),
        }
    }

    fn reading(&self, error: &io::Error) -> String {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<ureq::Error>());
        match inner {
            Some(ureq::Error::Timeout(_)) => self.silent(),
            _ if error.kind() == io::ErrorKind::TimedOut => self.silent(),
            _ => format!("the transfer was cut ({error})"),
        }
    }

    fn silent(&self) -> String {
        format!("the server sent nothing for {} s", self.patience.silence.as_secs_f32())
    }
}

/// Returns where in the file the answer's body begins, and the file's length if the server gives it; `None`
/// if nothing is left to transfer.
fn placed(
    url: &str,
    response: &Response<Body>,
    asked: u64,
    part: &Part,
) -> Result<Option<(u64, Option<u64>)>, Cut> {
    let number = |name| response.headers().get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    match response.status() {
        // The server ignored the range or the file has changed: the body is the whole file.
        StatusCode::OK => Ok(Some((0, number(header::CONTENT_LENGTH)))),
        StatusCode::PARTIAL_CONTENT => match range(response.headers()) {
            Some((Some(start), total)) if start == asked => Ok(Some((start, total))),
            _ => restart(part, "the server answered with another range"),
        },
        StatusCode::RANGE_NOT_SATISFIABLE => match range(response.headers()) {
            Some((_, Some(total))) if total == asked && asked > 0 => Ok(None),
            _ => restart(part, "the server has fewer bytes than were transferred"),
        },
        status @ (StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS) => {
            Err(Cut::Passing(format!("the server answered {status}")))
        }
        status if status.is_server_error() => Err(Cut::Passing(format!("the server answered {status}"))),
        status => Err(Cut::Lasting(hinted(format!("{url}: the server answered {status}"), MIRROR))),
    }
}

fn restart<T>(part: &Part, reason: &str) -> Result<T, Cut> {
    part.discard().map_err(Cut::Lasting)?;
    Err(Cut::Passing(reason.to_owned()))
}

/// Parses first byte and total length from `Content-Range: bytes 5-9/10` or `bytes */10`.
fn range(headers: &HeaderMap) -> Option<(Option<u64>, Option<u64>)> {
    let text = headers.get(header::CONTENT_RANGE)?.to_str().ok()?.strip_prefix("bytes ")?;
    let (range, total) = text.split_once('/')?;
    Some((range.split_once('-').and_then(|(start, _)| start.trim().parse().ok()), total.trim().parse().ok()))
}

/// Returns the version of the file for `If-Range`, which accepts a strong ETag or a date.
fn version_of(headers: &HeaderMap) -> Option<String> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    text(header::ETAG).filter(|tag| !tag.starts_with("W/")).or_else(|| text(header::LAST_MODIFIED))
}
