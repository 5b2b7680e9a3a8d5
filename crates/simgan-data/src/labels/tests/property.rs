use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{FROM, followed};
use crate::labels::{Followed, read, read_index};
use crate::{Annotation, Annotations, BoundingBox, Boxes, Fit, Orientation, Size, Transform};

/// A random object: its class and box, in quarters of pixels.
type Object = (u16, [u32; 4]);

fn objects() -> impl Strategy<Value = Vec<Object>> {
    let object = (0u16..3, 0u32..280, 0u32..200, 4u32..40, 4u32..40);
    let object = object.prop_map(|(class, x, y, w, h)| (class, [x, y, x + w, y + h]));
    proptest::collection::vec(object, 1..5)
}

/// Resizing, with and without a crop.
fn transform() -> impl Strategy<Value = Transform> {
    let size = (20usize..160, 20usize..160).prop_map(|(width, height)| Size { width, height });
    (size, any::<bool>()).prop_map(|(to, stretch)| {
        Transform::resize(FROM, to, if stretch { Fit::Stretch } else { Fit::Cover })
    })
}

fn read_all(text: &[u8], path: &str, is_beside: bool, size: Size) -> Annotations {
    if is_beside {
        return read(text, Path::new(path), size).unwrap();
    }
    let images = ["0.png", "1.png", "images/2.png"].map(PathBuf::from);
    let all = read_index(text, Path::new(path), &images, size).unwrap();
    all.into_iter().filter(|(image, _)| *image == 0).flat_map(|(_, annotations)| annotations).collect()
}

/// What is left of boxes after a crop.
fn clipped(boxes: &Boxes, to: Size) -> Vec<BoundingBox> {
    let clip = |[x, y]: [f32; 2]| [x.clamp(0.0, to.width as f32), y.clamp(0.0, to.height as f32)];
    let boxes = boxes.0.iter().map(|own| BoundingBox { min: clip(own.min), max: clip(own.max), ..*own });
    boxes.filter(|own| (own.max[0] - own.min[0]) * (own.max[1] - own.min[1]) > 1e-4).collect()
}

fn are_near(a: &Annotation, b: &Annotation, tolerance: f32) -> bool {
    let near =
        |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance);
    match (a, b) {
        (Annotation::Boxes(a), Annotation::Boxes(b)) => {
            let same = |(a, b): (&BoundingBox, &BoundingBox)| {
                a.class == b.class && near(&a.min, &b.min) && near(&a.max, &b.max)
            };
            a.0.len() == b.0.len() && a.0.iter().zip(&b.0).all(same)
        }
        (Annotation::Points(a), Annotation::Points(b)) => near(a.0.as_flattened(), b.0.as_flattened()),
        (Annotation::Direction(a), Annotation::Direction(b)) => near(&a.vector(), &b.vector()),
        (a, b) => a == b,
    }
}

/// What follows and is read is what is read and moved. Without `clips`, a format keeps what lies outside.
fn check(
    text: &str,
    path: &str,
    is_beside: bool,
    transform: Transform,
    clips: bool,
    tolerance: f32,
) -> Result<(), TestCaseError> {
    let before = read_all(text.as_bytes(), path, is_beside, FROM);
    let bytes = match followed(text.as_bytes(), path, is_beside, transform) {
        Followed::Unchanged => text.as_bytes().to_vec(),
        Followed::Moved { bytes, .. } => bytes,
        Followed::NotUnderstood { reason } => return Err(TestCaseError::fail(reason)),
    };
    let after = read_all(&bytes, path, is_beside, transform.to());
    for (name, annotation) in before {
        let mut expected = annotation.transformed(&transform).unwrap();
        if let (Annotation::Boxes(boxes), true) = (&mut expected, clips) {
            boxes.0 = clipped(boxes, transform.to());
            if boxes.0.is_empty() {
                continue;
            }
        }
        let is_out = |points: &[[f32; 2]]| {
            points.iter().any(|[x, y]| {
                !(0.01..transform.to().width as f32 - 0.01).contains(x)
                    || !(0.01..transform.to().height as f32 - 0.01).contains(y)
            })
        };
        if name == "keypoints" && expected.as_points().is_some_and(is_out)
            || name == "class" && !after.contains_key("class")
        {
            continue;
        }
        let found = after.get(&name);
        let is_near = found.is_some_and(|found| are_near(found, &expected, tolerance));
        prop_assert!(
            is_near,
            "{}: {found:?} instead of {expected:?}\n{}",
            name,
            String::from_utf8_lossy(&bytes)
        );
    }
    Ok(())
}

fn quarters(sides: [u32; 4]) -> [f64; 4] {
    sides.map(|side| f64::from(side) / 4.0)
}

fn coco(objects: &[Object]) -> String {
    let annotation = |(id, (class, sides)): (usize, &Object)| {
        let [left, top, right, bottom] = quarters(*sides);
        let (w, h) = (right - left, bottom - top);
        format!(
            "{{\"id\": {id}, \"image_id\": 4, \"category_id\": {class}, \"bbox\": [{left}, {top}, {w}, {h}], \
             \"segmentation\": [[{left}, {top}, {right}, {top}, {right}, {bottom}]], \
             \"keypoints\": [{left},{top},2, {right},{bottom},1], \"num_keypoints\": 2, \"area\": {}}}",
            w * h
        )
    };
    let annotations: Vec<_> = objects.iter().enumerate().map(annotation).collect();
    format!(
        "{{\"images\": [{{\"id\": 4, \"file_name\": \"0.png\", \"width\": 80, \"height\": 60}}],\n \
         \"annotations\": [{}],\n \"categories\": [{{\"id\": 0}}, {{\"id\": 1}}, {{\"id\": 2}}]}}",
        annotations.join(",\n")
    )
}

fn yolo(objects: &[Object], is_pose: bool) -> String {
    let line = |(class, sides): &Object| {
        let [left, top, right, bottom] = quarters(*sides);
        let (cx, cy) = ((left + right) / 160.0, (top + bottom) / 120.0);
        let pose = if is_pose { format!(" {cx} {cy} 2 {} {cy} 1", left / 80.0) } else { String::new() };
        format!("{class} {cx} {cy} {} {}{pose}\r\n", (right - left) / 80.0, (bottom - top) / 60.0)
    };
    objects.iter().map(line).collect()
}

fn table(objects: &[Object], header: &str, row: fn([f64; 4]) -> [f64; 4]) -> String {
    let line = |(class, sides): &Object| {
        let [a, b, c, d] = row(quarters(*sides));
        format!("0.png,{class},{a},{b},{c},{d}\n")
    };
    format!("file,class,{header}\n") + &objects.iter().map(line).collect::<String>()
}

fn voc(objects: &[Object]) -> String {
    let object = |(_, sides): &Object| {
        let [left, top, right, bottom] = quarters(*sides);
        format!(
            "  <object>\n    <name>a</name><bndbox><xmin>{:.2}</xmin><ymin>{:.2}</ymin><xmax>\
            {right:.2}</xmax>\
             <ymax>{bottom:.2}</ymax></bndbox>\n  </object>\n",
            left + 1.0,
            top + 1.0
        )
    };
    let objects: String = objects.iter().map(object).collect();
    format!("<annotation><size><width>80</width><height>60</height></size>\n{objects}</annotation>\n")
}

fn record(objects: &[Object]) -> String {
    let sides: Vec<_> = objects.iter().map(|(class, sides)| (quarters(*sides), class)).collect();
    let boxes: Vec<_> =
        sides.iter().map(|([l, t, r, b], class)| format!("[{l}, {t}, {r}, {b}, {class}]")).collect();
    let points: Vec<_> = sides.iter().map(|([l, t, ..], _)| format!("[{l}, {t}]")).collect();
    let strings: Vec<_> = sides.iter().map(|([l, t, ..], _)| format!("\"({l}, {t}, 8.5)\"")).collect();
    format!(
        "{{\"iris_2d\": [{}], \"joints_2d\": [{}], \"gaze\": [0.0, 0.6, -0.8], \"head_pose\": [0.1, \
        -0.2, 0.3],\n\
         \"annotations\": {{\"b\": {{\"boxes\": [{}]}}, \"c\": {{\"class\": 4}}, \"age\": {{\"scalars\": \
         [31]}},\n\
         \"d\": {{\"direction\": [0.6, 0.0, -0.8]}}}}}}",
        strings.join(", "),
        points.join(", "),
        boxes.join(", ")
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_follows_is_what_moved(objects in objects(), transform in transform()) {
        check(&coco(&objects), "x.json", false, transform, true, 2e-3)?;
        check(&yolo(&objects, false), "0.txt", true, transform, true, 2e-3)?;
        check(&yolo(&objects, true), "0.txt", true, transform, true, 2e-3)?;
        check(&table(&objects, "xmin,ymin,xmax,ymax", |sides| sides), "x.csv", false, transform, true, 2e-3)?;
        let corner = |[l, t, r, b]: [f64; 4]| [l, t, r - l, b - t];
        check(&table(&objects, "x,y,w,h", corner), "x.csv", false, transform, true, 2e-3)?;
        let centre = |[l, t, r, b]: [f64; 4]| [(l + r) / 2.0, (t + b) / 2.0, r - l, b - t];
        check(&table(&objects, "cx,cy,w,h", centre), "x.csv", false, transform, true, 2e-3)?;
        check(&table(&objects[..1], "a_x,a_y,b_x,b_y", |sides| sides), "x.csv", false, transform, false, 2e-3)?;
        check(&voc(&objects), "0.xml", true, transform, true, 2e-3)?;
        check(&record(&objects), "0.json", true, transform, false, 2e-3)?;
        let line = record(&objects).replace('\n', " ");
        let lines = format!("{{\"file_name\": \"0.png\", \"r\": 1, {}\n", &line[1..]);
        check(&lines, "metadata.jsonl", false, transform, false, 2e-3)?;
    }

    #[test]
    fn records_and_boxes_turn(objects in objects(), tag in 1u8..=8) {
        let transform = Transform::orient(FROM, Orientation::from_exif(tag).unwrap());
        check(&coco(&objects), "x.json", false, transform, true, 2e-3)?;
        check(&yolo(&objects, false), "0.txt", true, transform, true, 2e-3)?;
        check(&voc(&objects), "0.xml", true, transform, true, 2e-3)?;
        check(&record(&objects), "0.json", true, transform, false, 2e-3)?;
    }
}
