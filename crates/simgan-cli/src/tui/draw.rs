//! Draws a [`Dashboard`].

mod charts;
mod figures;

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::{Color, Style, Stylize};
use ratatui::text::{Line, Text};
use ratatui::widgets::{Block, Borders, Clear, LineGauge, Paragraph, Wrap};

use super::dashboard::Dashboard;
use crate::console::Rough;
use crate::report;

/// Maximum number of log lines that fit any screen.
pub(super) const MOST_LOG: usize = 100;
/// The smallest screen on which everything has its place, in columns and rows.
const SMALLEST: (u16, u16) = (60, 20);
/// Columns from which the figures and the log stand side by side.
const WIDE: u16 = 110;
/// Two colours that colour-blind people tell apart, on dark and on light.
const BLUE: Color = Color::Indexed(33);
const ORANGE: Color = Color::Indexed(208);

/// What is shown besides the run.
#[derive(Debug, Default)]
pub(super) struct View {
    /// Since the program began to watch.
    pub(super) elapsed: Duration,
    pub(super) is_stopping: bool,
    pub(super) with_help: bool,
    /// The last lines of the log.
    pub(super) log: Vec<String>,
}

/// Draws the whole screen.
pub(super) fn draw(frame: &mut Frame<'_>, dashboard: &Dashboard, view: &View) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        return too_small(frame, dashboard);
    }
    let rows = [Constraint::Length(3), Constraint::Fill(1), Constraint::Length(lower_height(area))];
    let [head, charts, lower] = Layout::vertical(rows).areas(area);
    header(frame, head, dashboard, view);
    charts::draw(frame, charts, dashboard);
    let halves = [Constraint::Length(figures::HEIGHT), Constraint::Fill(1)];
    let [left, right] = match area.width {
        WIDE.. => Layout::horizontal([Constraint::Fill(1); 2]).spacing(1).areas(lower),
        _ => Layout::vertical(halves).areas(lower),
    };
    figures::draw(frame, left, dashboard);
    log(frame, right, &view.log);
    if view.with_help {
        help(frame);
    }
}

/// Rows for the figures and the log; the curves take the rest.
fn lower_height(area: Rect) -> u16 {
    match area.width {
        WIDE.. => figures::HEIGHT.max(area.height / 3),
        _ => figures::HEIGHT + 4.max(area.height / 5),
    }
}

fn too_small(frame: &mut Frame<'_>, dashboard: &Dashboard) {
    let Rect { width, height, .. } = frame.area();
    let text = format!(
        "step {} of {}. The terminal is {width}x{height}; the display needs {}x{}. Training goes on.",
        dashboard.step, dashboard.total_steps, SMALLEST.0, SMALLEST.1
    );
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: true }), frame.area());
}

/// Where the run is, how far it is and how fast.
fn header(frame: &mut Frame<'_>, area: Rect, dashboard: &Dashboard, view: &View) {
    let [title, progress, pace] = Layout::vertical([Constraint::Length(1); 3]).areas(area);
    let keys = "? help  q stop";
    let room = usize::from(title.width).saturating_sub(keys.len() + 3);
    let name = format!("{} on {}", dashboard.run.display(), dashboard.device);
    frame.render_widget(Line::from(shortened(&name, room)).bold(), title);
    frame.render_widget(Line::from(keys).alignment(Alignment::Right).dim(), title);
    frame.render_widget(self::progress(dashboard, view), progress);
    let speed = dashboard.mean(|step| Some(step.images_per_sec)).unwrap_or_default();
    let text = format!("{speed:.0} images/s · {} so far", Rough(view.elapsed));
    let columns = [Constraint::Fill(1), Constraint::Length(text.chars().count() as u16)];
    let [bar, right] = Layout::horizontal(columns).spacing(2).areas(pace);
    frame.render_widget(Line::from(text).alignment(Alignment::Right), right);
    let ratio = dashboard.step as f64 / dashboard.total_steps.max(1) as f64;
    let label = format!("{:.0} %", (100.0 * ratio).floor());
    let gauge =
        LineGauge::default().ratio(ratio.min(1.0)).label(label).filled_symbol("━").unfilled_symbol("─");
    frame.render_widget(gauge.filled_style(Style::new().fg(BLUE)).unfilled_style(Style::new().dim()), bar);
}

fn progress(dashboard: &Dashboard, view: &View) -> Line<'static> {
    if view.is_stopping {
        let text = "stopping: the step is finished and a checkpoint written; q again stops at once";
        return Line::from(text).fg(ORANGE).bold();
    }
    let Some(phase) = dashboard.phase() else {
        return Line::from(format!("step {} of {}", dashboard.step, dashboard.total_steps));
    };
    let (done, length) = dashboard.phase_steps();
    let mut parts = vec![format!("{} {done} of {length}", report::phase(phase))];
    if length != dashboard.total_steps {
        parts.push(format!("{} of {} in all", dashboard.step, dashboard.total_steps));
    }
    if let Some((done, total)) = dashboard.judging {
        parts.push(format!("judging {done} of {total}"));
    } else if let Some(left) = dashboard.phase_left().filter(|_| done < length) {
        parts.push(format!("{} left", Rough(left)));
    }
    Line::from(parts.join(" · "))
}

/// The end of a text, if it does not fit.
fn shortened(text: &str, room: usize) -> String {
    let n = text.chars().count();
    if n <= room {
        return text.to_owned();
    }
    let end: String = text.chars().skip(n - room.saturating_sub(1)).collect();
    format!("…{end}")
}

/// The last log lines that fit, newest at the bottom.
fn log(frame: &mut Frame<'_>, area: Rect, lines: &[String]) {
    let block = section("log".into());
    let inner = block.inner(area);
    let mut rows: Vec<Line<'_>> = lines.iter().flat_map(|line| wrapped(line, inner.width.into())).collect();
    let rows = rows.split_off(rows.len().saturating_sub(inner.height.into()));
    frame.render_widget(Paragraph::new(Text::from(rows)).block(block), area);
}

/// A part of the screen below a line with its title.
fn section(title: Line<'_>) -> Block<'_> {
    let mut title = title;
    title.spans.insert(0, " ".into());
    title.spans.push(" ".into());
    Block::new().borders(Borders::TOP).border_style(Style::new().dim()).title(title)
}

/// A log line in rows of at most `width` columns, without its own colours.
fn wrapped(line: &str, width: usize) -> Vec<Line<'static>> {
    let plain = without_colours(line);
    let style = match plain.trim_start() {
        line if line.starts_with("ERROR ") => Style::new().fg(ORANGE).bold(),
        line if line.starts_with("WARN ") => Style::new().fg(ORANGE),
        _ => Style::new(),
    };
    let mut rows = vec![String::new()];
    for word in plain.split_whitespace() {
        let row = rows.last_mut().filter(|row| row.chars().count() + 1 + word.chars().count() <= width);
        match row {
            Some(row) if row.is_empty() => row.push_str(word),
            Some(row) => row.extend([" ", word]),
            None => rows.push(word.to_owned()),
        }
    }
    rows.into_iter().filter(|row| !row.is_empty()).map(|row| Line::styled(row, style)).collect()
}

/// Removes the colours that a log line has for a terminal: an escape, numbers and the letter `m`.
fn without_colours(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or(part, |(_, rest)| rest))
}

const HELP: [&str; 15] = [
    "q, Ctrl-C   stop: finish the step, write a checkpoint, say how to resume",
    "            (a second time: stop at once)",
    "?           show or hide this help",
    "",
    "loss        R learns to make D believe that its images are real, and to change",
    "            little (λ); D learns to tell them from real ones. Both losses stay",
    "            level when the two are balanced.",
    "D is right  share of patches that D tells right. Near 50 % it cannot tell;",
    "            near 100 % R learns nothing from it any more.",
    "change      how far R moves a pixel, where the whole scale is 2 wide.",
    "samples     the run's pictures: synthetic, refined, difference, real.",
    "",
    "simgan serve RUN shows the same in a browser, with the pictures.",
    "",
    "The figures are means over the last steps; curves join neighbouring steps.",
];

fn help(frame: &mut Frame<'_>) {
    let (width, height) = (82.min(frame.area().width), 17);
    let centred = [Constraint::Length(width), Constraint::Length(height)];
    let area = frame.area().centered(centred[0], centred[1]);
    frame.render_widget(Clear, area);
    let block = Block::bordered().title(" help ");
    let text = Text::from_iter(HELP);
    frame.render_widget(Paragraph::new(text).wrap(Wrap { trim: false }).block(block), area);
}
