use indicatif::ProgressBar;

use super::super::manifest::{Archive, RemoteFile};
use super::super::unpack::unpack;
use super::*;

fn rules() -> Archive {
    Archive {
        urls: Vec::new(),
        file: RemoteFile { path: "a.tar.gz".to_owned(), bytes: None, sha256: None },
        root: "Eyes".to_owned(),
        keep: Vec::new(),
        max_bytes: 1 << 20,
        max_files: 20,
    }
}

/// Unpacks bytes into a nested folder, so that escaping files are noticed; returns the paths or the error.
fn result(archive: &[u8], rules: &Archive) -> Result<Vec<String>, String> {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.tar.gz");
    std::fs::write(&path, archive).unwrap();
    let folder = root.path().join("deep/er/files");
    let done = unpack(&path, &folder, rules, &ProgressBar::hidden());
    let escaped: Vec<_> = ["", "deep", "deep/er"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.path().join(folder)).into_iter().flatten().flatten())
        .map(|entry| entry.file_name())
        .filter(|name| !["a.tar.gz", "deep", "er", "files"].iter().any(|own| name == own))
        .collect();
    assert!(escaped.is_empty(), "{escaped:?}");
    let sums = done.map_err(|error| text(&error))?;
    for sum in &sums {
        assert!(folder.join(&sum.path).symlink_metadata().unwrap().is_file());
    }
    Ok(sums.into_iter().map(|sum| sum.path).collect())
}

fn refusal(entries: &[(EntryType, &str, &[u8])]) -> String {
    result(&tar_gz(entries), &rules()).unwrap_err()
}

#[test]
fn files_come_out_below_the_folder_without_the_archives_own() {
    let entries: [(EntryType, &str, &[u8]); 5] = [
        (EntryType::Directory, "Eyes/empty/", b""),
        (EntryType::Regular, "./Eyes/./b/two", b"2"),
        (EntryType::Regular, "Eyes/a", b"1"),
        (EntryType::Continuous, "other/c", b"3"),
        (EntryType::Regular, "Eyes/old folder/", b""),
    ];
    assert_eq!(result(&tar_gz(&entries), &rules()).unwrap(), ["a", "b/two", "other/c"]);
    let keep = Archive { keep: vec!["b".to_owned(), "a".to_owned()], ..rules() };
    assert_eq!(result(&tar_gz(&entries), &keep).unwrap(), ["a", "b/two"]);
}

#[test]
fn modes_are_not_taken_over() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("a.tar.gz");
    std::fs::write(&path, tar_gz(&[(EntryType::Regular, "a", b"1")])).unwrap();
    unpack(&path, &root.path().join("files"), &rules(), &ProgressBar::hidden()).unwrap();
    let mode = std::fs::metadata(root.path().join("files/a")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0);
}

#[test]
fn paths_that_leave_the_folder_are_refused() {
    for name in
        ["../a", "Eyes/../../a", "Eyes/b/../../../a", "..", "/tmp/simgan-escape", "/", "Eyes\\..\\a", "a\nb"]
    {
        let error = refusal(&[(EntryType::Regular, name, b"x")]);
        assert!(
            error.contains("outside the folder") || error.contains("no name for a file"),
            "{name}: {error}"
        );
    }
    assert!(!std::path::Path::new("/tmp/simgan-escape").exists());
    let deep = "a/".repeat(45);
    assert!(refusal(&[(EntryType::Regular, &deep, b"x")]).contains("folders deep"));
}

#[test]
fn long_names_are_seen_before_anything_is_done() {
    let pax = |name: &str| {
        let record = format!("path={name}\n");
        let length = record.len() + 4;
        format!("{length:3} {record}").replacen(' ', "0", 1)
    };
    for (kind, name) in [
        (EntryType::GNULongName, b"../../escape\0".to_vec()),
        (EntryType::XHeader, pax("../../escape").into_bytes()),
    ] {
        let error = refusal(&[(kind, "long", &name), (EntryType::Regular, "Eyes/good", b"x")]);
        assert!(error.contains("outside the folder"), "{kind:?}: {error}");
    }
    let long = format!("Eyes/{}/a\0", "x".repeat(150));
    let entries: [(EntryType, &str, &[u8]); 2] =
        [(EntryType::GNULongName, "long", long.as_bytes()), (EntryType::Regular, "Eyes/cut", b"x")];
    assert_eq!(result(&tar_gz(&entries), &rules()).unwrap(), [format!("{}/a", "x".repeat(150))]);
    let endless = vec![b'a'; 100_000];
    assert!(refusal(&[(EntryType::GNULongName, "long", &endless)]).contains("longer than"));
    assert!(
        refusal(&[(EntryType::XHeader, "x", b"12 size=999\n"), (EntryType::Regular, "a", b"")])
            .contains("8 GiB")
    );
}

#[test]
fn links_and_devices_are_refused() {
    for kind in [
        EntryType::Symlink,
        EntryType::Link,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
        EntryType::GNUSparse,
        EntryType::new(b'?'),
    ] {
        let error = refusal(&[(kind, "Eyes/link", b"")]);
        assert!(error.contains("a link, device"), "{kind:?}: {error}");
    }
    let keep = Archive { keep: vec!["Data".to_owned()], ..rules() };
    let entries: [(EntryType, &str, &[u8]); 2] =
        [(EntryType::Symlink, "Eyes/link", b""), (EntryType::Regular, "Eyes/Data/a", b"")];
    assert_eq!(result(&tar_gz(&entries), &keep).unwrap(), ["Data/a"], "what is not kept does no harm");
}

#[test]
fn files_that_contradict_each_other_are_refused() {
    let double = refusal(&[(EntryType::Regular, "a", b"1"), (EntryType::Regular, "Eyes/a", b"2")]);
    assert!(double.contains("occurs twice"), "{double}");
    assert!(
        result(&tar_gz(&[(EntryType::Regular, "a", b"1"), (EntryType::Regular, "a/b", b"2")]), &rules())
            .is_err()
    );
}

#[test]
fn bombs_are_stopped_by_the_limits() {
    let zeros = vec![0; 5 << 20];
    for keep in [Vec::new(), vec!["other".to_owned()]] {
        let error =
            result(&tar_gz(&[(EntryType::Regular, "a", &zeros)]), &Archive { keep, ..rules() }).unwrap_err();
        assert!(error.contains("more bytes than"), "{error}");
    }
    let names: Vec<String> = (0..21).map(|i| format!("f{i}")).collect();
    let entries: Vec<(EntryType, &str, &[u8])> =
        names.iter().map(|name| (EntryType::Regular, &name[..], &b""[..])).collect();
    assert!(refusal(&entries).contains("more than 20 entries"));
    // An absurd length.
    let mut huge = Header::new_gnu();
    huge.set_size(u64::MAX / 2);
    huge.set_cksum();
    assert!(result(&gzip(huge.as_bytes()), &rules()).is_err());
}

#[test]
fn damage_is_found_wherever_it_is() {
    let whole = eyes();
    let generous = Archive { max_bytes: 1 << 23, keep: vec!["Data".to_owned()], ..rules() };
    assert_eq!(result(&whole, &generous).unwrap().len(), 2);
    for length in [0, 1, 2, 9, 100, whole.len() / 2, whole.len() - 9, whole.len() - 1] {
        let error = result(&whole[..length], &generous).unwrap_err();
        assert!(error.contains("hint:"), "{length}: {error}");
    }
    let mut flipped = whole.clone();
    for at in [12, whole.len() / 3, whole.len() - 5] {
        flipped[at] ^= 0x10;
        assert!(result(&flipped, &generous).is_err(), "at {at}");
        flipped[at] ^= 0x10;
    }
    let page = result(b"<html>please log in</html>", &generous).unwrap_err();
    assert!(page.contains("not a gzip archive"), "{page}");
    // Intact as gzip, truncated as tar.
    let mut tar = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&whole[..]), &mut tar).unwrap();
    for length in [512 * 4 + 700, 700, 1 << 20] {
        assert!(result(&gzip(&tar[..length]), &generous).is_err(), "{length}");
    }
}
