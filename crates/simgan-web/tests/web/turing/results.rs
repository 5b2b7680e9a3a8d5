//! Results follow from the answers.

use simgan_web::turing::design::{Kind, TestOptions};
use simgan_web::turing::statistics::{Design, Table};
use simgan_web::turing::{Results, TestFile};

use super::making::{SMALL, test_file};

/// Answers all questions: `says` gets the subject's number and the kind of the first image.
pub(super) fn answered(test: &TestFile, says: impl Fn(i64, Kind) -> usize) {
    let key = test.begin(0).unwrap();
    let subject = test.progress(&key).unwrap().unwrap().subject;
    let images = test.images().unwrap();
    for number in 0..test.design().n_questions() {
        // The answer cannot be known before: it is given, then read.
        let png = {
            let question = test.progress(&key).unwrap().unwrap().question.unwrap();
            test.shown_png(&key, &question.keys[0]).unwrap().unwrap()
        };
        let shown = images.iter().find(|image| test.png(image.id).unwrap().unwrap() == png).unwrap();
        test.answer(&key, number, says(subject, shown.kind), Some(100 * number as i64), 0).unwrap();
    }
}

#[test]
fn checks_and_baseline_are_scored_apart() {
    let folder = tempfile::tempdir().unwrap();
    let test = TestFile::open(&test_file(folder.path(), &SMALL)).unwrap();
    let right = |kind| usize::from(kind != Kind::Real);
    answered(&test, |_, kind| right(kind));
    answered(&test, |_, _| 0); // takes everything for real, the checks too
    test.begin(0).unwrap();
    let results = Results::read(&test).unwrap();
    assert_eq!((results.n_subjects, results.n_finished), (3, 2));
    assert_eq!(results.main.figures.table, Table { counts: [[10, 0], [5, 5]] });
    assert_eq!(results.baseline.unwrap().figures.table, Table { counts: [[4, 0], [2, 2]] });
    assert_eq!(results.main_attentive.unwrap().figures.table, Table { counts: [[5, 0], [0, 5]] });
    let [first, second, third] = &results.subjects[..] else { panic!("three subjects") };
    assert_eq!((first.main.n_right, first.n_checks_failed, first.is_attentive), (10, 0, true));
    assert_eq!((second.main.n_right, second.n_checks_failed, second.is_attentive), (5, 1, false));
    assert_eq!((third.main.n, third.is_attentive, third.median_response_ms), (0, true, None));
    assert_eq!(first.median_response_ms, Some(700));
    let refined = results.answered(Kind::Refined);
    assert!(refined.len() == 5 && refined.iter().all(|image| (image.n_real, image.n) == (1, 2)));
    assert!(results.main.bootstrap.is_some());
}

#[test]
fn exports_hold_every_answer_and_no_secret() {
    let folder = tempfile::tempdir().unwrap();
    let test = TestFile::open(&test_file(folder.path(), &SMALL)).unwrap();
    answered(&test, |_, kind| usize::from(kind != Kind::Real));
    let csv = test.csv().unwrap();
    let lines: Vec<&str> = csv.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 1 + 15);
    let n_columns = lines[0].split(',').count();
    assert!(lines.iter().all(|line| line.split(',').count() == n_columns), "{csv}");
    assert!(lines[1..].iter().all(|line| line.split(',').nth(9) == Some("1")), "{csv}");
    let json = serde_json::to_string(&Results::read(&test).unwrap()).unwrap();
    assert!(json.contains("\"p_one_sided\"") && json.contains("\"d_prime\""), "{json}");
    assert!(!json.contains(&test.design().link) && !json.contains(&test.design().key));
}

#[test]
fn a_name_is_no_formula() {
    let folder = tempfile::tempdir().unwrap();
    let path = test_file(folder.path(), &SMALL);
    let names = "UPDATE image SET name = '=HYPERLINK(\"http://evil.example\")'";
    rusqlite::Connection::open(&path).unwrap().execute_batch(names).unwrap();
    let test = TestFile::open(&path).unwrap();
    answered(&test, |_, _| 0);
    let csv = test.csv().unwrap();
    assert!(csv.contains("\"'=HYPERLINK(\"\"http://evil.example\"\")\""), "{csv}");
    assert!(!csv.contains(",=") && !csv.contains(",\"="));
}

#[test]
fn pairs_are_scored_by_the_chosen_image() {
    let folder = tempfile::tempdir().unwrap();
    let options = TestOptions { design: Design::TwoAlternatives, per_class: 8, ..SMALL };
    let test = TestFile::open(&test_file(folder.path(), &options)).unwrap();
    // The first image is real: says left, and so always finds the real one.
    answered(&test, |_, kind| usize::from(kind != Kind::Real));
    let results = Results::read(&test).unwrap();
    assert_eq!((results.main.figures.n_right, results.main.figures.n), (8, 8));
    assert!(results.answered(Kind::Real).iter().all(|image| image.n_real == 1));
    assert!(results.answered(Kind::Refined).iter().all(|image| image.n_real == 0));
}

#[test]
fn answers_that_no_server_wrote_are_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = test_file(folder.path(), &SMALL);
    let test = TestFile::open(&path).unwrap();
    answered(&test, |_, _| 0);
    let damage = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON;
        UPDATE answer SET said = 7 WHERE number = 2;
        UPDATE answer SET subject = 4611686018427387904;
        UPDATE question SET subject = 4611686018427387904; UPDATE shown SET subject = 4611686018427387904;
        UPDATE subject SET id = 4611686018427387904; UPDATE shown SET image = -5 WHERE number = 3";
    rusqlite::Connection::open(&path).unwrap().execute_batch(damage).unwrap();
    let results = Results::read(&test).unwrap();
    let n =
        results.main.figures.n + results.baseline.unwrap().figures.n + results.subjects[0].n_checks as u64;
    assert_eq!(n, 13);
    assert_eq!(test.csv().unwrap().lines().count(), 1 + 13);
}
