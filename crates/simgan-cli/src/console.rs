//! Standard error: log lines and progress bars, kept from overwriting each other. Standard output carries
//! only results.

mod held;

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use simgan_data::{printable, printable_line};
use tracing::Span;
use tracing_indicatif::IndicatifLayer;
use tracing_indicatif::filter::IndicatifFilter;
use tracing_indicatif::span_ext::IndicatifSpanExt;
use tracing_indicatif::style::ProgressStyle;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

pub(crate) use self::held::{hold, last, release};
use crate::arguments::Verbosity;

/// Interval between progress log lines when there are no bars.
const LOG_EVERY: Duration = Duration::from_secs(15);

/// Starts logging to standard error, with colours and bars only on a terminal.
pub(crate) fn start(verbosity: &Verbosity) {
    let terminal = io::stderr().is_terminal();
    let bars = IndicatifLayer::new();
    let lines = fmt::layer()
        .with_writer(Printing(bars.get_stderr_writer()))
        .with_ansi(terminal && std::env::var_os("NO_COLOR").is_none())
        .with_target(verbosity.verbose > 0)
        .without_time()
        // Otherwise a closed standard error would panic.
        .log_internal_errors(false)
        .with_filter(filter(verbosity));
    let bars = (terminal && verbosity.quiet == 0).then(|| bars.with_filter(IndicatifFilter::new(false)));
    tracing_subscriber::registry().with(lines).with(bars).init();
}

/// Writes log lines, one in each call, in which names of files cannot steer the terminal.
struct Printing<W>(W);

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Printing<W> {
    type Writer = Printing<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Printing(self.0.make_writer())
    }
}

impl<W: Write> Write for Printing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // tracing has replaced escapes in names; those that are left begin its own colours.
        let text = String::from_utf8_lossy(bytes);
        let (line, end) = text.strip_suffix('\n').map_or((&*text, ""), |line| (line, "\n"));
        let parts: Vec<_> = line.split('\u{1b}').map(printable_line).collect();
        let line = parts.join("\u{1b}") + end;
        if !held::keep(&line) {
            self.0.write_all(line.as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn filter(verbosity: &Verbosity) -> EnvFilter {
    let directives = match (verbosity.quiet, verbosity.verbose) {
        (0, 0) => "warn,simgan=info",
        (0, 1) => "info,simgan=debug",
        (0, _) => "debug,simgan=trace",
        (1, _) => "warn",
        _ => "error",
    };
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(directives))
}

/// The progress of one job: a bar on a terminal, elsewhere a log line every 15 seconds.
pub(crate) struct Progress {
    bar: Span,
    what: String,
    length: u64,
    logged: Instant,
}

impl Progress {
    /// Starts a bar for the job `what`, such as `refining`, which ends at `length` `unit`s; with a length of 0
    /// the bar only shows the time spent.
    pub(crate) fn new(what: impl Into<String>, length: u64, unit: &str) -> Self {
        let what = what.into();
        let bar = tracing::info_span!("progress", indicatif.pb_show = tracing::field::Empty);
        // Figures get their own line, so that a narrow terminal cuts off neither them nor the bar.
        let template = match length {
            0 => format!("{what} {{spinner}} {{elapsed}}\n  {{wide_msg}}"),
            _ => format!(
                "{what} {{wide_bar:.cyan/blue}} {{human_pos}}/{{human_len}} {unit}  {{eta}} left\n  {{wide_msg}}"
            ),
        };
        // Parsing cannot fail: `what` and `unit` hold no braces, and the rest is constant.
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.pb_set_style(&style);
        }
        bar.pb_set_length(length);
        bar.pb_start();
        Self { bar, what, length, logged: Instant::now() }
    }

    /// Shows the position and a few figures.
    pub(crate) fn update(&mut self, position: u64, message: &str) {
        self.bar.pb_set_position(position);
        self.bar.pb_set_message(message);
        if !io::stderr().is_terminal() && self.logged.elapsed() >= LOG_EVERY {
            self.logged = Instant::now();
            tracing::info!("{} {position}/{} {message}", self.what, self.length);
        }
    }
}

/// A time as people say it: "40 s", "17 min", "3 h", "2 days".
pub(crate) struct Rough(pub(crate) Duration);

impl std::fmt::Display for Rough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secs = self.0.as_secs_f64();
        match secs {
            secs if secs < 90.0 => write!(f, "{:.0} s", secs.max(1.0)),
            secs if secs < 5400.0 => write!(f, "{:.0} min", secs / 60.0),
            secs if secs < 129_600.0 => write!(f, "{:.1} h", secs / 3600.0),
            secs => write!(f, "{:.1} days", secs / 86_400.0),
        }
    }
}

/// The number of columns that a table on standard output may take: the terminal's; without one a table need not
/// fit anything.
pub(crate) fn terminal_width() -> usize {
    terminal_size::terminal_size_of(io::stdout()).map_or(usize::MAX, |(width, _)| usize::from(width.0))
}

/// Prints a result to standard output; nothing else may write there. Names of files in it cannot steer the
/// terminal.
///
/// # Errors
/// Standard output is closed or full.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    let written = output.write_all(printable(text).as_bytes()).and_then(|()| output.flush());
    written.context("cannot write to standard output")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_lines_keep_their_colours_only() {
        let mut line = Printing(Vec::new());
        line.write_all("\u{1b}[33mWARN\u{1b}[0m a\rerror: \u{202e}gnp\n".as_bytes()).unwrap();
        let expected = "\u{1b}[33mWARN\u{1b}[0m a\\u000derror: \\u202egnp\n";
        assert_eq!(String::from_utf8(line.0).unwrap(), expected);
    }

    #[test]
    fn times_are_rounded_as_people_do() {
        let told = |secs: f64| Rough(Duration::from_secs_f64(secs)).to_string();
        assert_eq!(
            [0.2, 61.0, 1000.0, 9000.0, 260_000.0].map(told),
            ["1 s", "61 s", "17 min", "2.5 h", "3.0 days"]
        );
    }
}
