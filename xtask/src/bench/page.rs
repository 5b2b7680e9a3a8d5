//! The page of tables.

use std::fmt::Write;

use super::measure::{Figure, Row};

/// The whole page, in Markdown.
pub(super) fn page(machine: &str, rows: &[Row]) -> String {
    let versions = rows.iter().find_map(|row| row.peers.as_ref());
    let torch = versions.map_or_else(String::new, |peers| format!(" PyTorch {}.", peers.version));
    let mut page = format!(
        "# Speed\n\n\
         Made by `cargo xtask bench --python PYTHON`; not edited by hand. {machine}{torch}\n\n\
         The paper's eye-gaze networks on noise, `f32`. Images per second; each figure is measured in a process of its own, both sides\n\
         in turn, and is a median; of the first three rows, the median of several rounds'. A step is forward, losses, backward and update, ours through the trainer's own code with its data loading. The\n\
         best mode of PyTorch and ONNX Runtime is named; `torch.compile` was tried in the first three rows. Memory is the most that the process held, for the other side in its first mode.\n\n\
         | figure | images | batch | threads | simgan | best other | its mode | ratio | memory | its memory |\n\
         |---|---|---:|---:|---:|---:|---|---:|---:|---:|\n"
    );
    for row in rows {
        page.push_str(&line(row));
    }
    page.push('\n');
    page.push_str(&scaling(rows));
    page
}

fn line(row: &Row) -> String {
    let task = &row.task;
    let memory = |megabytes: Option<u64>| megabytes.map_or(String::new(), |mb| format!("{mb} MB"));
    let planes = if task.channels == 1 { String::new() } else { format!(", {} channels", task.channels) };
    let mut line = format!(
        "| {} | {}{planes} | {} | {} | {:.1} |",
        task.figure, task.size, task.batch, task.threads, row.images_per_sec
    );
    match row.peers.as_ref().and_then(|peers| Some((peers, peers.modes.first()?))) {
        Some((peers, (mode, rates))) => {
            let rate = rates[0];
            let ratio = row.images_per_sec / rate;
            let (ours, theirs) = (memory(row.peak_memory_mb), memory(peers.peak_memory_mb));
            let _ = writeln!(line, " {rate:.1} | {mode} | {ratio:.2} | {ours} | {theirs} |");
        }
        None => {
            let _ = writeln!(line, " | | | {} | |", memory(row.peak_memory_mb));
        }
    }
    line
}

/// How the figures grow with threads, images and pixels.
fn scaling(rows: &[Row]) -> String {
    let mut text = String::new();
    let rate = |figure: Figure, batch: usize, threads: usize| {
        let row = rows.iter().find(|row| {
            let task = &row.task;
            (task.figure, task.batch, task.threads, task.size) == (figure, batch, threads, "55x35")
        });
        row.map(|row| row.images_per_sec)
    };
    for figure in Figure::ALL {
        if let Some((one, two)) = rate(figure, 64, 1).zip(rate(figure, 64, 2)) {
            let _ = writeln!(text, "- {figure}: two threads give {:.2} × one.", two / one);
        }
    }
    let pixels = |size: &str| -> Option<f64> {
        let (width, height) = size.split_once('x')?;
        Some(width.parse::<f64>().ok()? * height.parse::<f64>().ok()?)
    };
    let costs: Vec<String> = rows
        .iter()
        .filter(|row| row.task.figure == Figure::Refine && row.task.threads == 2 && row.task.channels == 1)
        .filter_map(|row| {
            let task = &row.task;
            let nanoseconds = 1e9 / row.images_per_sec / pixels(task.size)?;
            Some(format!("{nanoseconds:.0} ({} × {})", task.batch, task.size))
        })
        .collect();
    let _ = writeln!(text, "- Refining costs, in nanoseconds a pixel (images × size): {}.", costs.join(", "));
    text
}

#[cfg(test)]
mod tests {
    use super::super::measure::{Peers, Task};
    use super::*;

    #[test]
    fn a_page_names_the_best_mode_and_the_ratio() {
        let peers = Peers {
            version: "9.9".to_owned(),
            modes: vec![("fast".to_owned(), vec![50.0]), ("slow".to_owned(), vec![10.0])],
            peak_memory_mb: Some(800),
        };
        let two = Task::new(Figure::Refine, 64, 2);
        let rows = [
            Row { task: two, images_per_sec: 190.0, peak_memory_mb: Some(30), peers: Some(peers) },
            Row {
                task: Task { threads: 1, ..two },
                images_per_sec: 100.0,
                peak_memory_mb: None,
                peers: None,
            },
        ];
        let page = page("A machine.", &rows);
        assert!(
            page.contains("| refine | 55x35 | 64 | 2 | 190.0 | 50.0 | fast | 3.80 | 30 MB | 800 MB |\n"),
            "{page}"
        );
        assert!(page.contains("| refine | 55x35 | 64 | 1 | 100.0 | | | |  | |\n"), "{page}");
        assert!(page.contains("A machine. PyTorch 9.9."), "{page}");
        assert!(page.contains("- refine: two threads give 1.90 × one.\n"), "{page}");
        assert!(page.contains("2734 (64 × 55x35)"), "{page}");
    }
}
