//! `simgan train --tui`: a run on the whole terminal.
//!
//! The trainer's thread only tells events to the [`Dashboard`]; a thread of its own draws it and reads keys, so
//! that drawing delays no step.

mod curve;
mod dashboard;
mod draw;
mod screen;
#[cfg(test)]
mod tests;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ratatui::crossterm::event::{self, KeyCode, KeyEvent, KeyModifiers};
use simgan_train::run_dir::METRICS_FILE;
use simgan_train::{Event, RunDir, Trainer, read_metrics};

use self::dashboard::Dashboard;
use self::draw::{View, draw};
use self::screen::Screen;
pub(crate) use self::screen::{check, leave};
use crate::commands::log;
use crate::{console, interrupt};

/// Time between two pictures.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// How long the drawing thread may take to end.
const ENDS_WITHIN: Duration = Duration::from_secs(2);

/// The terminal's whole screen while a run trains; dropping it gives the terminal back.
pub(crate) struct Tui {
    shared: Arc<Shared>,
    drawing: Option<JoinHandle<()>>,
}

/// What the trainer's thread and the drawing one share.
struct Shared {
    started: Instant,
    dashboard: Mutex<Dashboard>,
    /// Asks the trainer to stop.
    stop: Arc<AtomicBool>,
    /// Asks the drawing thread to end.
    done: AtomicBool,
}

impl Tui {
    /// Takes the screen for a run that is about to start or resume. `device` is the device's name.
    ///
    /// # Errors
    /// There is no terminal.
    pub(crate) fn open(
        run: &RunDir,
        trainer: &Trainer,
        device: String,
        stop: &Arc<AtomicBool>,
    ) -> Result<Self> {
        let mut dashboard = Dashboard::new(run.path(), device, trainer.config());
        let steps_done = trainer.steps_done();
        if steps_done > 0 {
            // The trainer cuts off what a crash left at the end.
            let events = read_metrics(&run.path().join(METRICS_FILE)).unwrap_or_else(|error| {
                tracing::warn!("the curves begin at this step: {error}");
                Vec::new()
            });
            let earlier = events.iter().filter(|event| event.step() <= steps_done);
            earlier.for_each(|event| dashboard.recall(event));
        }
        let shared = Arc::new(Shared {
            started: Instant::now(),
            dashboard: Mutex::new(dashboard),
            stop: Arc::clone(stop),
            done: AtomicBool::new(false),
        });
        let screen = screen::enter().context("cannot take the terminal's screen")?;
        console::hold();
        let seen = Arc::clone(&shared);
        let drawing = std::thread::Builder::new().name("tui".to_owned()).spawn(move || seen.show(screen));
        let drawing = drawing.inspect_err(|_| leave()).context("cannot start a thread")?;
        Ok(Self { shared, drawing: Some(drawing) })
    }

    /// Shows an event, and logs it as a run without a screen does.
    pub(crate) fn see(&mut self, event: &Event) {
        log(event);
        self.shared.dashboard().see(event, self.shared.started.elapsed());
    }
}

impl Drop for Tui {
    fn drop(&mut self) {
        self.shared.done.store(true, Ordering::Relaxed);
        // A terminal that was closed may keep the thread for ever, but not the program.
        let end = Instant::now() + ENDS_WITHIN;
        while self.drawing.as_ref().is_some_and(|drawing| !drawing.is_finished()) && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(5));
        }
        // A panic there has been printed, and has given the terminal back.
        if let Some(drawing) = self.drawing.take_if(|drawing| drawing.is_finished()) {
            let _ = drawing.join();
        }
        leave();
    }
}

impl Shared {
    /// Draws until the run has ended. Without a screen, training goes on.
    fn show(&self, mut screen: Screen) {
        if let Err(error) = self.draw_until_done(&mut screen) {
            leave();
            tracing::warn!("the terminal cannot be drawn on ({error}); training goes on without");
        }
    }

    fn draw_until_done(&self, screen: &mut Screen) -> io::Result<()> {
        let mut with_help = false;
        while !self.done.load(Ordering::Relaxed) {
            let dashboard = self.dashboard().clone();
            let view = View {
                elapsed: self.started.elapsed(),
                is_stopping: self.stop.load(Ordering::Relaxed),
                with_help,
                log: console::last(draw::MOST_LOG),
            };
            screen.draw(|frame| draw(frame, &dashboard, &view))?;
            let next = Instant::now() + DRAW_EVERY;
            while event::poll(next.saturating_duration_since(Instant::now()))? {
                if let Some(key) = event::read()?.as_key_press_event() {
                    with_help = self.press(key, with_help);
                }
            }
        }
        Ok(())
    }

    /// Acts on a key; returns whether the help shows then.
    fn press(&self, key: KeyEvent, with_help: bool) -> bool {
        match key.code {
            KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => {
                interrupt::request(&self.stop);
            }
            KeyCode::Char('q' | 'Q') => interrupt::request(&self.stop),
            KeyCode::Char('?' | 'h') => return !with_help,
            KeyCode::Esc => return false,
            _ => {}
        }
        with_help
    }

    fn dashboard(&self) -> MutexGuard<'_, Dashboard> {
        self.dashboard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
