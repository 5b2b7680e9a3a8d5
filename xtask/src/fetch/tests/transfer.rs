use super::server::{Deed, Server};
use super::*;

/// Fetches the archive from a server with these deeds; returns the workspace and the server.
fn fetch(deeds: &[Deed], is_known: bool) -> (Workspace, Server, Result<(), String>) {
    let eyes = eyes();
    let server = Server::start(&eyes, deeds);
    let workspace = Workspace::new(&archive_manifest(&server.url, is_known.then_some(&eyes[..])));
    let done = workspace.fetch(None);
    (workspace, server, done)
}

fn is_whole(workspace: &Workspace) -> bool {
    workspace.read("raw/eyes/Data/p00/day01.mat") == noise(3_000_000)
        && workspace.read("raw/eyes/readme.txt") == b"read me"
        && !workspace.path("raw/eyes/Original").exists()
        && !workspace.path("raw/.fetch/eyes").exists()
}

#[test]
fn a_good_server_is_asked_once() {
    let (workspace, server, done) = fetch(&[Deed::Serve], true);
    assert_eq!(done, Ok(()));
    assert!(is_whole(&workspace));
    assert_eq!(server.requests(), ["get /eyes.tar.gz"]);
    assert!(!workspace.path("manifest.lock").exists(), "the manifest's checksum serves");
    assert_eq!(workspace.fetch(None), Ok(()));
    assert_eq!(server.requests().len(), 1, "it is there");
}

#[test]
fn cut_and_stalled_transfers_go_on_where_they_ended() {
    let deeds =
        [Deed::Cut(70_000), Deed::Stall(30_000), Deed::Status(503), Deed::Cut(1_200_000), Deed::Serve];
    // Five tries exceed the limit of three in a row without progress, but the fourth brings a megabyte.
    let (workspace, server, done) = fetch(&deeds[..1], true);
    let error = done.unwrap_err();
    assert!(error.contains("the transfer was cut") && error.contains("again to continue"), "{error}");
    assert_eq!(
        server.requests(),
        ["get /eyes.tar.gz", "get /eyes.tar.gz 70000-", "get /eyes.tar.gz 140000-"]
    );
    assert!(!workspace.path("raw/eyes").exists());

    let again = Server::start(&eyes(), &[Deed::Stall(30_000), Deed::Status(503), Deed::Serve]);
    let manifest = archive_manifest(&again.url, Some(&eyes()));
    std::fs::write(workspace.path("manifest.toml"), manifest).unwrap();
    assert_eq!(workspace.fetch(None), Ok(()));
    assert!(is_whole(&workspace));
    let requests = again.requests();
    assert_eq!(requests[0], "get /eyes.tar.gz 210000-", "another address goes on, for the checksum is known");
    assert_eq!(requests[1..], ["get /eyes.tar.gz 240000-", "get /eyes.tar.gz 240000-"]);
}

#[test]
fn tries_that_bring_much_do_not_count() {
    let (workspace, server, done) = fetch(&[Deed::Cut(1_100_000)], true);
    assert_eq!(done, Ok(()));
    assert!(is_whole(&workspace));
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn a_silent_server_is_an_error_with_the_way_out() {
    let (_, _, done) = fetch(&[Deed::Stall(0)], true);
    let error = done.unwrap_err();
    assert!(
        error.contains("sent nothing for 0.4 s, 3 times") && error.contains("hint: run the same"),
        "{error}"
    );
}

#[test]
fn nobody_there_is_an_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = Workspace::new(&archive_manifest(&url, None)).fetch(None).unwrap_err();
    assert!(error.contains("refused") && error.contains("3 times"), "{error}");
}

#[test]
fn redirections_are_followed_with_the_range() {
    let behind = Server::start(&eyes(), &[Deed::Cut(1_500_000), Deed::Serve]);
    let deeds = [Deed::Redirect(format!("{}/elsewhere", behind.url))];
    let (workspace, _, done) = fetch(&deeds, true);
    assert_eq!(done, Ok(()));
    assert!(is_whole(&workspace));
    assert_eq!(behind.requests(), ["get /elsewhere", "get /elsewhere 1500000-"]);
    let (_, server, done) = fetch(&[Deed::Redirect("/again".to_owned())], true);
    assert!(done.unwrap_err().contains("redirect"));
    assert!(server.requests().len() < 20);
}

#[test]
fn servers_without_ranges_or_with_wrong_ones_start_again() {
    for second in [Deed::IgnoreRange, Deed::NoLength, Deed::OtherRange(5), Deed::OtherRange(60_000)] {
        for is_known in [true, false] {
            let (workspace, server, done) =
                fetch(&[Deed::Cut(50_000), second.clone(), Deed::Serve], is_known);
            assert_eq!(done, Ok(()), "{second:?}");
            assert!(is_whole(&workspace), "{second:?}");
            assert_eq!(server.requests()[1], "get /eyes.tar.gz 50000-");
        }
    }
}

#[test]
fn a_length_that_is_a_lie_is_found() {
    let length = eyes().len();
    let (_, _, done) = fetch(&[Deed::Claim(length + 1)], false);
    assert!(done.unwrap_err().contains("the transfer was cut"));
    let (workspace, _, done) = fetch(&[Deed::Claim(length - 1)], false);
    assert!(done.unwrap_err().contains("damaged or cut short"));
    assert!(!workspace.path("raw/eyes").exists() && !workspace.path("manifest.lock").exists());
    let (_, server, done) = fetch(&[Deed::Claim(length - 1)], true);
    assert!(done.unwrap_err().contains("this is another file"));
    assert_eq!(server.requests().len(), 1, "before anything is transferred");
}

#[test]
fn more_than_was_announced_is_refused() {
    let more = [&eyes()[..], &[0; 9]].concat();
    let server = Server::start(&more, &[Deed::NoLength]);
    let workspace = Workspace::new(&archive_manifest(&server.url, Some(&eyes())));
    let error = workspace.fetch(None).unwrap_err();
    assert!(error.contains("more than the"), "{error}");
}

/// The manifest's limit on the unpacked bytes bounds an archive of unknown length too.
#[test]
fn a_body_without_end_is_cut_and_removed() {
    let (workspace, _, done) = fetch(&[Deed::Endless], false);
    let error = done.unwrap_err();
    assert!(error.contains("more than the 4000000 bytes"), "{error}");
    assert!(!workspace.path("raw/.fetch/eyes/parts/eyes.tar.gz").exists());
    let (_, server, done) = fetch(&[Deed::Claim(1 << 40)], false);
    assert!(done.unwrap_err().contains("more than this file may have"));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_damaged_body_without_a_checksum_is_removed() {
    let server = Server::start(&noise(100_000), &[Deed::NoLength]);
    let workspace = Workspace::new(&archive_manifest(&server.url, None));
    let error = workspace.fetch(None).unwrap_err();
    assert!(error.contains("not a gzip archive"), "{error}");
    assert!(!workspace.path("raw/.fetch/eyes/parts/eyes.tar.gz").exists());
}

#[test]
fn answers_that_do_not_help_are_errors() {
    for (deed, words) in [
        (Deed::Status(404), "404 Not Found\nhint: give a mirror"),
        (Deed::Status(403), "403 Forbidden"),
        (Deed::Status(500), "500 Internal Server Error, 3 times"),
        (Deed::Status(429), "429 Too Many Requests, 3 times"),
        (Deed::Garbage, "3 times"),
    ] {
        let (_, _, done) = fetch(std::slice::from_ref(&deed), false);
        let error = done.unwrap_err();
        assert!(error.contains(words), "{deed:?}: {error}");
    }
}

#[test]
fn a_wrong_checksum_is_refused_and_nothing_is_kept() {
    let mut other = eyes();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    let server = Server::start(&other, &[Deed::Serve]);
    let workspace = Workspace::new(&archive_manifest(&server.url, Some(&eyes())));
    let error = workspace.fetch(None).unwrap_err();
    assert!(error.contains("has the SHA-256") && error.contains("hint:"), "{error}");
    assert!(!workspace.path("raw/eyes").exists());
    assert!(!workspace.path("raw/.fetch/eyes/parts/eyes.tar.gz").exists());
}

#[test]
fn a_beginning_of_something_else_is_replaced() {
    let eyes = eyes();
    for (beginning, n_requests) in
        [(vec![7; 1000], 2), (vec![7; eyes.len()], 1), (vec![7; eyes.len() + 5], 2)]
    {
        let server = Server::start(&eyes, &[Deed::Serve]);
        let workspace = Workspace::new(&archive_manifest(&server.url, Some(&eyes)));
        std::fs::create_dir_all(workspace.path("raw/.fetch/eyes/parts")).unwrap();
        std::fs::write(workspace.path("raw/.fetch/eyes/parts/eyes.tar.gz"), &beginning).unwrap();
        assert_eq!(workspace.fetch(None), Ok(()));
        assert!(is_whole(&workspace));
        assert_eq!(server.requests().len(), n_requests, "{:?}", server.requests());
    }
}

#[test]
fn a_file_that_changes_while_it_is_fetched_is_fetched_anew() {
    let server = Server::start(&noise(3_500_000), &[Deed::Cut(300_000)]);
    let workspace = Workspace::new(&archive_manifest(&server.url, None));
    assert!(workspace.fetch(None).is_err());
    let second = Server::start(&eyes(), &[Deed::Serve]);
    second.change(&eyes());
    // The address now serves another version, which does not match the recorded one.
    let origin = workspace.path("raw/.fetch/eyes/parts/eyes.tar.gz.origin");
    assert_eq!(std::fs::read_to_string(&origin).unwrap(), format!("{}/eyes.tar.gz\n\"one\"", server.url));
    std::fs::write(&origin, format!("{}/eyes.tar.gz\n\"one\"", second.url)).unwrap();
    std::fs::write(workspace.path("manifest.toml"), archive_manifest(&second.url, None)).unwrap();
    assert_eq!(workspace.fetch(None), Ok(()));
    assert!(is_whole(&workspace));
}

#[test]
fn a_file_without_checksum_is_not_put_together_from_two_addresses() {
    let (workspace, _, done) = fetch(&[Deed::Cut(90_000)], false);
    assert!(done.is_err());
    let other = Server::start(&eyes(), &[Deed::Serve]);
    std::fs::write(workspace.path("manifest.toml"), archive_manifest(&other.url, None)).unwrap();
    assert_eq!(workspace.fetch(None), Ok(()));
    assert_eq!(other.requests(), ["get /eyes.tar.gz"]);
}

#[test]
fn the_next_address_serves_when_the_first_does_not() {
    let (gone, good) = (Server::start(b"", &[Deed::Status(404)]), Server::start(&eyes(), &[Deed::Serve]));
    let manifest = archive_manifest(&format!("{}\", \"{}/mirror/", gone.url, good.url), Some(&eyes()));
    let workspace = Workspace::new(&manifest);
    assert_eq!(workspace.fetch(None), Ok(()));
    assert_eq!(good.requests(), ["get /mirror/eyes.tar.gz"]);
}
