use std::path::Path;

use crate::{
    Annotation, AnnotationsExt, DataError, Folder, FolderOptions, Image, ImageFile, ImageFormat, Pixels,
    Sample, Source, Want,
};

/// A folder of images of 60×36, `0.png`, `1.png` and `sub/2.png`, with these other files.
fn folder(files: &[(&str, &[u8])]) -> (tempfile::TempDir, Folder) {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::create_dir_all(root.path().join(name).parent().unwrap()).unwrap();
        std::fs::write(root.path().join(name), bytes).unwrap();
    };
    files.iter().for_each(|(name, bytes)| write(name, bytes));
    for name in ["0.png", "1.png", "sub/2.png"] {
        std::fs::create_dir_all(root.path().join("sub")).unwrap();
        let image = Image::new(1, 36, 60, Pixels::U8(vec![9; 36 * 60]));
        ImageFile::new(image, ImageFormat::Png).save(&root.path().join(name)).unwrap();
    }
    let folder = Folder::open(root.path(), &FolderOptions::default()).unwrap();
    (root, folder)
}

fn labelled(files: &[(&str, &[u8])], index: usize) -> Result<Sample, DataError> {
    let (_root, folder) = folder(files);
    assert!(folder.sample(index, Want::Image).is_ok(), "no label is needed for an image");
    folder.sample(index, Want::Labels)
}

/// The message, without the folder's path.
fn error(files: &[(&str, &[u8])], index: usize) -> String {
    let (root, folder) = folder(files);
    let message = folder.sample(index, Want::Labels).unwrap_err().to_string();
    message.replace(&format!("{}/", root.path().display()), "")
}

#[test]
fn bom_nan_and_utf16_are_read() {
    let utf16: Vec<u8> =
        "\u{FEFF}{\"gaze\": [0, 0, -1]}\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for text in [
        &b"\xEF\xBB\xBF{\"gaze\": [0, 0, -1]}"[..],
        b"{\"blur\": NaN, \"gaze\": [\"0\", \"0\", \"-1\"]}",
        &utf16,
    ] {
        let sample = labelled(&[("0.json", text)], 0).unwrap();
        assert_eq!(sample.annotations.gaze().unwrap().vector(), [0.0, 0.0, -1.0]);
    }
    let sample = labelled(&[("0.json", b"{\"blur\": NaN, \"x\": 1}")], 0).unwrap();
    assert_eq!(sample.record.unwrap(), serde_json::json!({"blur": "NaN", "x": 1}));
}

#[test]
fn two_numbers_are_pitch_and_yaw() {
    let text = b"{\"gaze\": [0.1, -0.2], \"head_pose\": [0.3, 0.4]}";
    let sample = labelled(&[("0.json", text)], 0).unwrap();
    let (gaze, head) =
        (sample.annotations.gaze().unwrap(), sample.annotations.direction("head_pose").unwrap());
    assert!((gaze.pitch() - 0.1).abs() < 1e-6 && (gaze.yaw() + 0.2).abs() < 1e-6);
    assert!((head.pitch() - 0.3).abs() < 1e-6 && (head.yaw() - 0.4).abs() < 1e-6);
    let degrees = error(&[("0.json", b"{\n\"gaze\": [10.5, -20]}")], 0);
    assert_eq!(degrees, "0.json: line 2: \"gaze\" is not a direction: [10.5,-20]");
}

#[test]
fn errors_name_file_line_and_field() {
    for (text, message) in [
        (&b"{\"a\": 1,\n\"gaze\": [NaN, 0, 1]}"[..], "0.json: line 2: \"gaze\""),
        (b"{\"annotations\": {\n\n\"p\": {\"points\": [[1]]}}}", "0.json: line 3: \"annotations\", \"p\""),
        (b"{\"eye_details\":\n {\"look_vec\": \"(0, 0)\"}}", "0.json: line 2: \"look_vec\""),
        (b"{", "0.json: not JSON"),
        (b"\xFF\xFEx", "0.json: it is no text"),
    ] {
        let found = error(&[("0.json", text)], 0);
        assert!(found.starts_with(message), "{found}");
    }
    let csv = error(&[("labels.csv", b"file,pitch,yaw\n1.png,0,0\n0.png,0.1,x\n")], 0);
    assert_eq!(csv, "labels.csv: line 3: \"pitch\", \"yaw\" are not a direction");
    let again = error(&[("labels.csv", b"file,class\n0.png,1\n0.png,2\n")], 0);
    assert_eq!(again, "labels.csv: line 3: another \"class\" of this image");
    let json =
        error(&[("labels.json", b"{\n\"0.png\": {\"gaze\": [0, 0]},\n\"1.png\": {\"gaze\": [9]}}")], 1);
    assert!(json.starts_with("labels.json: line 3: \"gaze\""), "{json}");
}

#[test]
fn index_files_label_the_images_they_name() {
    let coco = b"{\"images\": [{\"id\": 1, \"file_name\": \"2.png\", \"width\": 60, \"height\": 36}], \
                 \"annotations\": [{\"image_id\": 1, \"category_id\": 5, \"bbox\": [1, 2, 3, 4]}], \
                 \"categories\": [{\"id\": 4}, {\"id\": 5}]}";
    let csv = b"\xEF\xBB\xBFimage;pitch_deg;yaw_deg;label\r\n0;0,0;90,0;b\r\nsub/2.png;0;0;a\r\n";
    let files: [(&str, &[u8]); 3] =
        [("sub/coco.json", coco), ("labels.csv", csv), ("config.json", b"{broken")];
    let first = labelled(&files, 0).unwrap();
    assert!((first.annotations.gaze().unwrap().vector()[0] + 1.0).abs() < 1e-6);
    assert_eq!(first.annotations.class("class"), Some(1));
    assert!(labelled(&files, 1).unwrap().annotations.is_empty());
    let files: [(&str, &[u8]); 1] = [("sub/coco.json", coco)];
    let third = labelled(&files, 2).unwrap();
    assert_eq!(third.annotations["boxes"].as_boxes().unwrap()[0].max, [4.0, 6.0]);
    assert_eq!(third.annotations.class("class"), Some(1));
}

#[test]
fn files_that_contradict_each_other_are_named() {
    let files: [(&str, &[u8]); 2] =
        [("0.json", b"{\"class\": 1}"), ("labels.csv", b"file,class\n0.png,2\n1.png,0\n")];
    let (root, folder) = folder(&files);
    let message = folder.sample(0, Want::Labels).unwrap_err().to_string();
    let path = |name: &str| root.path().join(name).display().to_string();
    let expected = format!("{}: another \"class\" than in {}", path("labels.csv"), path("0.json"));
    assert_eq!(message, expected);
    assert!(folder.sample(1, Want::Labels).is_ok());
    let agreeing = labelled(&[files[0], ("labels.csv", b"file,class\n0.png,1\n")], 0).unwrap();
    assert_eq!(agreeing.annotations.class("class"), Some(1));
}

#[test]
fn an_oversized_or_odd_file_is_refused_before_it_is_read() {
    let (root, folder) = folder(&[("labels.csv", b"")]);
    let file = std::fs::File::create(root.path().join("labels.csv")).unwrap();
    file.set_len(300 << 20).unwrap();
    let message = folder.sample(0, Want::Labels).unwrap_err().to_string();
    assert!(message.ends_with("labels.csv: it is larger than 256 MiB"), "{message}");
    assert!(Path::new(root.path()).exists());
}

#[test]
fn classes_of_all_files_are_numbered_together() {
    let voc = |name: &str| {
        let sides = "<xmin>3</xmin><ymin>4</ymin><xmax>9</xmax><ymax>8</ymax>";
        let part = format!("<part><name>aa</name><bndbox>{sides}</bndbox></part>");
        let object = format!("{part}<name>{name}</name><bndbox>{sides}</bndbox>");
        format!("<annotation><object>{object}</object></annotation>")
    };
    let (first, last) = (voc("zebra"), voc("cat"));
    let files = [("0.xml", first.as_bytes()), ("sub/2.xml", last.as_bytes()), ("1.xml", b"<broken")];
    let class = |index: usize| match labelled(&files, index).unwrap().annotations.values().next() {
        Some(Annotation::Boxes(boxes)) => boxes.0.iter().map(|own| own.class).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!((class(0), class(2)), (vec![1], vec![0]));
    assert!(error(&files, 1).starts_with("1.xml"), "a file that cannot be read is an error of its own image");
}
