//! Progress bars, shown only on a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Makes a bar that counts bytes; a length of 0 means not known yet.
pub(crate) fn bytes(what: &str, length: u64) -> ProgressBar {
    bar(
        what,
        length,
        "{prefix} {wide_bar} {bytes} of {total_bytes}, {binary_bytes_per_sec}, {eta} left {msg}",
    )
}

/// Makes a bar that counts images.
pub(crate) fn images(what: &str, length: u64) -> ProgressBar {
    bar(what, length, "{prefix} {wide_bar} {human_pos} of {human_len} images, {per_sec:.0}, {eta} left")
}

fn bar(what: &str, length: u64, template: &str) -> ProgressBar {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(length).with_style(style).with_prefix(what.to_owned());
    // Otherwise nothing would be seen until the first byte has come.
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
