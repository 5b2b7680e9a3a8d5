use std::fs;

use super::super::place::{Place, State};
use super::server::{Deed, Server};
use super::*;

fn write(path: &PathBuf, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

#[test]
fn the_first_download_is_pinned_and_later_ones_must_equal_it() {
    let server = Server::start(&eyes(), &[Deed::Serve]);
    let workspace = Workspace::new(&archive_manifest(&server.url, None));
    assert_eq!(workspace.fetch(None), Ok(()));
    let pins = String::from_utf8(workspace.read("manifest.lock")).unwrap();
    assert!(pins.contains(&sha256(&eyes())) && pins.contains(&format!("bytes = {}", eyes().len())), "{pins}");

    fs::remove_dir_all(workspace.path("raw")).unwrap();
    assert_eq!(workspace.fetch(None), Ok(()), "the same again");
    assert_eq!(String::from_utf8(workspace.read("manifest.lock")).unwrap(), pins);

    fs::remove_dir_all(workspace.path("raw")).unwrap();
    let mut other = eyes();
    other[4] ^= 1; // the time in gzip's header: the archive stays valid
    server.change(&other);
    let error = workspace.fetch(None).unwrap_err();
    assert!(error.contains("SHA-256") && error.contains("remove its entry from"), "{error}");
    assert!(!workspace.path("raw/eyes").exists());
    let copy = workspace.path("copy.tar.gz");
    fs::write(&copy, &other).unwrap();
    assert!(workspace.fetch(copy.to_str()).unwrap_err().contains("SHA-256"), "a copy must equal it too");
}

#[test]
fn archives_and_folders_on_disk_serve_and_pin_nothing() {
    let workspace = Workspace::new(&archive_manifest("http://127.0.0.1:1", None));
    let (archive, folder) = (workspace.path("mirror/eyes.tar.gz"), workspace.path("mirror"));
    write(&archive, &eyes());
    for from in [&archive, &folder] {
        assert_eq!(workspace.fetch(from.to_str()), Ok(()));
        assert_eq!(workspace.read("raw/eyes/Data/p00/day01.mat"), noise(3_000_000));
        assert_eq!(workspace.verify(), Ok(()));
        fs::remove_dir_all(workspace.path("raw/eyes")).unwrap();
    }
    assert!(!workspace.path("manifest.lock").exists() && archive.exists());

    let unpacked = workspace.path("unpacked");
    let error = {
        fs::create_dir(&unpacked).unwrap();
        workspace.fetch(unpacked.to_str()).unwrap_err()
    };
    assert!(error.contains("neither eyes.tar.gz nor the data set (Data)"), "{error}");
    write(&unpacked.join("Data/p00/day01.mat"), b"mine");
    assert_eq!(workspace.fetch(unpacked.to_str()), Ok(()));
    assert_eq!(workspace.read("raw/eyes/Data/p00/day01.mat"), b"mine");
    assert!(matches!(Place::new(&workspace.path("raw"), "eyes").state(), State::Linked(_)));
    assert_eq!(workspace.fetch(None), Ok(()), "it is there");
    fs::remove_dir_all(&unpacked).unwrap();
    let error = workspace.fetch(None).unwrap_err();
    assert!(error.contains("holds no Data") && error.contains("hint: remove it"), "{error}");
}

#[test]
fn a_mirror_is_an_archive_or_a_folder() {
    let server = Server::start(&eyes(), &[Deed::Serve]);
    let workspace = Workspace::new(&archive_manifest("http://127.0.0.1:1", None));
    for from in ["/some/eyes-v2.tar.gz", "/folder/"] {
        assert_eq!(workspace.fetch(Some(&(server.url.clone() + from))), Ok(()));
        fs::remove_dir_all(workspace.path("raw")).unwrap();
    }
    assert_eq!(server.requests(), ["get /some/eyes-v2.tar.gz", "get /folder/eyes.tar.gz"]);
    assert!(!workspace.path("manifest.lock").exists(), "only the publisher's file is pinned");
}

#[test]
fn single_files_are_kept_when_the_rest_fails_and_are_mended() {
    let content = noise(70_000);
    let server = Server::start(&content, &[Deed::Serve, Deed::Status(404), Deed::Serve]);
    let workspace = Workspace::new(&files_manifest(&server.url, &content));
    assert!(workspace.fetch(None).unwrap_err().contains("404"));
    assert!(!workspace.path("raw/eyes").exists());
    assert_eq!(workspace.fetch(None), Ok(()));
    assert_eq!(server.requests(), ["get /a%20b/one.bin", "get /two.bin", "get /two.bin"]);
    assert_eq!(workspace.verify(), Ok(()));

    fs::write(workspace.path("raw/eyes/a b/one.bin"), b"damaged").unwrap();
    assert_eq!(workspace.fetch(None), Ok(()), "a glance does not see it");
    let error = workspace.verify().unwrap_err();
    assert!(error.contains("a b/one.bin has changed") && error.contains("hint: remove"), "{error}");
    fs::remove_file(workspace.path("raw/eyes/a b/one.bin")).unwrap();
    assert!(workspace.verify().unwrap_err().contains("a b/one.bin is missing"));
    fs::write(workspace.path("raw/eyes/mine.txt"), b"mine").unwrap();
    assert_eq!(workspace.fetch(None), Ok(()));
    assert_eq!(server.requests().last().unwrap(), "get /a%20b/one.bin");
    assert_eq!((workspace.verify(), workspace.read("raw/eyes/mine.txt")), (Ok(()), b"mine".to_vec()));

    let folder = workspace.path("copy");
    write(&folder.join("one.bin"), &content);
    fs::remove_dir_all(workspace.path("raw")).unwrap();
    let error = workspace.fetch(folder.to_str()).unwrap_err();
    assert!(error.contains("two.bin"), "{error}");
    write(&folder.join("two.bin"), &content[1..]);
    assert!(workspace.fetch(folder.to_str()).unwrap_err().contains("69999 bytes instead of 70000"));
    write(&folder.join("two.bin"), &content);
    assert_eq!(workspace.fetch(folder.to_str()), Ok(()));
}

#[test]
fn what_is_had_by_hand_is_told_and_linked() {
    let manifest = format!(
        "{HEAD}holds = [\"*.jpg\"]\nget.by-hand = {{ steps = [\"Sign.\"], result = \"the folder\" }}\n"
    );
    let workspace = Workspace::new(&manifest);
    assert!(workspace.fetch(None).unwrap_err().contains("follow these steps"));
    assert!(!workspace.path("raw").exists());
    let folder = workspace.path("mine");
    write(&folder.join("1.png"), b"");
    assert!(workspace.fetch(folder.to_str()).unwrap_err().contains("holds no *.jpg"));
    write(&folder.join("1.jpg"), b"");
    assert!(workspace.fetch(folder.join("1.jpg").to_str()).is_err());
    assert_eq!(workspace.fetch(folder.to_str()), Ok(()));
    assert!(workspace.path("raw/eyes/1.jpg").exists());
    assert_eq!(workspace.verify(), Ok(()));
}

#[test]
fn an_interrupted_unpacking_leaves_no_trace() {
    let workspace = Workspace::new(&archive_manifest("http://127.0.0.1:1", None));
    let archive = workspace.path("eyes.tar.gz");
    fs::write(&archive, &eyes()[..2_000_000]).unwrap();
    let error = workspace.fetch(archive.to_str()).unwrap_err();
    assert!(error.contains("damaged or cut short"), "{error}");
    assert!(!workspace.path("raw/eyes").exists(), "half of it would look like all of it");
    // A killed process leaves this as well.
    write(&workspace.path("raw/.fetch/eyes/files/Data/old.mat"), b"old");
    fs::write(&archive, eyes()).unwrap();
    assert_eq!(workspace.fetch(archive.to_str()), Ok(()));
    assert!(!workspace.path("raw/eyes/Data/old.mat").exists());
}

#[test]
fn an_archive_of_something_else_is_refused() {
    let workspace = Workspace::new(&archive_manifest("http://127.0.0.1:1", None));
    let archive = workspace.path("eyes.tar.gz");
    fs::write(&archive, tar_gz(&[(EntryType::Regular, "Eyes/readme.txt", b"x")])).unwrap();
    assert!(workspace.fetch(archive.to_str()).unwrap_err().contains("it holds no Data"));
    assert!(!workspace.path("raw/eyes").exists());
}

#[test]
fn two_at_once_do_not_disturb_each_other() {
    let workspace = Workspace::new(&archive_manifest("http://127.0.0.1:1", None));
    let place = Place::new(&workspace.path("raw"), "eyes");
    let first = place.lock().unwrap();
    let error = workspace.fetch(None).unwrap_err();
    assert!(error.contains("another process is at work here") && error.contains("hint: wait"), "{error}");
    drop(first);
    assert!(!workspace.fetch(None).unwrap_err().contains("another process"));
}

#[test]
fn what_somebody_put_there_is_left_alone() {
    let workspace = Workspace::new(&archive_manifest("http://127.0.0.1:1", None));
    write(&workspace.path("raw/eyes/notes.txt"), b"mine");
    let error = workspace.fetch(None).unwrap_err();
    assert!(error.contains("holds no Data") && error.contains("move it away"), "{error}");
    assert!(workspace.verify().is_err());
    write(&workspace.path("raw/eyes/Data/a"), b"mine");
    assert_eq!((workspace.fetch(None), workspace.verify()), (Ok(()), Ok(())));
    assert_eq!(workspace.read("raw/eyes/notes.txt"), b"mine");
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let server = Server::start(&eyes(), &[Deed::Serve]);
    let workspace = Workspace::new(&archive_manifest(&server.url, None));
    fs::write(workspace.path("raw"), b"a file where a folder should be").unwrap();
    let error = workspace.fetch(None).unwrap_err();
    assert!(error.contains("data/raw/.fetch/eyes"), "{error}");
}

#[test]
fn the_projects_manifest_is_sound() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let manifest = Fetcher::open(root, IMPATIENT).unwrap().manifest;
    let names: Vec<&str> = manifest.datasets.iter().map(|dataset| &dataset.name[..]).collect();
    assert_eq!(names, ["mpiigaze", "unityeyes", "unityeyes2", "nyu", "gaze-kaggle", "mnist"]);
}

#[test]
fn a_manifest_that_is_wrong_is_refused() {
    use super::super::manifest::Manifest;
    let good = archive_manifest("http://a", Some(b""));
    assert!(Manifest::parse(&good).is_ok());
    for (part, other) in [
        ("version = 1", "version = 2"),
        ("name = \"eyes\"", "name = \"../eyes\""),
        ("path = \"eyes.tar.gz\"", "path = \"../eyes.tar.gz\""),
        ("path = \"eyes.tar.gz\"", "path = \"/eyes.tar.gz\""),
        ("sha256 = \"", "sha256 = \"0"),
        ("urls = [\"http://a\"]", "urls = []"),
        ("page =", "pages ="),
    ] {
        assert!(good.contains(part), "{part}");
        assert!(Manifest::parse(&good.replace(part, other)).is_err(), "{other}");
    }
    assert!(Manifest::parse(&(files_manifest("http://a", b"").replace("bytes = 0, ", ""))).is_err());
    let twice = good.clone() + &good.replace("\nversion = 1\n", "\n");
    assert!(Manifest::parse(&twice).unwrap_err().to_string().contains("twice"));
}

/// Reruns this test in a process that may write files of at most 50 kB, which simulates a full disk.
#[test]
fn a_full_disk_is_told() {
    const ROOT: &str = "SIMGAN_TEST_FULL_DISK";
    const NAME: &str = "fetch::tests::whole::a_full_disk_is_told";
    if let Some(root) = std::env::var_os(ROOT) {
        let fetcher = Fetcher::open(std::path::Path::new(&root), IMPATIENT).unwrap();
        let error = fetcher.fetch(fetcher.manifest.dataset("eyes").unwrap(), None).unwrap_err();
        println!("told: {}", text(&error));
        return;
    }
    let server = Server::start(&eyes(), &[Deed::Serve]);
    let workspace = Workspace::new(&archive_manifest(&server.url, None));
    let limited = r#"ulimit -f 100 && trap "" XFSZ && exec "$0" --exact "$1" --nocapture"#;
    let mut command = std::process::Command::new("sh");
    command.args(["-c", limited]).arg(std::env::current_exe().unwrap()).arg(NAME);
    let output = command.env(ROOT, workspace.root.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("eyes.tar.gz: File too large") && text.contains("hint: make room"), "{text}");
    assert!(!workspace.path("raw/eyes").exists());
    let n_kept = fs::metadata(workspace.path("raw/.fetch/eyes/parts/eyes.tar.gz")).unwrap().len();
    assert!(n_kept > 0 && n_kept < 200_000, "{n_kept}");
    assert_eq!(workspace.fetch(None), Ok(()), "with room, it goes on");
    assert!(server.requests()[1].ends_with(&format!(" {n_kept}-")));
}

#[test]
fn a_folder_that_may_not_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let workspace = Workspace::new(&archive_manifest("http://127.0.0.1:1", None));
    let data = workspace.path("");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(data.join("probe"), b"").is_ok() {
        println!("skipped: this user may write everywhere");
        return;
    }
    let error = workspace.fetch(None).unwrap_err();
    assert!(error.contains("raw") && error.to_lowercase().contains("permission denied"), "{error}");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
}
