use super::{FROM, followed, moved, resize};
use crate::labels::Followed;
use crate::{Orientation, Transform};

/// Why a file is not understood.
fn refused(text: &str, path: &str, is_beside: bool, to: &str) -> String {
    match followed(text.as_bytes(), path, is_beside, resize(to)) {
        Followed::NotUnderstood { reason } => reason,
        other => panic!("{path}: {other:?}"),
    }
}

fn stays(text: &str, path: &str, is_beside: bool, to: &str) {
    assert_eq!(followed(text.as_bytes(), path, is_beside, resize(to)), Followed::Unchanged, "{path}");
}

#[test]
fn coco_moves_and_keeps_its_form() {
    let file = |bbox: &str, points: &str, area: &str, size: &str| {
        format!(
            "{{\r\n\t\"images\": [{{\"id\": 0, \"file_name\": \"images/2.png\", \
            {size}}}],\r\n\t\"annotations\": [\
             {{\"id\": 0, \"image_id\": 0, \"category_id\": 1, \"bbox\": [{bbox}], \"keypoints\": \
             [{points}], \
             \"num_keypoints\": 1, \"area\": {area}, \"iscrowd\": 0}}],\r\n\
             \"categories\": [{{\"id\": 1, \"name\": \"thing\", \"skeleton\": [[1, 2]]}}]}}\r\n"
        )
    };
    let before = file("32, 15, 16, 18", "40, 24, 2, 0, 0, 0", "288", "\"width\": 80, \"height\": 60");
    let after = file("16, 7.5, 8, 9", "19.75, 11.75, 2, 0, 0, 0", "72", "\"width\": 40, \"height\": 30");
    assert_eq!(moved(&before, "annotations.json", false, "40x30"), (after, String::new()));
    let other = before.replace("\"width\": 80", "\"width\": 60");
    assert!(
        refused(&other, "annotations.json", false, "40x30").contains("it says 60×60 of an image of 80×60")
    );
}

#[test]
fn coco_drops_what_a_crop_cuts_off() {
    let annotation = |id: u32, shape: &str| format!("{{\"id\": {id}, \"image_id\": \"x\", {shape}}}");
    let file = |annotations: &[String], width: u32| {
        format!(
            "{{\"images\": [{{\"id\": \"x\", \"file_name\": \"0.png\", \"width\": {width}, \"height\": \
            60}}], \
             \"annotations\": [{}]}}",
            annotations.join(", ")
        )
    };
    // 60×60 of 80×60 remain, ten columns on either side are cut.
    let before = file(
        &[
            annotation(1, "\"bbox\": [0, 0, 9, 9]"),
            annotation(
                2,
                "\"bbox\": [0, 0, 30, 10], \"keypoints\": [5, 5, 2, 20, 5, 1], \"num_keypoints\": 2",
            ),
            annotation(3, "\"segmentation\": [[0, 0, 20, 0, 20, 20], [0, 0, 5, 0, 5, 5]], \"area\": 212.5"),
        ],
        80,
    );
    let (after, notes) = moved(&before, "a.json", false, "60x60");
    let kept = [
        annotation(2, "\"bbox\": [0, 0, 20, 10], \"keypoints\": [0, 0, 0, 10, 5, 1], \"num_keypoints\": 1"),
        annotation(3, "\"segmentation\": [[0, 10, 0, 0, 10, 0, 10, 20]], \"area\": 150.0"),
    ];
    assert_eq!(after, file(&kept, 60));
    assert!(notes.contains("1 annotations left the image and are dropped"), "{notes}");
    assert!(notes.contains("1 key points left the image and are unlabelled"), "{notes}");
}

#[test]
fn a_run_length_mask_is_made_anew() {
    let file = |size: &str, counts: &str, area: &str, images: &str| {
        format!(
            "{{\"images\": [{{\"id\": 1, \"file_name\": \"0.png\", {images}}}], \"annotations\": \
            [{{\"image_id\": 1, \
             \"segmentation\": {{\"size\": {size}, \"counts\": {counts}}}, \"area\": {area}}}]}}"
        )
    };
    // The right half of 80×60: 2,400 zeros, then 2,400 ones.
    let before = file("[60, 80]", "[2400, 2400]", "2400", "\"width\": 80, \"height\": 60");
    let after = file("[30, 40]", "[600, 600]", "600", "\"width\": 40, \"height\": 30");
    assert_eq!(moved(&before, "a.json", false, "40x30").0, after);
    let large = file("[60000, 80000]", "[2400000000, 2400000000]", "1", "\"width\": 80, \"height\": 60");
    assert!(refused(&large, "a.json", false, "40x30").contains("not of its image's size"));
}

#[test]
fn yolo_moves_only_where_fractions_do() {
    stays("0 0.5 0.4 0.2 0.3\r\n", "0.txt", true, "40x30");
    stays("", "0.txt", true, "60x60");
    let (text, notes) = moved("0 0.5 0.4 0.2 0.3\r\n1 0.05 0.5 0.1 0.1\r\n", "0.txt", true, "60x60");
    assert_eq!(text, "0 0.5 0.4 0.2666666667 0.3\r\n");
    assert_eq!(notes, "1 objects left the image and are dropped");
    // A polygon is clipped; a box keeps its confidence.
    let (text, _) = moved("0 0 0 0.25 0 0.25 0.5\n", "0.txt", true, "60x60");
    assert_eq!(text, "0 0 0.25 0 0 0.1666666667 0 0.1666666667 0.5\n");
    assert_eq!(
        moved("3 0.5 0.5 0.5 0.5 0.9\n", "0.txt", true, "60x60").0,
        "3 0.5 0.5 0.6666666667 0.5 0.9\n"
    );
}

#[test]
fn voc_stays_whole_numbers() {
    let file = |size: &str, sides: [u32; 4]| {
        let [a, b, c, d] = sides;
        format!(
            "<?xml version=\"1.0\"?>\n<annotation>\n\t<size>{size}<depth>3</depth>\
            </size>\n\t<object>\n\t\t<name>é</name>\
             <bndbox><xmin>{a}</xmin><ymin> {b} </ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox>\
             </object>\n</annotation>\n"
        )
    };
    let before = file("<width>80</width><height>60</height>", [33, 17, 48, 34]);
    let after = file("<width>40</width><height>30</height>", [17, 9, 24, 17]);
    assert_eq!(moved(&before, "0.xml", true, "40x30").0, after);
    let gone = file("<width>80</width><height>60</height>", [1, 1, 9, 9]);
    let (text, notes) = moved(&gone, "0.xml", true, "60x60");
    assert!(!text.contains("object") && text.contains("<width>60</width>"), "{text}");
    assert_eq!(notes, "1 objects left the image and are dropped");
    stays("<annotation><filename>0.png</filename></annotation>", "0.xml", true, "40x30");
    let polygon = "<annotation><object><polygon><x1>3</x1><y1>4</y1></polygon></object></annotation>";
    assert!(refused(polygon, "0.xml", true, "40x30").contains("<x1>"));
}

#[test]
fn kitti_boxes_are_inclusive() {
    let row = |sides: &str| format!("Car 0.00 0 -1.58 {sides} 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n");
    let before = row("0.00 0.00 79.00 59.00") + &row("10.5 20 30 40");
    let after = row("0.00 0.00 39.0 29.0") + &row("5.25 10 14.5 19.5");
    assert_eq!(moved(&before, "0.txt", true, "40x30").0, after);
    assert!(refused("P2: 7.2e+02 0 6.0e+02\n", "0.txt", true, "40x30").contains("line 1"));
}

#[test]
fn tables_move_by_their_header() {
    let (text, _) = moved("name,x,y,pitch\n0.png,40,24,0.1\n9.png,1,1,0\n", "x.csv", false, "40x30");
    assert_eq!(text, "name,x,y,pitch\n0.png,20,12,0.1\n9.png,1,1,0\n");
    let (text, _) = moved("name;u;v\r\n\"0.png\";40,5;-1\r\n1.png;-1;-1\r\n", "x.csv", false, "40x30");
    assert_eq!(text, "name;u;v\r\n\"0.png\";20,25;-0,5\r\n1.png;-1;-1\r\n");
    let (text, notes) =
        moved("image\txmin\tymin\txmax\tymax\n0\t0\t0\t9\t9\n0\t0\t0\t30\t10\n", "x.tsv", false, "60x60");
    assert_eq!(text, "image\txmin\tymin\txmax\tymax\n0\t0\t0\t20\t10\n");
    assert_eq!(notes, "1 rows left the image and are dropped");
    stays("name,x,y\n0.png,0.5,0.4\n", "x.csv", false, "40x30");
    stays("name,pitch,yaw\n0.png,0.1,0.2\n", "index.csv", false, "40x30");
    stays("x\n", "labels.tsv", false, "40x30");
    stays("{\"images\":[]}", "annotations.json", false, "40x30");
    for (text, part) in [
        ("0.png,1,2\n", "no header"),
        ("name,x\n0.png,1\n", "belong together"),
        ("x,y\n1,2\n", "names an image"),
        ("name,x,y\n0.png,1,two\n", "line 2: \"y\" is not a number: two"),
        ("name,x,y\n0.png,1,0\n", "pixels or fractions"),
        ("name,region\n0.png,\"{\"\"x\"\":1,\"\"y\"\":2}\"\n", "region"),
    ] {
        let reason = refused(text, "x.csv", false, "40x30");
        assert!(reason.contains(part), "{text}: {reason}");
    }
}

#[test]
fn records_move_where_they_are_known() {
    let (text, _) = moved(
        "{ \"joints_2d\" : [[55.0, 39.5]], \"image\": \"0.jpg\", \"age\": 3 }",
        "0.json",
        true,
        "40x30",
    );
    assert_eq!(text, "{ \"joints_2d\" : [[27.5, 19.75]], \"image\": \"0.jpg\", \"age\": 3 }");
    let (text, _) =
        moved("\u{FEFF}{\"iris_2d\": [\"(40.0, 30.5, 8.8)\"], \"blur\": NaN}", "0.json", true, "40x30");
    assert_eq!(text, "\u{FEFF}{\"iris_2d\": [\"(20.0, 15.25, 8.8)\"], \"blur\": NaN}");
    let (text, _) =
        moved("{\"file_name\":\"1.png\",\"joints_2d\":[[8,8]]}\r\n{\"a\":1}\r\n", "m.jsonl", false, "40x30");
    assert_eq!(text, "{\"file_name\":\"1.png\",\"joints_2d\":[[4,4]]}\r\n{\"a\":1}\r\n");
    stays(
        "{\"gaze\": [0.1, -0.2], \"head_pose\": [0.1, 0.2], \"subject\": \"p 1 2\"}",
        "0.json",
        true,
        "40x30",
    );
    stays("{\"0\": {\"class\": \"cube\"}}", "labels_0000.json", false, "40x30");
    for (text, field) in [
        ("{\"x\": 1}", "\"x\""),
        ("{\"bbox\": [1, 2, 3, 4]}", "\"bbox\""),
        ("{\"person\": {\"x\": 1, \"y\": 2}}", "\"x\""),
        ("{\n\"head\": [1, 2, 3, 4]}", "line 2: \"head\""),
        ("{\"iris_2d\": [[1, null]]}", "\"iris_2d\""),
        ("{\"iris_2d\": [[1, NaN]]}", "\"iris_2d\""),
    ] {
        let reason = refused(text, "0.json", true, "40x30");
        assert!(reason.contains(field), "{text}: {reason}");
    }
}

#[test]
fn a_turned_image_turns_its_directions() {
    let mirror = Transform::orient(FROM, Orientation::MIRRORED);
    let text = "{\"gaze\": [0.5, 0.1, -0.8], \"eye_details\": {\"look_vec\": \"(0.5, 0.1, -0.8, 0.0)\"}}";
    let Followed::Moved { bytes, .. } = followed(text.as_bytes(), "0.json", true, mirror) else { panic!() };
    // `gaze` is the same direction as `look_vec` with y the other way up; only x changes sign.
    assert_eq!(String::from_utf8(bytes).unwrap(), text.replace("(0.5", "(-0.5").replace("[0.5", "[-0.5"));
    let unknown = followed(b"{\"annotations\": {\"v\": {\"vector\": [1, 2]}}}", "0.json", true, mirror);
    assert!(matches!(unknown, Followed::NotUnderstood { .. }));
}

#[test]
fn other_formats_move() {
    let solo = |size: &str, place: &str, point: &str| {
        format!(
            "{{\"frame\": 1, \"captures\": [{{\"filename\": \"0.png\", \"dimension\": [{size}], \
            \"position\": [1, 2, 3], \
             \"matrix\": [1, 0, 0, 0, 1, 0, 0, 0, -1], \"annotations\": [{{\"@type\": \
             \"type.unity.com/unity.solo.BoundingBox2DAnnotation\", \"values\": [{{\"instanceId\": 1, \
             {place}}}]}}, \
             {{\"@type\": \"type.unity.com/unity.solo.KeypointAnnotation\", \"values\": [{{\"keypoints\": \
             [{{\"index\": 0, \"location\": [{point}], \"state\": 2}}]}}]}}]}}]}}"
        )
    };
    let before = solo("80, 60", "\"origin\": [8, 4], \"dimension\": [10, 6]", "7, 5");
    let after = solo("40, 30", "\"origin\": [4, 2], \"dimension\": [5, 3]", "3.5, 2.5");
    assert_eq!(moved(&before, "step0.frame_data.json", false, "40x30").0, after);
    assert!(refused(&before, "step0.frame_data.json", false, "60x60").contains("matrix"));

    let labelme = "{\"shapes\": [{\"label\": \"a\", \"points\": [[8, 4], [40.0, 30]], \"shape_type\": \
    \"rectangle\"}],\n\
                   \"imagePath\": \"0.png\", \"imageData\": \"aGk=\", \"imageHeight\": 60, \
                   \"imageWidth\": 80}";
    let after = labelme.replace("[[8, 4], [40.0, 30]]", "[[4, 2], [20.0, 15]]").replace("\"aGk=\"", "null");
    let after = after
        .replace("\"imageHeight\": 60", "\"imageHeight\": 30")
        .replace("\"imageWidth\": 80", "\"imageWidth\": 40");
    assert_eq!(moved(labelme, "0.json", true, "40x30").0, after);
}

#[test]
fn bop_moves_boxes_and_cameras() {
    use std::path::{Path, PathBuf};
    let images = [PathBuf::from("scene/rgb/000003.png")];
    let moved = |_| Ok(resize("40x30"));
    let follow = |path: &str, text: &str| {
        let path = Path::new(path);
        let apart = crate::labels::Apart::default();
        let file = crate::labels::LabelFile { path, images: &images, apart, owners: &[], moved: &moved };
        match crate::labels::follow(text.as_bytes(), &file).unwrap() {
            Followed::Moved { bytes, .. } => String::from_utf8(bytes).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    // f' = s f, c' = s (c + ½) − ½
    let camera = follow(
        "scene/scene_camera.json",
        "{\"3\": {\"cam_K\": [100.0, 0.0, 39.5, 0.0, 90.0, \
    29.5, 0, 0, 1]}}",
    );
    assert_eq!(camera, "{\"3\": {\"cam_K\": [50.0, 0.0, 19.5, 0.0, 45.0, 14.5, 0, 0, 1]}}");
    let info = follow(
        "scene/scene_gt_info.json",
        "{\"3\": [{\"bbox_obj\": [-4, 2, 8, 6], \"bbox_visib\": [-1, -1, -1, -1], \"px_count_all\": 40}]}",
    );
    assert_eq!(
        info,
        "{\"3\": [{\"bbox_obj\": [-2, 1, 4, 3], \"bbox_visib\": [-1, -1, -1, -1], \
    \"px_count_all\": 10}]}"
    );
}

#[test]
fn documents_and_lists_stay_and_bytes_are_refused() {
    stays("# 640 480\n", "README.md", false, "40x30");
    stays("cat\ndog\n", "classes.txt", false, "40x30");
    stays("two dogs and 3 cats\n", "0.txt", true, "40x30");
    assert!(refused("0.png 10 20 30 40\n", "list.txt", false, "40x30").contains("line 1"));
    assert_eq!(refused("\u{93}NUMPY\u{1}\0v", "0.npy", true, "40x30"), "it is no text");
    assert_eq!(refused("abc", "0.foo", true, "40x30"), "its format is not known");
    assert!(refused(&"[".repeat(100_000), "0.json", true, "40x30").contains("nested"));
}
