//! candle's own threads, which this program can do without.

/// candle adds and scales large tensors on as many threads of its own as there are cores. Between two operations they
/// wait in a loop and take the cores from the threads that train: with another program beside, an update of the refiner
/// took a fifth longer, and alone some runs took half as long again. candle reads their number once, from the
/// environment, so this starts the program again with that variable, unless the user has set it.
#[cfg(unix)]
pub(crate) fn avoid() {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    const VARIABLE: &str = "CANDLE_NUM_THREADS";
    if std::env::var_os(VARIABLE).is_some() {
        return;
    }
    let mut typed = std::env::args_os();
    let (Ok(program), Some(name)) = (std::env::current_exe(), typed.next()) else { return };
    // Returns only if it fails; then the program goes on with candle's threads.
    let _ = Command::new(program).arg0(name).args(typed).env(VARIABLE, "1").exec();
}

/// Other systems cannot replace a process by another.
#[cfg(not(unix))]
pub(crate) fn avoid() {}
