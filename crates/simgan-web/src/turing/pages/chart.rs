//! A chart of shares with their intervals: a dot and a line for each subject, and a line at chance.

/// Width of the chart's drawing in its own units; the browser scales it.
const WIDTH: f64 = 600.0;
const LEFT: f64 = 130.0;
const RIGHT: f64 = 32.0;
const ROW: f64 = 26.0;

/// One line of the chart.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) y: f64,
    pub(super) low: f64,
    pub(super) dot: f64,
    pub(super) high: f64,
}

/// What the template draws.
pub(super) struct Chart {
    pub(super) bars: Vec<Bar>,
    pub(super) width: f64,
    pub(super) height: f64,
    /// Where the names end.
    pub(super) left: f64,
    /// Where the axis begins and ends, from top to bottom.
    pub(super) bottom: f64,
    /// Places and names of the axis' marks.
    pub(super) marks: Vec<(f64, String)>,
    pub(super) chance: f64,
}

impl Chart {
    /// Draws labelled shares with their intervals.
    pub(super) fn new(rows: impl IntoIterator<Item = (String, f64, [f64; 2])>) -> Self {
        let bars: Vec<Bar> = rows
            .into_iter()
            .enumerate()
            .map(|(place, (label, share, [low, high]))| {
                let y = ROW * (place as f64 + 0.75);
                Bar { label, y, low: across(low), dot: across(share), high: across(high) }
            })
            .collect();
        let bottom = ROW * (bars.len() as f64 + 0.25);
        let mark = |percent: i32| (across(f64::from(percent) / 100.0), format!("{percent} %"));
        Self {
            bars,
            width: WIDTH,
            height: bottom + 24.0,
            left: LEFT - 10.0,
            bottom,
            marks: [0, 25, 50, 75, 100].map(mark).into(),
            chance: across(0.5),
        }
    }
}

/// The place of a share.
fn across(share: f64) -> f64 {
    LEFT + share * (WIDTH - LEFT - RIGHT)
}
