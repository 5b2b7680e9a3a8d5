//! Classes by name: sources number the names of their classes in their own order.

use std::sync::Arc;

use simgan_data::{Annotation, Class, ClassNames, names};

/// The names of the classes that some images are of, in the order of the first image's, then of those after
/// it; none if an image's classes are numbers alone.
pub(crate) fn of_all(images: &[Option<ClassNames>]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut last: Option<&ClassNames> = None;
    for own in images {
        let Some(own) = own else { return Vec::new() };
        // Images of one file share their list: comparing it once is enough.
        if last.is_some_and(|last| Arc::ptr_eq(last, own)) {
            continue;
        }
        for name in own.iter() {
            if !all.contains(name) {
                all.push(name.clone());
            }
        }
        last = Some(own);
    }
    all
}

/// Numbers an image's label `task` as `known` does; `own` are the names that the label numbers. Where either
/// side has no names, the number stays.
///
/// # Errors
/// The class is none of `known`; its name.
pub(crate) fn numbered(
    label: &Annotation,
    task: &str,
    own: Option<&ClassNames>,
    known: &[String],
) -> Result<Annotation, String> {
    // The names are about this annotation alone.
    let own = own.filter(|_| !known.is_empty() && task == names::CLASS);
    let name = own.and_then(|own| own.get(label.as_class()? as usize));
    let Some(name) = name else { return Ok(label.clone()) };
    let number = known.iter().position(|known| known == name);
    number.map(|number| Class(number as u32).into()).ok_or_else(|| name.clone())
}

/// Names for people.
pub(crate) fn told(names: &[String]) -> String {
    /// Maximum number of names that are listed.
    const MOST: usize = 8;
    let listed = names.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => listed,
        others => format!("{listed} and {others} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(names: &[&str]) -> ClassNames {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn names_are_numbered_in_the_order_of_the_first_list() {
        let (pets, farm) = (list(&["cat", "dog"]), list(&["ant", "dog", "cow"]));
        let images = [Some(pets.clone()), Some(pets.clone()), Some(farm.clone())];
        let all = of_all(&images);
        assert_eq!(all, ["cat", "dog", "ant", "cow"]);
        assert!(of_all(&[Some(pets), None]).is_empty());
        let number = |class: u32, own: &ClassNames, known: &[String]| {
            numbered(&Class(class).into(), "class", Some(own), known).map(|label| label.as_class().unwrap())
        };
        assert_eq!([0, 1, 2].map(|class| number(class, &farm, &all)), [Ok(2), Ok(1), Ok(3)]);
        assert_eq!(number(0, &farm, &list(&["cat", "dog"])), Err("ant".to_owned()));
        // Without names on one side, and for annotations of other names, numbers are all there is.
        assert_eq!(number(2, &farm, &[]), Ok(2));
        assert_eq!(numbered(&Class(2).into(), "class", None, &all), Ok(Class(2).into()));
        assert_eq!(numbered(&Class(0).into(), "person", Some(&farm), &all), Ok(Class(0).into()));
    }
}
