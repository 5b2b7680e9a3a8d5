//! Numbers and times as people read them.

use std::time::{Duration, SystemTime};

/// How long ago a moment was: `just now`, `5 min ago`, `3 days ago`.
pub(crate) fn ago(moment: SystemTime) -> String {
    // A moment to come is another machine's clock.
    let secs = moment.elapsed().map_or(0, |elapsed| elapsed.as_secs());
    match secs {
        0..5 => "just now".to_owned(),
        _ => format!("{} ago", duration(Duration::from_secs(secs))),
    }
}

/// A duration in its largest unit.
pub(crate) fn duration(duration: Duration) -> String {
    let secs = duration.as_secs();
    let plural = |n: u64, unit: &str| format!("{n} {unit}{}", if n == 1 { "" } else { "s" });
    match secs {
        0..60 => format!("{secs} s"),
        60..3_600 => format!("{} min", secs / 60),
        3_600..86_400 => format!("{} h", secs / 3_600),
        _ => plural(secs / 86_400, "day"),
    }
}

/// How much of a run is done, in whole percent up to 100; 0 if its length is unknown.
pub(crate) fn percent_done(step: u64, total: u64) -> u64 {
    step.saturating_mul(100).checked_div(total).unwrap_or(0).min(100)
}

/// A whole number with its thousands apart: `12,345`.
pub(crate) fn whole(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A figure to about three digits.
pub(crate) fn figure(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_owned(),
        size if !size.is_finite() => "not finite".to_owned(),
        size if !(1e-3..1e5).contains(&size) => format!("{value:.2e}"),
        size if size < 1.0 => format!("{value:.3}"),
        size if size < 100.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

/// A fraction in percent.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.0} %", 100.0 * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(whole), ["0", "999", "1,000", "1,234,567"]);
        let figures = [0.0, 0.00012, 0.1234, -1.239, 1_234.6, 2e7, f64::NAN].map(figure);
        assert_eq!(figures, ["0", "1.20e-4", "0.123", "-1.24", "1235", "2.00e7", "not finite"]);
        let durations = [5, 61, 7_200, 90_000, 180_000].map(|secs| duration(Duration::from_secs(secs)));
        assert_eq!(durations, ["5 s", "1 min", "2 h", "1 day", "2 days"]);
        assert_eq!(ago(SystemTime::now() + Duration::from_secs(60)), "just now");
    }
}
