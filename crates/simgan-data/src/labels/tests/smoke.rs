use std::path::{Path, PathBuf};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{FROM, followed, resize};
use crate::labels::{read, read_index};

const N_MUTATIONS: usize = 20_000;

/// A good file of each format.
const FILES: [(&str, bool, &str); 11] = [
    (
        "a.json",
        false,
        "{\"images\":[{\"id\":1,\"file_name\":\"0.png\",\"width\":80,\"height\":60}],\"annotations\":[\
      {\"image_id\":1,\"bbox\":[1,2,30,40],\"keypoints\":[1,2,2],\"segmentation\":[[1,2,3,4,50,6]],\
      \"area\":9},\
      {\"image_id\":1,\"segmentation\":{\"size\":[60,80],\"counts\":[4000,800]}},\
      {\"image_id\":1,\"segmentation\":{\"size\":[60,80],\"counts\":\"P[2P[2\"}}],\
      \"categories\":[{\"id\":1}]}",
    ),
    (
        "0.json",
        true,
        "{\"iris_2d\":[\"(1.5, 2, 3)\",[4,5]],\"gaze\":[0.1,-0.2],\"eye_details\":{\"look_vec\":\"(0, \
        0.6, -0.8, 0)\"},\
      \"annotations\":{\"m\":{\"boxes\":[[1,2,3,4,5]]},\"x\":{\"points\":[[1,2]]}},\"width\":80,\
      \"height\":60,\"b\":NaN}",
    ),
    (
        "labels.json",
        false,
        "{\"0.png\":{\"gaze\":[0,0.6,-0.8]},\"1.png\":{\"joints_2d\":[[1,2]],\"class\":3}}",
    ),
    (
        "metadata.jsonl",
        false,
        "{\"file_name\":\"0.png\",\"joints_2d\":[[1,2]]}\n{\"file_name\":\"1.png\",\"text\":\"a 1\"}\n",
    ),
    ("x.csv", false, "file;class;xmin;ymin;xmax;ymax\r\n0.png;a;1,5;2;30;40\r\n\"1.png\";b;3;4;5;6\r\n"),
    ("y.csv", false, "image,width,height,x,y,w,h,gaze_x,gaze_y,gaze_z\n0.png,80,60,1,2,3,4,0,0,-1\n"),
    ("0.txt", true, "0 0.5 0.5 0.1 0.2 0.5 0.5 2\n1 0.25 0.75 0.2 0.1 0.25 0.75 0\n"),
    ("0.txt", true, "Car 0.00 0 -1.58 5.5 10 40 50 1.65 1.67 3.64 -0.65 1.71 46.7 -1.59\n"),
    (
        "0.xml",
        true,
        "<annotation><size><width>80</width><height>60</height></size><object><name>a</name><bndbox>\
      <xmin>2</xmin><ymin>3</ymin><xmax>40</xmax><ymax>50</ymax></bndbox></object><!-- é --></annotation>",
    ),
    (
        "step0.json",
        false,
        "{\"frame\":0,\"captures\":[{\"filename\":\"0.png\",\"dimension\":[80,60],\"annotations\":[\
      {\"@type\":\"type.unity.com/unity.solo.BoundingBox2DAnnotation\",\"values\":[{\"origin\":[1,2],\
      \"dimension\":[3,4]}]},\
      {\"@type\":\"type.unity.com/unity.solo.KeypointAnnotation\",\
      \"values\":[{\"keypoints\":[{\"location\":[1,2],\"state\":2}]}]}]}]}",
    ),
    (
        "0.json",
        true,
        "{\"imagePath\":\"0.png\",\"imageData\":\"aGVsbG8=\",\"imageWidth\":80,\"imageHeight\":60,\
      \"shapes\":[{\"shape_type\":\"polygon\",\"points\":[[1,2],[30,4],[5,60]]}]}",
    ),
];

/// Bytes that mean something to some format.
const TOKENS: [&[u8]; 16] = [
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b",",
    b"-",
    b"e9",
    b"1e308",
    b"\n",
    b"<",
    b">",
    b"\\",
    b"NaN",
    b"\xFF\xFE",
    b"\xC3",
];

fn mutate(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(0..12)).min(bytes.len());
        match rng.random_range(0..5) {
            0 if at < end => bytes[at] = rng.random(),
            1 => drop(bytes.drain(at..end)),
            2 => drop(bytes.splice(at..at, TOKENS[rng.random_range(0..TOKENS.len())].iter().copied())),
            3 => {
                let part = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, part));
            }
            _ => bytes.truncate(at.max(1)),
        }
    }
}

#[test]
fn no_damage_panics() {
    let images = ["0.png", "1.png"].map(PathBuf::from);
    for (index, (path, is_beside, text)) in FILES.into_iter().enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(index as u64);
        for _ in 0..N_MUTATIONS {
            let mut bytes = text.as_bytes().to_vec();
            mutate(&mut bytes, &mut rng);
            followed(&bytes, path, is_beside, resize("40x40"));
            let _ = read(&bytes, Path::new(path), FROM);
            let _ = read_index(&bytes, Path::new(path), &images, FROM);
        }
    }
}

#[test]
fn the_undamaged_files_are_understood() {
    for (path, is_beside, text) in FILES {
        let followed = followed(text.as_bytes(), path, is_beside, resize("40x30"));
        let is_known = !matches!(followed, crate::labels::Followed::NotUnderstood { .. });
        assert!(is_known, "{path}: {followed:?}");
    }
}
