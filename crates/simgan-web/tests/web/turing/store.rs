//! Answers count once and survive.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;

use simgan_web::turing::design::{Kind, Part, TestOptions};
use simgan_web::turing::statistics::Design;
use simgan_web::turing::{Recorded, TestFile};

use super::making::{SMALL, test_file};

#[test]
fn an_answer_counts_once_and_in_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let test = TestFile::open(&test_file(folder.path(), &SMALL)).unwrap();
    let key = test.begin(1000).unwrap();
    assert_eq!(test.answer(&key, 1, 0, None, 0).unwrap(), Recorded::NotAsked, "its turn has not come");
    assert_eq!(test.answer(&key, 0, 2, None, 0).unwrap(), Recorded::NotAsked, "there is no third answer");
    assert_eq!(test.answer("nobody", 0, 0, None, 0).unwrap(), Recorded::NoSubject);
    test.note_shown(1, 0, 5000).unwrap();
    test.note_shown(1, 0, 5500).unwrap(); // a reload
    assert_eq!(test.answer(&key, 0, 1, None, 6000).unwrap(), Recorded::Stored);
    assert_eq!(test.answer(&key, 0, 0, None, 6001).unwrap(), Recorded::Before, "a double click");
    assert_eq!(test.answer(&key, 1, 0, Some(321), 9000).unwrap(), Recorded::Stored);
    let answers = test.answers().unwrap();
    let told: Vec<_> =
        answers.iter().map(|answer| (answer.number, answer.said, answer.response_ms)).collect();
    assert_eq!(told, [(0, 1, Some(1000)), (1, 0, Some(321))]);
    for number in 2..15 {
        assert_eq!(test.answer(&key, number, 0, None, 9000).unwrap(), Recorded::Stored);
    }
    assert_eq!(test.answer(&key, 15, 0, None, 9000).unwrap(), Recorded::NotAsked, "past the end");
    let progress = test.progress(&key).unwrap().unwrap();
    assert_eq!((progress.n_answered, progress.n_questions, progress.question), (15, 15, None));
    assert_eq!(test.progress("nobody").unwrap(), None);
}

/// Says "real" or "left" to every question.
fn answer_all(test: &TestFile, key: &str) {
    for number in 0..test.design().n_questions() {
        assert_eq!(test.answer(key, number, 0, None, 0).unwrap(), Recorded::Stored);
    }
}

#[test]
fn a_subject_sees_each_image_once_in_an_order_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let test = TestFile::open(&test_file(folder.path(), &SMALL)).unwrap();
    let orders: Vec<Vec<i64>> = (0..2)
        .map(|_| {
            let key = test.begin(0).unwrap();
            answer_all(&test, &key);
            let subject = test.progress(&key).unwrap().unwrap().subject;
            let answers = test.answers().unwrap();
            answers.iter().filter(|answer| answer.subject == subject).map(|answer| answer.images[0]).collect()
        })
        .collect();
    assert_ne!(orders[0], orders[1]);
    // Nor can the seed and the number tell it: another test of both has others.
    let other_folder = tempfile::tempdir().unwrap();
    let again = TestFile::open(&test_file(other_folder.path(), &SMALL)).unwrap();
    answer_all(&again, &again.begin(0).unwrap());
    let other: Vec<i64> = again.answers().unwrap().iter().map(|answer| answer.images[0]).collect();
    assert_ne!(orders[0], other);
    let distinct: BTreeSet<i64> = orders[0].iter().copied().collect();
    assert_eq!((distinct.len(), &distinct), (15, &orders[1].iter().copied().collect()));
    let parts: Vec<Part> = test.answers().unwrap().iter().take(15).map(|answer| answer.part).collect();
    assert!(parts[11..].iter().all(|part| *part == Part::Baseline) && parts[..11].contains(&Part::Check));
}

#[test]
fn pairs_have_one_real_image_on_either_side() {
    let folder = tempfile::tempdir().unwrap();
    let options = TestOptions { design: Design::TwoAlternatives, per_class: 8, ..SMALL };
    let test = TestFile::open(&test_file(folder.path(), &options)).unwrap();
    let key = test.begin(0).unwrap();
    answer_all(&test, &key);
    let images = test.images().unwrap();
    let kind = |id: i64| images.iter().find(|image| image.id == id).unwrap().kind;
    let real_left: Vec<bool> = test
        .answers()
        .unwrap()
        .iter()
        .map(|answer| {
            let kinds = [0, 1].map(|place| kind(answer.images[place]));
            assert_eq!(kinds.iter().filter(|kind| **kind == Kind::Real).count(), 1);
            kinds[0] == Kind::Real
        })
        .collect();
    assert_eq!(real_left.len(), 8 + 1 + 2);
    assert!(real_left.contains(&true) && real_left.contains(&false));
}

#[test]
fn images_are_given_to_their_subject_in_their_turn() {
    let folder = tempfile::tempdir().unwrap();
    let test = TestFile::open(&test_file(folder.path(), &SMALL)).unwrap();
    let [first, second] = [test.begin(0).unwrap(), test.begin(0).unwrap()];
    let key_now = || test.progress(&first).unwrap().unwrap().question.unwrap().keys[0].clone();
    let before = key_now();
    assert!(test.shown_png(&first, &before).unwrap().is_some());
    assert_eq!(test.shown_png(&second, &before).unwrap(), None, "another subject's");
    test.answer(&first, 0, 0, None, 0).unwrap();
    assert_ne!(key_now(), before);
    assert!(test.shown_png(&first, &key_now()).unwrap().is_some());
    assert_eq!(test.shown_png(&first, &before).unwrap(), None, "its turn is over");
}

/// Two servers, each with its own connection, take the same subjects' answers at once.
#[test]
fn two_servers_share_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = test_file(folder.path(), &SMALL);
    let keys: Vec<String> = {
        let test = TestFile::open(&path).unwrap();
        (0..4).map(|_| test.begin(0).unwrap()).collect()
    };
    let answer_both = || {
        let test = TestFile::open(&path).unwrap();
        let mut n_stored = 0;
        for number in 0..15 {
            for key in &keys {
                // Whoever comes second is told; when the other is behind, it is not yet the turn.
                while match test.answer(key, number, 1, None, 0).unwrap() {
                    Recorded::Stored => {
                        n_stored += 1;
                        false
                    }
                    recorded => recorded == Recorded::NotAsked,
                } {}
            }
        }
        n_stored
    };
    let n_stored: usize = thread::scope(|scope| {
        let servers = [scope.spawn(answer_both), scope.spawn(answer_both)];
        servers.into_iter().map(|server| server.join().unwrap()).sum()
    });
    assert_eq!((n_stored, TestFile::open(&path).unwrap().answers().unwrap().len()), (60, 60));
}

/// Where the killed process answers.
const KILLED: &str = "SIMGAN_TEST_KILLED";

#[test]
fn no_answer_is_lost_when_the_server_is_killed() {
    if let Some(path) = std::env::var_os(KILLED) {
        return answer_until_killed(path.as_ref());
    }
    let folder = tempfile::tempdir().unwrap();
    let options = TestOptions { baseline: 0, examples: 0, per_class: 10, ..SMALL };
    let path = test_file(folder.path(), &options);
    let name = "turing::store::no_answer_is_lost_when_the_server_is_killed";
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(KILLED, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(server.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut stored = lines.filter(|line| line.starts_with("stored "));
    let last = stored.nth(25).unwrap();
    server.kill().unwrap();
    server.wait().unwrap();
    let n_confirmed = stored.count() + 26; // what it said before it died counts
    let test = TestFile::open(&path).unwrap();
    let n_kept = test.answers().unwrap().len();
    assert!(n_kept >= n_confirmed && n_kept <= n_confirmed + 1, "{n_kept} of {n_confirmed}, {last}");
}

#[expect(clippy::print_stdout, reason = "the test that started the process reads it")]
fn answer_until_killed(path: &std::path::Path) {
    let test = TestFile::open(path).unwrap();
    loop {
        let key = test.begin(0).unwrap();
        for number in 0..test.design().n_questions() {
            assert_eq!(test.answer(&key, number, 1, None, 0).unwrap(), Recorded::Stored);
            println!("stored {number}");
        }
    }
}
