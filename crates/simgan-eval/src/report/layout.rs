//! Fits a table of text into a number of columns.

/// Spaces between two columns.
const GAP: usize = 2;

/// Formats `rows`, the first of which is the head, in lines of at most `width` characters: the first column
/// flush left, the others flush right. A table that is too wide gets a head of several lines, then several
/// blocks of columns, each with the first column. Only a cell wider than `width` exceeds it.
pub(super) fn fitted(rows: &[Vec<String>], width: usize) -> String {
    let Some((head, body)) = rows.split_first() else { return String::new() };
    let natural: Vec<usize> = (0..head.len()).map(|column| widest(rows, column)).collect();
    if total(&natural) <= width {
        return block(rows, &natural, &(0..head.len()).collect::<Vec<_>>());
    }
    let narrow = |column: usize| {
        let longest_word = head[column].split(' ').map(count).max().unwrap_or(0);
        widest(body, column).max(longest_word)
    };
    let widths: Vec<usize> = (0..head.len()).map(narrow).collect();
    let blocks = blocks(&widths, width);
    blocks.iter().map(|columns| block(rows, &widths, columns)).collect::<Vec<_>>().join("\n")
}

/// Wraps each line of a text between words.
pub(super) fn wrapped_lines(text: &str, width: usize) -> String {
    text.lines().flat_map(|line| wrapped(line, width)).map(|line| line + "\n").collect()
}

/// Distributes the columns after the first over blocks that fit.
fn blocks(widths: &[usize], width: usize) -> Vec<Vec<usize>> {
    let mut blocks = vec![vec![0]];
    for column in 1..widths.len() {
        if let Some(block) = blocks.last_mut() {
            let used: Vec<usize> = block.iter().chain([&column]).map(|column| widths[*column]).collect();
            if total(&used) <= width || block.len() == 1 {
                block.push(column);
                continue;
            }
        }
        blocks.push(vec![0, column]);
    }
    blocks
}

/// Formats some columns, each cell wrapped to its column's width.
fn block(rows: &[Vec<String>], widths: &[usize], columns: &[usize]) -> String {
    let mut text = String::new();
    for row in rows {
        let cells: Vec<_> = columns.iter().map(|column| wrapped(&row[*column], widths[*column])).collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for line in 0..height {
            let parts = columns.iter().zip(&cells).map(|(&column, cell)| {
                let part = cell.get(line).map_or("", String::as_str);
                let width = widths[column];
                if column == 0 { format!("{part:<width$}") } else { format!("{part:>width$}") }
            });
            text.push_str(parts.collect::<Vec<_>>().join("  ").trim_end());
            text.push('\n');
        }
    }
    text
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if count(line) + 1 + count(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

fn widest(rows: &[Vec<String>], column: usize) -> usize {
    rows.iter().map(|row| count(&row[column])).max().unwrap_or(0)
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

fn count(text: &str) -> usize {
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn a_table_fits_the_terminal() {
        let table = rows(&[
            &["gaze error in degrees", "learned from", "mean", "pitch, yaw offset"],
            &["synthetic", "4000", "9.41 ± 0.46", "+1.2, -0.3"],
            &["nearest neighbours", "4000", "12.5", "-0.1, +7.0"],
        ]);
        for width in [31, 40, 56, 80, 200] {
            let text = fitted(&table, width);
            assert!(text.lines().all(|line| count(line) <= width), "{width}:\n{text}");
            for cell in ["synthetic", "nearest neighbours", "4000", "9.41 ± 0.46", "+1.2, -0.3", "-0.1, +7.0"]
            {
                assert!(text.contains(cell), "`{cell}` is lost:\n{text}");
            }
        }
        let narrow = fitted(&table, 31);
        assert!(narrow.starts_with("gaze error in       learned\ndegrees                from\n"), "{narrow}");
        let expected = "gaze error in degrees  learned from         mean  pitch, yaw offset\n\
                        synthetic                      4000  9.41 ± 0.46         +1.2, -0.3\n\
                        nearest neighbours             4000         12.5         -0.1, +7.0\n";
        assert_eq!(fitted(&table, 200), expected);
    }

    #[test]
    fn notes_break_between_words() {
        assert_eq!(wrapped_lines("a bc def\ng", 4), "a bc\ndef\ng\n");
        assert_eq!(wrapped_lines("", 4), "");
    }
}
