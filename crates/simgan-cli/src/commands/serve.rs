//! `simgan serve`: runs and Turing tests in the browser.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::Result;
use simgan_web::{Server, ServerOptions};

use crate::arguments::ServeArguments;
use crate::console::print;
use crate::{compute, interrupt};

/// Where training puts runs that get no other place.
const RUNS: &str = "runs";

/// Serves until Ctrl-C.
pub(crate) fn serve(arguments: &ServeArguments) -> Result<()> {
    let device = compute::open(&arguments.compute)?;
    let what = match arguments.what.as_slice() {
        [] => vec![PathBuf::from(RUNS)],
        what => what.to_vec(),
    };
    let (tests, runs) = what.into_iter().partition(|path| path.is_file());
    let server = Server::bind(ServerOptions { bind: arguments.bind.clone(), runs, tests, device })?;
    let url = server.url();
    let stop = interrupt::stop_flag()?;
    print(&format!("{url}\n"))?;
    if arguments.open {
        open(&url);
    }
    tracing::info!("press Ctrl-C to end");
    Ok(server.run(&stop)?)
}

/// Opens a page in the browser. The link was printed, so a failure is only a warning.
fn open(url: &str) {
    let (program, before) = match std::env::consts::OS {
        "macos" => ("open", &[][..]),
        "windows" => ("cmd", &["/C", "start", ""][..]),
        _ => ("xdg-open", &[][..]),
    };
    let mut command = Command::new(program);
    command.args(before).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    if let Err(error) = command.spawn() {
        tracing::warn!("no browser opens ({program}: {error}): open the link yourself");
    }
}
