//! Writes predictions as CSV or JSON.

use serde_json::{Map, json};
use simgan_data::Annotation;
use simgan_eval::{Task, TaskKind};

/// One image's prediction.
pub(super) struct Prediction {
    pub(super) name: String,
    /// In the image's own pixels.
    pub(super) answer: Annotation,
    /// Its label, if it has one.
    pub(super) truth: Option<Annotation>,
}

/// The heads of the columns of a label.
fn columns(task: &dyn Task) -> Vec<String> {
    let spec = task.spec();
    match spec.kind {
        TaskKind::Direction => ["pitch_deg", "yaw_deg"].map(|axis| format!("{}_{axis}", spec.name)).into(),
        TaskKind::Points => (0..spec.width)
            .flat_map(|idx| ["x", "y"].map(|axis| format!("{}{idx}_{axis}", spec.name)))
            .collect(),
        TaskKind::Class => vec![spec.name.clone()],
        TaskKind::Vector => (0..spec.width).map(|idx| format!("{}{idx}", spec.name)).collect(),
    }
}

/// The numbers of a label, in the order of the columns; of a class its name, if it has one.
fn cells(task: &dyn Task, label: &Annotation) -> Vec<String> {
    match label.as_class() {
        Some(_) => vec![quoted(&task.words(label))],
        None => task.parts(label).unwrap_or_default().concat().iter().map(|value| decimal(*value)).collect(),
    }
}

/// Writes a number with six significant digits or more, and no trailing zeros.
fn decimal(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { (5 - value.abs().log10().floor() as i32).clamp(0, 12) };
    let text = format!("{value:.*}", digits as usize);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// Formats predictions as CSV, with the labels in columns `true_…` if any image has one.
pub(super) fn csv(task: &dyn Task, predictions: &[Prediction]) -> String {
    let heads = columns(task);
    let is_labelled = predictions.iter().any(|prediction| prediction.truth.is_some());
    let mut lines = vec![["image".to_owned()].into_iter().chain(heads.clone()).collect::<Vec<_>>()];
    if is_labelled {
        lines[0].extend(heads.iter().map(|head| format!("true_{head}")));
    }
    for Prediction { name, answer, truth } in predictions {
        let mut line = vec![quoted(name)];
        line.extend(cells(task, answer));
        if is_labelled {
            let truth = truth.as_ref().map(|truth| cells(task, truth));
            line.extend(truth.unwrap_or_else(|| vec![String::new(); heads.len()]));
        }
        lines.push(line);
    }
    lines.into_iter().map(|line| line.join(",") + "\n").collect()
}

/// Quotes a field as RFC 4180 says.
fn quoted(text: &str) -> String {
    let is_plain = !text.contains(['"', ',', '\n', '\r']);
    if is_plain { text.to_owned() } else { format!("\"{}\"", text.replace('"', "\"\"")) }
}

/// Formats predictions as JSON: an object by image, as in the records that simgan reads.
pub(super) fn json(task: &dyn Task, predictions: &[Prediction]) -> String {
    let entry = |prediction: &Prediction| {
        let mut label = Map::new();
        label.insert(task.spec().name.clone(), prediction.answer.to_json());
        let mut entry = json!({ "annotations": label });
        if let Some(name) =
            prediction.answer.as_class().and_then(|class| task.spec().classes.get(class as usize))
        {
            entry["class_name"] = json!(name);
        }
        (prediction.name.clone(), entry)
    };
    let all: Map<_, _> = predictions.iter().map(entry).collect();
    format!("{:#}\n", json!(all))
}

#[cfg(test)]
mod tests {
    use simgan_data::Class;
    use simgan_eval::TaskSpec;

    use super::*;

    #[test]
    fn a_table_has_a_row_for_each_image() {
        let spec = TaskSpec::new("class", TaskKind::Class, 3);
        let of = |name: &str, answer: u32, truth: Option<u32>| Prediction {
            name: name.to_owned(),
            answer: Class(answer).into(),
            truth: truth.map(|truth| Class(truth).into()),
        };
        let all = [of("a,b.png", 2, Some(1)), of("c \"d\".png", 0, None)];
        let table = csv(&*spec.task(), &all);
        assert_eq!(table, "image,class,true_class\n\"a,b.png\",2,1\n\"c \"\"d\"\".png\",0,\n");
        let named = TaskSpec { classes: ["ant", "bee", "cat, fat"].map(str::to_owned).to_vec(), ..spec };
        let table = csv(&*named.task(), &all);
        assert_eq!(table, "image,class,true_class\n\"a,b.png\",\"cat, fat\",bee\n\"c \"\"d\"\".png\",ant,\n");
        let found: serde_json::Value = serde_json::from_str(&json(&*named.task(), &all)).unwrap();
        assert_eq!(found["a,b.png"]["class_name"], "cat, fat");
        let points = TaskSpec::new("tip", TaskKind::Points, 1);
        let tip = Prediction { name: "a".to_owned(), answer: vec![[1.5, 2.25]].into(), truth: None };
        assert_eq!(
            [0.0, -12.5, 1e-5 / 3.0, 123456.0].map(decimal),
            ["0", "-12.5", "0.00000333333", "123456"]
        );
        assert_eq!(csv(&*points.task(), &[tip]), "image,tip0_x,tip0_y\na,1.5,2.25\n");
    }
}
