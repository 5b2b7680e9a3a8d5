//! COCO's run-length masks: `{"size": [height, width], "counts": …}`.
//!
//! Counts are the lengths of runs of 0 and 1 in turn, down the columns, beginning with 0: a list of
//! numbers, or a string in the coding of pycocotools (`rleToString` in maskApi.c).

use super::geometry::Move;
use super::json::View;
use super::page::{Changes, Stop, unclear};

/// Makes the mask anew for the moved image, each pixel from the nearest of the old. Returns its area.
pub(super) fn follow(mask: View<'_>, own: &Move, changes: &mut Changes<'_>) -> Result<f64, Stop> {
    let line = mask.line();
    let (from, to) = (own.from(), own.to());
    let size = mask.get("size").zip(mask.get("counts"));
    let Some((size, counts)) = size else {
        return unclear(format!("line {line}: \"segmentation\" is no mask with \"size\" and \"counts\""));
    };
    // Only now is the size trusted: memory goes with the image.
    let numbers: Option<Vec<f64>> = size.items().map(View::number).collect();
    if numbers.as_deref() != Some(&[from.height as f64, from.width as f64]) {
        return unclear(format!("line {line}: a mask is not of its image's size"));
    }
    let old = runs(counts).and_then(|runs| decoded(&runs, from.width * from.height));
    let Some(old) = old else {
        return unclear(format!("line {line}: a mask's \"counts\" are damaged"));
    };
    let mut new = Vec::with_capacity(to.width * to.height);
    for x in 0..to.width {
        for y in 0..to.height {
            let [from_x, from_y] = own.source([x as f64 + 0.5, y as f64 + 0.5]).map(f64::floor);
            let is_in =
                from_x >= 0.0 && from_y >= 0.0 && from_x < from.width as f64 && from_y < from.height as f64;
            new.push(is_in && old[from_x as usize * from.height + from_y as usize]);
        }
    }
    let runs = encoded(&new);
    let text = match counts.is_list() {
        true => format!("[{}]", runs.iter().map(u64::to_string).collect::<Vec<_>>().join(", ")),
        false => serde_json::Value::String(packed(&runs)).to_string(),
    };
    changes.edits.replace(counts.span(), text);
    for (view, side) in size.items().zip([to.height, to.width]) {
        changes.edits.replace(view.span(), side.to_string());
    }
    Ok(new.iter().filter(|pixel| **pixel).count() as f64)
}

fn runs(counts: View<'_>) -> Option<Vec<u64>> {
    if let Some(text) = counts.string() {
        return unpacked(text.as_bytes());
    }
    let run = |number: f64| ((0.0..1e10).contains(&number) && number.fract() == 0.0).then_some(number as u64);
    counts.numbers()?.into_iter().map(|(number, _)| run(number)).collect()
}

/// Reads pycocotools' string: five bits a character, least first, each from the third run on as a
/// difference to the last but one.
fn unpacked(text: &[u8]) -> Option<Vec<u64>> {
    let mut runs: Vec<u64> = Vec::new();
    let mut bytes = text.iter();
    while let Some(mut byte) = bytes.next() {
        let (mut value, mut shift) = (0i64, 0);
        loop {
            let bits = i64::from(byte.checked_sub(48).filter(|bits| *bits < 64)?);
            value |= (bits & 31) << shift;
            shift += 5;
            if bits & 32 == 0 {
                // The sign bit of the last character.
                value |= if bits & 16 != 0 { -1 << shift } else { 0 };
                break;
            }
            if shift > 50 {
                return None;
            }
            byte = bytes.next()?;
        }
        let before = if runs.len() > 2 { runs[runs.len() - 2] as i64 } else { 0 };
        runs.push(u64::try_from(before.checked_add(value)?).ok()?);
    }
    Some(runs)
}

/// The inverse of [`unpacked`].
fn packed(runs: &[u64]) -> String {
    let mut text = String::new();
    for (index, run) in runs.iter().enumerate() {
        let before = if index > 2 { runs[index - 2] as i64 } else { 0 };
        let mut value = *run as i64 - before;
        loop {
            let bits = (value & 31) as u8;
            value >>= 5;
            let is_last = value == if bits & 16 != 0 { -1 } else { 0 };
            text.push(char::from(48 + bits + if is_last { 0 } else { 32 }));
            if is_last {
                break;
            }
        }
    }
    text
}

/// Fills `n` pixels; `None` if the runs are not as long as that together.
fn decoded(runs: &[u64], n: usize) -> Option<Vec<bool>> {
    let total = runs.iter().try_fold(0u64, |total, run| total.checked_add(*run))?;
    if total != n as u64 {
        return None;
    }
    let values = runs.iter().enumerate();
    Some(values.flat_map(|(index, run)| std::iter::repeat_n(index % 2 == 1, *run as usize)).collect())
}

fn encoded(pixels: &[bool]) -> Vec<u64> {
    let mut runs = vec![0];
    let mut last = false;
    for pixel in pixels {
        if *pixel != last {
            runs.push(0);
            last = *pixel;
        }
        if let Some(run) = runs.last_mut() {
            *run += 1;
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn runs_are_those_of_pycocotools() {
        // mask.encode(np.asfortranarray([[0, 1, 1, 0], [0, 1, 0, 0]], np.uint8))["counts"] == b"233"
        let pixels = [false, false, true, true, true, false, false, false];
        assert_eq!(encoded(&pixels), [2, 3, 3]);
        assert_eq!(packed(&[2, 3, 3]), "233");
        assert_eq!(decoded(&[2, 3, 3], 8).unwrap(), pixels);
        assert_eq!(decoded(&[2, 3, 3], 9), None);
        assert_eq!(decoded(&[u64::MAX, 2], 1), None);
    }

    proptest! {
        #[test]
        fn what_is_packed_is_read_again(runs in proptest::collection::vec(0u64..300_000_000, 0..9)) {
            prop_assert_eq!(unpacked(packed(&runs).as_bytes()), Some(runs));
        }
    }
}
