//! Describes the machine.

use std::path::Path;
use std::process::Command;

/// Returns one line with day, commit, processor, memory, system and compiler.
pub(super) fn describe(root: &Path) -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let value = |key: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(key))?;
        Some(line.split_once(':')?.1.trim())
    };
    let model = value("model name").unwrap_or(std::env::consts::ARCH);
    let flags = value("flags").unwrap_or_default();
    let vectors: Vec<&str> = ["amx_bf16", "avx512_bf16", "avx512f", "avx2", "fma"]
        .into_iter()
        .filter(|&flag| flags.split(' ').any(|f| f == flag))
        .collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes: u64 =
        meminfo.split_whitespace().nth(1).and_then(|number| number.parse().ok()).unwrap_or_default();
    let dirty = told(root, "git", &["status", "--porcelain", "--untracked-files=no"]).is_some();
    format!(
        "{}, commit {}{}. {model}, {threads} processors{}{}, {} GB memory; {} {}; {}, cargo's dev profile.",
        told(root, "date", &["-u", "+%Y-%m-%d"]).unwrap_or_default(),
        told(root, "git", &["rev-parse", "--short", "HEAD"]).unwrap_or_else(|| "unknown".to_owned()),
        if dirty { " with changes" } else { "" },
        if vectors.is_empty() { "" } else { ", " },
        vectors.join(" "),
        kilobytes / 1_000_000,
        told(root, "uname", &["-s"]).unwrap_or_default(),
        told(root, "uname", &["-r"]).unwrap_or_default(),
        told(root, "rustc", &["--version"]).unwrap_or_default(),
    )
}

/// Whether simgan computes in bf16 here.
pub(super) fn has_bf16() -> bool {
    #[cfg(target_arch = "x86_64")]
    let has = std::arch::is_x86_feature_detected!("avx512bf16");
    #[cfg(not(target_arch = "x86_64"))]
    let has = false;
    has
}

/// Returns what a program prints; `None` if it fails or prints nothing.
fn told(root: &Path, program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).current_dir(root).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
