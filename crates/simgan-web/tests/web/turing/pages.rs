//! The pages as a subject's browser and the owner's get them.

use std::collections::BTreeSet;
use std::path::Path;

use simgan_web::ServerOptions;
use simgan_web::turing::design::TestOptions;
use simgan_web::turing::statistics::Design;
use simgan_web::turing::{Results, TestFile};

use super::making::{SMALL, test_file};
use super::results::answered;
use crate::{Answer, Running, local};

/// A server of one test.
fn served(folder: &Path, options: &TestOptions) -> (Running, TestFile) {
    let path = test_file(folder, options);
    let server = Running::start(ServerOptions { tests: vec![path.clone()], ..local() });
    (server, TestFile::open(&path).unwrap())
}

/// A subject's browser, without scripts.
struct Subject<'a> {
    server: &'a Running,
    base: String,
    cookie: String,
}

impl<'a> Subject<'a> {
    fn begin(server: &'a Running, test: &TestFile) -> Self {
        let base = format!("/turing/t/{}", test.design().link);
        let begun = post(server, &format!("{base}/begin"), "", "");
        assert_eq!((begun.status, begun.header("location")), (303, Some(&*format!("{base}/next"))));
        let cookie = begun.header("set-cookie").unwrap();
        assert!(
            cookie.contains(&format!("Path={base};")) && cookie.ends_with("HttpOnly; SameSite=Lax"),
            "{cookie}"
        );
        Self { server, cookie: cookie.split(';').next().unwrap().to_owned(), base }
    }

    fn get(&self, path: &str) -> Answer {
        self.server.send("GET", path, &[("Cookie", &self.cookie)], b"")
    }

    fn question(&self) -> String {
        let page = self.get(&format!("{}/next", self.base));
        assert_eq!(page.status, 200);
        page.text()
    }

    fn answer(&self, number: usize, said: usize, response_ms: &str) -> Answer {
        let body = format!("number={number}&response_ms={response_ms}&said={said}");
        post(self.server, &format!("{}/answer", self.base), &self.cookie, &body)
    }
}

fn post(server: &Running, path: &str, cookie: &str, body: &str) -> Answer {
    let origin = server.origin();
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    server.send("POST", path, &[("Origin", &origin), form, ("Cookie", cookie)], body.as_bytes())
}

/// The addresses of the page's images.
fn images(page: &str) -> Vec<String> {
    let sources = page.split("<img ").skip(1).map(|tag| tag.split_once("src=\"").unwrap().1);
    sources.map(|source| source.split('"').next().unwrap().to_owned()).collect()
}

#[test]
fn a_subject_answers_with_plain_forms_and_goes_on_after_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let (server, test) = served(folder.path(), &SMALL);
    let intro = server.get(&format!("/turing/t/{}", test.design().link)).text();
    assert!(intro.contains("15 images") && intro.contains("/examples"), "{intro}");
    let examples = server.get(&format!("/turing/t/{}/examples", test.design().link)).text();
    assert_eq!(images(&examples).len(), 4);
    images(&examples).iter().for_each(|image| assert_eq!(server.get(image).status, 200));

    let subject = Subject::begin(&server, &test);
    for number in 0..15 {
        let page = subject.question();
        assert!(page.contains(&format!("Question {} of 15", number + 1)));
        assert_eq!(subject.question(), page, "a reload shows the same");
        let answer = subject.answer(number, number % 2, "250");
        assert_eq!(answer.status, 303, "{}", answer.text());
        subject.answer(number, 0, "99"); // a double click
        if number == 7 {
            // The link again: it leads on, and "begin" makes no second subject.
            assert!(subject.get(&subject.base).text().contains("Go on where you were"));
            let again = post(&server, &format!("{}/begin", subject.base), &subject.cookie, "");
            assert_eq!((again.status, again.header("set-cookie")), (303, None));
        }
    }
    let end = subject.question();
    assert!(end.contains("Thank you") && end.contains("of 10</strong>"), "{end}");
    let answers = test.answers().unwrap();
    let told: Vec<_> = answers.iter().map(|answer| (answer.said, answer.response_ms)).collect();
    assert_eq!(told, (0..15).map(|number| (number % 2, Some(250))).collect::<Vec<_>>());
    assert_eq!(test.subjects().unwrap().len(), 1);
}

#[test]
fn times_are_the_servers_where_the_browser_tells_none() {
    let folder = tempfile::tempdir().unwrap();
    let (server, test) = served(folder.path(), &SMALL);
    let subject = Subject::begin(&server, &test);
    for (number, given) in ["", "-5", "1e9", "99999999"].into_iter().enumerate() {
        subject.question();
        std::thread::sleep(std::time::Duration::from_millis(5));
        assert_eq!(subject.answer(number, 1, given).status, 303);
    }
    let times: Vec<i64> = test.answers().unwrap().iter().map(|answer| answer.response_ms.unwrap()).collect();
    assert!(times.iter().all(|time| (5..60_000).contains(time)), "{times:?}");
}

/// Everything that a browser gets for a question, but for the pixels and what differs at random for each.
fn received(subject: &Subject<'_>) -> String {
    let page = subject.get(&format!("{}/next", subject.base));
    let sources = images(&page.text());
    let mut text = format!("{:?}{}", page.headers, page.text());
    for source in sources {
        let key = source.rsplit('/').next().unwrap();
        assert!(key.len() == 32 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{source}");
        text = text.replace(key, "KEY");
        let image = subject.get(&source);
        assert_eq!(image.status, 200);
        assert_eq!(image.header("cache-control"), Some("no-store"));
        text += &format!("{:?}{}", image.headers, image.body.len());
    }
    text
}

/// Removes the date, and the question's number and progress.
fn impersonal(text: &str, number: usize, n_questions: usize) -> String {
    let date = text.split_once("(\"date\", \"").map(|(_, rest)| rest.split('"').next().unwrap().to_owned());
    let mut text = date.map_or(text.to_owned(), |date| text.replace(&date, "DATE"));
    for (own, general) in [
        (format!("Question {} of {n_questions}", number + 1), "QUESTION"),
        (format!("value=\"{number}\"></progress>"), "PROGRESS"),
        (format!("name=\"number\" value=\"{number}\""), "NUMBER"),
    ] {
        assert!(text.contains(&own), "{own} in {text}");
        text = text.replace(&own, general);
    }
    // Numbers of two digits make the page longer, whatever it shows.
    let length = text.split_once("(\"content-length\", \"").unwrap().1.split('"').next().unwrap().to_owned();
    text.replacen(&length, "LENGTH", 1)
}

#[test]
fn nothing_but_the_pixels_tells_real_from_refined() {
    for design in [Design::YesNo, Design::TwoAlternatives] {
        let folder = tempfile::tempdir().unwrap();
        let (server, test) = served(folder.path(), &TestOptions { design, per_class: 6, ..SMALL });
        let subject = Subject::begin(&server, &test);
        let n = test.design().n_questions();
        let all: BTreeSet<String> = (0..n)
            .map(|number| {
                let text = impersonal(&received(&subject), number, n);
                subject.answer(number, 0, "1");
                text
            })
            .collect();
        assert_eq!(all.len(), 1, "{all:#?}");
    }
}

#[test]
fn two_subjects_do_not_meet() {
    let folder = tempfile::tempdir().unwrap();
    let (server, test) = served(folder.path(), &SMALL);
    let (one, other) = (Subject::begin(&server, &test), Subject::begin(&server, &test));
    let (image, other_image) = (images(&one.question()).remove(0), images(&other.question()).remove(0));
    assert_ne!(image, other_image);
    assert_eq!(one.get(&image).status, 200);
    assert_eq!(other.get(&image).status, 404, "another subject's image");
    assert_eq!(server.get(&image).status, 404, "nobody's");
    one.answer(0, 1, "");
    assert_eq!(one.get(&image).status, 404, "its turn is over");
    std::thread::scope(|scope| {
        for (subject, first) in [(&one, 1), (&other, 0)] {
            scope.spawn(move || (first..15).for_each(|number| drop(subject.answer(number, first, ""))));
        }
    });
    let answers = test.answers().unwrap();
    assert_eq!(answers.len(), 30);
    assert!(answers.iter().all(|answer| answer.said == usize::from(answer.subject == 1)));
}

#[test]
fn what_is_unknown_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let (server, test) = served(folder.path(), &SMALL);
    let (link, key) = (test.design().link.clone(), test.design().key.clone());
    let zeros = "0".repeat(32);
    for path in [
        format!("/turing/t/{zeros}"),
        format!("/turing/t/{key}"), // the owner's key admits no subject
        format!("/turing/t/{zeros}/next"),
        format!("/turing/t/{link}/image/{zeros}"),
        format!("/turing/t/{link}/example/4"),
        format!("/turing/results/{link}"), // nor the link an owner
        format!("/turing/results/{key}.txt"),
        format!("/turing/results/{key}/image/99999"),
        format!("/turing/t/..%2f..%2f{link}"),
        format!("/turing/results/{key}%2f..%2f..%2f..%2fetc%2fpasswd"),
    ] {
        let answer = server.get(&path);
        assert_eq!(answer.status, 404, "{path}");
        let shows_runs = answer.text().contains("href=\"/compare\"");
        assert_eq!(shows_runs, !path.starts_with("/turing/t/"), "{path}: subjects have no business there");
    }
    assert_eq!(server.get(&format!("/turing/t/{link}/example/-1")).status, 400);
    let next = server.get(&format!("/turing/t/{link}/next"));
    assert_eq!(next.header("location"), Some(&*format!("/turing/t/{link}?cookie=none")));
    assert!(server.get(&format!("/turing/t/{link}?cookie=none")).text().contains("did not keep the cookie"));
}

#[test]
fn forms_of_other_sites_and_senseless_answers_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (server, test) = served(folder.path(), &SMALL);
    let subject = Subject::begin(&server, &test);
    let path = format!("{}/answer", subject.base);
    let form = ("Content-Type", "application/x-www-form-urlencoded");
    let cookie = ("Cookie", subject.cookie.as_str());
    for origin in ["http://evil.example", "null"] {
        let sent = server.send("POST", &path, &[("Origin", origin), form, cookie], b"number=0&said=0");
        assert_eq!(sent.status, 403);
    }
    for body in ["number=0", "number=0&said=real", "number=x&said=0", "said=0", "number=-1&said=0", ""] {
        assert_eq!(post(&server, &path, &subject.cookie, body).status, 422, "{body}");
    }
    for body in ["number=0&said=2", "number=3&said=0", "number=18446744073709551615&said=1"] {
        assert_eq!(post(&server, &path, &subject.cookie, body).status, 303, "{body}");
    }
    let stranger = post(&server, &path, "turing-=x; a", "number=0&said=0");
    assert_eq!(stranger.header("location"), Some(&*subject.base));
    assert_eq!(test.answers().unwrap(), []);
}

#[test]
fn names_are_shown_and_not_run() {
    let folder = tempfile::tempdir().unwrap();
    let path = test_file(folder.path(), &SMALL);
    let evil = folder.path().join("<script>alert(1)<&>.turing");
    std::fs::rename(&path, &evil).unwrap();
    let rename = "UPDATE image SET name = '\"><script>alert(2)</script>'";
    rusqlite::Connection::open(&evil).unwrap().execute_batch(rename).unwrap();
    let test = TestFile::open(&evil).unwrap();
    answered(&test, |_, _| 0);
    let server = Running::start(ServerOptions { tests: vec![evil], ..local() });
    let key = &test.design().key;
    for path in ["/turing".to_owned(), format!("/turing/results/{key}")] {
        let page = server.get(&path);
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(
            !page.text().contains("<script>alert") && page.text().contains("alert(1)"),
            "{}",
            page.text()
        );
    }
    let csv = server.get(&format!("/turing/results/{key}.csv"));
    assert_eq!(csv.header("content-disposition"), Some("attachment; filename=\"_script_alert_1____.csv\""));
}

#[test]
fn the_owner_sees_results_as_page_and_files() {
    let folder = tempfile::tempdir().unwrap();
    let (server, test) = served(folder.path(), &SMALL);
    let key = test.design().key.clone();
    let results = format!("/turing/results/{key}");
    assert!(server.get(&results).text().contains("No answers yet."));
    answered(&test, |subject, _| subject as usize % 2);
    answered(&test, |subject, _| subject as usize % 2);
    let list = server.get("/turing").text();
    let link = format!("{}/turing/t/{}", server.origin(), test.design().link);
    assert!(list.contains(&link) && list.contains("2 subjects, 2 finished, 30 answers"), "{list}");
    let page = server.get(&results).text();
    assert!(page.contains("10 of 20 answers were right, 50.0 %. Undecided"), "{page}");
    assert!(page.contains("Attentive subjects") && page.contains("(inattentive)"), "{page}");
    let galleries = images(&page);
    assert_eq!(galleries.len(), 15);
    galleries.iter().for_each(|image| assert_eq!(server.get(image).status, 200));
    let json = server.get(&format!("{results}.json"));
    assert_eq!(json.header("content-type"), Some("application/json"));
    assert_eq!(json.text(), serde_json::to_string(&Results::read(&test).unwrap()).unwrap());
    assert_eq!(server.get(&format!("{results}.csv")).text(), test.csv().unwrap());
}

#[test]
fn a_subject_needs_no_token_and_gets_no_further_without() {
    let folder = tempfile::tempdir().unwrap();
    let path = test_file(folder.path(), &SMALL);
    let test = TestFile::open(&path).unwrap();
    let server = Running::start(ServerOptions { tests: vec![path], ..ServerOptions::new("0.0.0.0:0") });
    let subject = Subject::begin(&server, &test);
    assert_eq!(subject.get(&images(&subject.question())[0]).status, 200);
    for path in ["/turing".to_owned(), "/".to_owned(), format!("/turing/results/{}", test.design().key)] {
        assert_eq!(subject.get(&path).status, 401, "{path}");
    }
    let links = subject.question();
    let hrefs = links.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    assert!(hrefs.into_iter().all(|href| href.starts_with("/assets/") || href.starts_with('#')), "{links}");
}
