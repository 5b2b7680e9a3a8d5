//! The files of a run by the names that training gives them.

use std::path::{Path, PathBuf};

use simgan_models::run_folder::checkpoint_name;
use simgan_train::run_dir::{CHECKPOINTS_DIR, SAMPLES_DIR};

use crate::runs::folder::Guarded;

/// The page of an evaluation's report.
const REPORT_PAGE: &str = "index.html";
/// What marks a page as a report of this program.
const REPORT_MARK: &[u8] = b"<meta name=\"generator\" content=\"simgan ";
/// Longest report, pictures included.
pub(crate) const MAX_REPORT: u64 = 64 << 20;
/// Largest sample grid.
pub(crate) const MAX_SAMPLES: u64 = 64 << 20;

/// Steps of which there is a sample grid, in order.
pub(crate) fn sample_steps(run: &Guarded) -> Vec<u64> {
    let names = run.names(Path::new(SAMPLES_DIR));
    let mut steps: Vec<u64> = names.iter().filter_map(|name| step_of(name.strip_suffix(".png")?)).collect();
    steps.sort_unstable();
    steps
}

/// The path of a sample grid, relative to the run.
pub(crate) fn sample_path(step: u64) -> PathBuf {
    Path::new(SAMPLES_DIR).join(format!("step-{step:08}.png"))
}

/// Steps of which there is a checkpoint, intact or not, in order.
pub(crate) fn checkpoint_steps(run: &Guarded) -> Vec<u64> {
    let names = run.names(Path::new(CHECKPOINTS_DIR));
    let mut steps: Vec<u64> = names.iter().filter_map(|name| step_of(name)).collect();
    steps.sort_unstable();
    steps
}

/// The path of a checkpoint, relative to the run.
pub(crate) fn checkpoint_path(step: u64) -> PathBuf {
    Path::new(CHECKPOINTS_DIR).join(checkpoint_name(step))
}

/// The step in a name such as `step-00001000`.
pub(crate) fn step_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("step-")?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// Names of the folders in a run that hold a report.
pub(crate) fn reports(run: &Guarded) -> Vec<String> {
    let names = run.names(Path::new("")).into_iter();
    names.filter(|name| run.child(Path::new(name)).is_some_and(|folder| is_report(&folder))).collect()
}

/// Whether a folder holds a report that this program wrote. Other pages are not served.
pub(crate) fn is_report(folder: &Guarded) -> bool {
    use std::io::Read;
    let Ok(file) = folder.file(Path::new(REPORT_PAGE)) else { return false };
    let mut beginning = Vec::new();
    let is_read = file.take(1024).read_to_end(&mut beginning).is_ok();
    is_read && beginning.windows(REPORT_MARK.len()).any(|window| window == REPORT_MARK)
}

/// Reads a report's page.
pub(crate) fn read_report(folder: &Guarded) -> std::io::Result<Vec<u8>> {
    folder.read(Path::new(REPORT_PAGE), MAX_REPORT)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_names_of_training_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let samples = folder.path().join(SAMPLES_DIR);
        fs::create_dir(&samples).unwrap();
        for name in ["step-00000200.png", "step-00000100.png", "step-+5.png", "step-1.png.tmp", "other.png"] {
            fs::write(samples.join(name), "").unwrap();
        }
        let run = Guarded::open(folder.path()).unwrap();
        assert_eq!(sample_steps(&run), [100, 200]);
        assert_eq!(sample_path(100), Path::new("samples/step-00000100.png"));
        assert!(step_of("step-../1").is_none() && step_of("step-").is_none());
    }

    #[test]
    fn only_reports_of_this_program_are_served() {
        let folder = tempfile::tempdir().unwrap();
        for (name, page) in
            [("a", "<meta name=\"generator\" content=\"simgan evaluate\">"), ("b", "<script>")]
        {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join(REPORT_PAGE), page).unwrap();
        }
        assert_eq!(reports(&Guarded::open(folder.path()).unwrap()), ["a"]);
    }
}
