use std::path::PathBuf;

use clap::Args;

use super::Compute;

/// Follow runs in the browser: curves, samples, comparison, a refiner to try, and visual Turing tests.
///
/// It reads the runs' folders only, so it works while they train, afterwards, and on copies. It listens on this
/// machine alone; with another address, every page asks for the token in the link that is printed. Ctrl-C ends it.
#[derive(Args, Debug)]
pub(crate) struct ServeArguments {
    /// Folders of runs, folders that hold runs, folders of reports, and files of Turing tests [default: runs].
    #[arg(value_name = "RUN")]
    pub(crate) what: Vec<PathBuf>,
    /// Host and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878")]
    pub(crate) bind: String,
    /// Open the first page in the browser.
    #[arg(long)]
    pub(crate) open: bool,
    #[command(flatten)]
    pub(crate) compute: Compute,
}
