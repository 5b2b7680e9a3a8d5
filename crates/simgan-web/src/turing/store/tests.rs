use super::*;
use crate::turing::design::{Kind, TestOptions};
use crate::turing::statistics::Design;

fn design(options: &TestOptions) -> TestDesign {
    TestDesign {
        design: options.design,
        per_class: options.per_class,
        examples: 0,
        checks: 0,
        baseline: 0,
        seed: 1,
        show_score: false,
        width: 1,
        height: 1,
        model: String::new(),
        real: String::new(),
        synthetic: String::new(),
        made_ms: 0,
        link: "link".to_owned(),
        key: "key".to_owned(),
    }
}

/// A test of two questions.
fn small(folder: &Path) -> TestFile {
    let path = folder.join("test.turing");
    let image =
        |kind, name: &str| NewImage { kind, part: Part::Main, name: name.to_owned(), png: vec![0; 8] };
    let images = [image(Kind::Real, "a"), image(Kind::Refined, "b")];
    let design = design(&TestOptions { design: Design::YesNo, per_class: 1, ..TestOptions::default() });
    TestFile::create(&path, &design, &images).unwrap();
    TestFile::open(&path).unwrap()
}

#[test]
fn a_full_disk_refuses_an_answer_and_loses_none() {
    let folder = tempfile::tempdir().unwrap();
    let test = small(folder.path());
    let mut subjects = Vec::new();
    let n_pages: i64 = test.with(|db| db.pragma_query_value(None, "page_count", |row| row.get(0))).unwrap();
    test.with(|db| db.pragma_update(None, "max_page_count", n_pages + 8)).unwrap();
    let error = loop {
        match test.begin(0) {
            Ok(key) => subjects.push(key),
            Err(error) => break error,
        }
        let key = &subjects[subjects.len() - 1];
        match test.answer(key, 0, 1, None, 5) {
            Ok(recorded) => assert_eq!(recorded, Recorded::Stored),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, TuringError::Full { .. }), "{error}");
    assert!(error.hint().unwrap().to_string().starts_with("make room"));
    let n_stored = test.answers().unwrap().len();
    assert!(n_stored > 3 && n_stored + 1 >= subjects.len(), "{n_stored} answers");
    test.with(|db| db.pragma_update(None, "max_page_count", 1_000_000)).unwrap();
    let last = subjects.last().unwrap();
    let number = test.progress(last).unwrap().unwrap().n_answered;
    assert_eq!(test.answer(last, number, 0, None, 9).unwrap(), Recorded::Stored, "there is room again");
    assert_eq!(test.answers().unwrap().len(), n_stored + 1);
}
