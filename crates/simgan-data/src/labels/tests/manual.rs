use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::labels::{read, read_index};
use crate::{Annotation, Annotations, Size, annotations_from_record};

const PAGE: &str = include_str!("../../../../simgan-cli/docs/formats.md");

/// An example of the page: its file's name and content, the image's name, and what is read.
struct Example<'a> {
    file: &'a str,
    image: Option<&'a str>,
    size: Size,
    text: String,
    expected: &'a str,
}

fn examples() -> Vec<Example<'static>> {
    let mut all = Vec::new();
    let mut lines = PAGE.lines();
    while let Some(line) = lines.next() {
        let Some((file, rest)) = line.strip_prefix('`').and_then(|line| line.split_once("`, ")) else {
            continue;
        };
        let Some(size) = rest.rsplit_once("of ").and_then(|(_, size)| size.strip_suffix(':')) else {
            continue;
        };
        let image = rest.strip_prefix("with `").and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
        let block = lines.by_ref().skip_while(|line| !line.starts_with("```")).skip(1);
        let text: String =
            block.take_while(|line| !line.starts_with("```")).map(|line| format!("{line}\n")).collect();
        let expected = lines.find_map(|line| line.strip_prefix("→ `")).unwrap().strip_suffix('`').unwrap();
        all.push(Example { file, image, size: size.replace('×', "x").parse().unwrap(), text, expected });
    }
    all
}

fn numbers(annotation: &Annotation) -> Vec<f64> {
    fn collect(value: &Value, all: &mut Vec<f64>) {
        all.extend(value.as_f64());
        value.as_array().into_iter().flatten().for_each(|value| collect(value, all));
        value.as_object().into_iter().flatten().for_each(|(_, value)| collect(value, all));
    }
    let mut all = Vec::new();
    collect(&annotation.to_json(), &mut all);
    all
}

#[test]
fn every_example_of_the_manual_is_read_as_it_says() {
    let examples = examples();
    assert_eq!(examples.len(), 13);
    for Example { file, image, size, text, expected } in examples {
        let found: Annotations = match image {
            None => read(text.as_bytes(), Path::new(file), size).unwrap(),
            Some(image) => {
                let images = [PathBuf::from(image)];
                let all = read_index(text.as_bytes(), Path::new(file), &images, size).unwrap();
                all.into_iter().flat_map(|(_, annotations)| annotations).collect()
            }
        };
        let expected: Value = serde_json::from_str(expected).unwrap();
        let expected = annotations_from_record(&json!({ "annotations": expected }), size.height).unwrap();
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>(), "{file}");
        for (name, annotation) in &expected {
            assert_eq!(found[name].form().tag, annotation.form().tag, "{file}: {name}");
            let (found, expected) = (numbers(&found[name]), numbers(annotation));
            let is_near = found.len() == expected.len()
                && found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(is_near, "{file}: {name}: {found:?} instead of {expected:?}");
        }
    }
}
