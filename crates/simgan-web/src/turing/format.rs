//! Numbers for readers.

/// A share in percent, with one decimal.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// An interval of shares in percent.
pub(super) fn percents([low, high]: [f64; 2]) -> String {
    format!("{:.1}–{:.1} %", 100.0 * low, 100.0 * high)
}

/// A probability.
pub(super) fn p(value: f64) -> String {
    match value {
        _ if value < 1e-4 => "< 0.0001".to_owned(),
        _ => format!("{value:.4}"),
    }
}

/// A probability after its name: "= 0.1483" or "< 0.0001".
pub(super) fn compared(value: f64) -> String {
    match p(value) {
        text if text.starts_with('<') => text,
        text => format!("= {text}"),
    }
}

/// A figure with two decimals and a real minus sign.
pub(super) fn signed(value: f64) -> String {
    // What rounds to zero has no sign.
    let text = format!("{value:.2}").replace("-0.00", "0.00");
    text.replace('-', "−")
}

/// Milliseconds as seconds.
pub(super) fn seconds(milliseconds: Option<i64>) -> String {
    milliseconds.map_or("–".to_owned(), |time| format!("{:.1} s", time as f64 / 1000.0))
}

/// The date and time of a moment in UTC, such as `2026-03-01 09:05`.
pub(super) fn moment(milliseconds: i64) -> String {
    let minutes = milliseconds.div_euclid(60_000);
    let (day, minute) = (minutes.div_euclid(1440), minutes.rem_euclid(1440));
    // Days from civil, backwards: years begin in March, so that the leap day is the last.
    let shifted = day + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let date = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, year) = if month < 10 { (month + 3, year) } else { (month - 9, year + 1) };
    format!("{:04}-{month:02}-{date:02} {:02}:{:02}", year + 400 * era, minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([percent(0.517), percents([0.486, 0.5478])], ["51.7 %", "48.6–54.8 %"]);
        assert_eq!([p(0.14834), p(1e-20)], ["0.1483", "< 0.0001"]);
        assert_eq!([compared(0.14834), compared(0.0)], ["= 0.1483", "< 0.0001"]);
        assert_eq!([signed(-0.174), signed(-0.001), signed(2.0)], ["−0.17", "0.00", "2.00"]);
        assert_eq!([seconds(Some(1234)), seconds(None)], ["1.2 s", "–"]);
        assert_eq!([moment(0), moment(951_782_399_000)], ["1970-01-01 00:00", "2000-02-28 23:59"]);
        assert_eq!([moment(951_827_696_000), moment(-60_000)], ["2000-02-29 12:34", "1969-12-31 23:59"]);
    }
}
