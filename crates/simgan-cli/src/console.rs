//! Standard error: log lines and progress bars, kept from overwriting each other. Standard output carries
//! only results.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use simgan_data::printable;
use tracing::Span;
use tracing_indicatif::IndicatifLayer;
use tracing_indicatif::filter::IndicatifFilter;
use tracing_indicatif::span_ext::IndicatifSpanExt;
use tracing_indicatif::style::ProgressStyle;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use crate::arguments::Verbosity;

/// Interval between progress log lines when there are no bars.
const LOG_EVERY: Duration = Duration::from_secs(15);

/// Starts logging to standard error, with colours and bars only on a terminal.
pub(crate) fn start(verbosity: &Verbosity) {
    let terminal = io::stderr().is_terminal();
    let bars = IndicatifLayer::new();
    let lines = fmt::layer()
        .with_writer(bars.get_stderr_writer())
        .with_ansi(terminal && std::env::var_os("NO_COLOR").is_none())
        .with_target(verbosity.verbose > 0)
        .without_time()
        // Otherwise a closed standard error would panic.
        .log_internal_errors(false)
        .with_filter(filter(verbosity));
    let bars = (terminal && verbosity.quiet == 0).then(|| bars.with_filter(IndicatifFilter::new(false)));
    tracing_subscriber::registry().with(lines).with(bars).init();
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
    what: &'static str,
    length: u64,
    logged: Instant,
}

impl Progress {
    /// Starts a bar for the job `what`, such as `refining`, which ends at `length` `unit`s.
    pub(crate) fn new(what: &'static str, length: u64, unit: &str) -> Self {
        let bar = tracing::info_span!("progress", indicatif.pb_show = tracing::field::Empty);
        // Figures get their own line, so that a narrow terminal cuts off neither them nor the bar.
        let template = format!(
            "{what} {{wide_bar:.cyan/blue}} {{human_pos}}/{{human_len}} {unit}  {{eta}} left\n  {{wide_msg}}"
        );
        // Parsing cannot fail: `what` and `unit` hold no braces, and the rest is constant.
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.pb_set_style(&style);
        }
        bar.pb_set_length(length);
        bar.pb_start();
        Self { bar, what, length, logged: Instant::now() }
    }

    /// Moves the end of the job.
    pub(crate) fn set_length(&mut self, length: u64) {
        self.length = length;
        self.bar.pb_set_length(length);
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
