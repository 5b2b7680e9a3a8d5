/// Minimum similarity, from 0 to 1, at which one name counts as a misspelling of another.
const LEAST_LIKENESS: f64 = 0.75;
/// Penalty for matching only the last part of a dotted name, so that a match of the whole wins.
const PART: f64 = 0.01;

/// Returns the candidate that `name` probably misspells; `None` if none is similar enough.
///
/// A dotted name (`loss.lambda`) is also compared by its last part alone, in case the section is missing or
/// wrong.
///
/// ```
/// let keys = ["loss.lambda", "data.size"];
/// assert_eq!(simgan_data::nearest("lamda", keys), Some("loss.lambda"));
/// assert_eq!(simgan_data::nearest("colour", keys), None);
/// ```
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
    let likeness = |known: &str| {
        strsim::jaro_winkler(known, name).max(strsim::jaro_winkler(&last(known), &last(name)) - PART)
    };
    let compared = candidates.into_iter().map(|known| (likeness(known), known));
    let best = compared.max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.filter(|(likeness, _)| *likeness > LEAST_LIKENESS).map(|(_, known)| known)
}
