//! The terminal's second screen, on standard error: standard output carries only results.

use std::io::{self, IsTerminal, Write};
use std::panic;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use crate::console;
use crate::failure::usage;

/// The screen, to draw on.
pub(super) type Screen = Terminal<CrosstermBackend<Frames>>;

/// Whether the second screen shows. It changes only under the lock of standard error.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// Checks that there is a terminal to draw on and to read keys from.
///
/// # Errors
/// There is none: wrong usage.
pub(crate) fn check() -> Result<()> {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    let answers = || enable_raw_mode().and_then(|()| disable_raw_mode()).is_ok();
    if io::stderr().is_terminal() && !is_dumb && answers() {
        return Ok(());
    }
    let error = usage("--tui needs a terminal that can be drawn on, and there is none");
    Err(error.hint("leave out --tui, and follow the run in a browser with simgan serve").into())
}

/// Shows the second screen. A panic anywhere leaves it before its message is printed.
pub(super) fn enter() -> io::Result<Screen> {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            leave();
            before(panic);
        }));
    });
    enable_raw_mode()?;
    let mut stderr = io::stderr().lock();
    SHOWN.store(true, Ordering::Relaxed);
    let entered = execute!(stderr, EnterAlternateScreen);
    drop(stderr);
    entered.and_then(|()| Terminal::new(CrosstermBackend::new(Frames::default()))).inspect_err(|_| leave())
}

/// Gives the terminal back as it was, then prints what was logged meanwhile. Without the second screen it does
/// nothing.
pub(crate) fn leave() {
    let mut stderr = io::stderr().lock();
    if SHOWN.swap(false, Ordering::Relaxed) {
        // If the terminal is gone, there is nothing to restore.
        let _ = execute!(stderr, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
        drop(stderr);
        console::release();
    }
}

/// Writes each frame at once, and none once the second screen is left.
#[derive(Debug, Default)]
pub(super) struct Frames(Vec<u8>);

impl Write for Frames {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let frame = std::mem::take(&mut self.0);
        let mut stderr = io::stderr().lock();
        if SHOWN.load(Ordering::Relaxed) { stderr.write_all(&frame) } else { Ok(()) }
    }
}
