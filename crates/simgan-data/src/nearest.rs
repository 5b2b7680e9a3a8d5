/// Names that are less alike than this, from 0 to 1, are not taken for a misspelling of each other.
const LEAST_LIKENESS: f64 = 0.75;
/// A dotted name's last part counts a little less than the whole.
const PART: f64 = 0.01;

/// The candidate that was probably meant by `name`; `None` if none is like it.
///
/// A dotted name (`loss.lambda`) is also compared by its last part, so that the section may be missing or wrong.
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
