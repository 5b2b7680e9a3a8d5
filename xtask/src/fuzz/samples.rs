//! Small valid files to damage.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use flate2::Compression;
use flate2::write::GzEncoder;
use simgan_data::{
    Annotations, BoundingBox, Boxes, Class, Direction, Image, ImageFile, ImageFormat, MemorySource,
    PackOptions, Pixels, Sample as Labelled, pack,
};

use super::targets::Target;

/// A valid file.
pub(super) struct Sample {
    /// Its name, whose extension matters to some readers.
    pub(super) name: PathBuf,
    pub(super) bytes: Vec<u8>,
}

impl Sample {
    fn new(name: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }

    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        Ok(Self::new(path.file_name().unwrap_or(path.as_os_str()), bytes))
    }
}

/// The samples of one reader.
pub(super) fn of(target: Target) -> anyhow::Result<Vec<Sample>> {
    match target {
        Target::Mat => Ok(GOLDEN_MAT.iter().map(|(name, bytes)| Sample::new(*name, *bytes)).collect()),
        Target::Tar => Ok(vec![Sample::new("archive.tar", tar()?)]),
        Target::Image => images(),
        Target::Label => Ok(LABELS.iter().map(|(name, text)| Sample::new(*name, *text)).collect()),
        Target::Index => Ok(INDICES.iter().map(|(name, text)| Sample::new(*name, *text)).collect()),
        Target::Set => {
            let idx = idx();
            Ok(vec![
                Sample::new("set.safetensors", packed()?),
                Sample::new("set.h5", GOLDEN_HDF5),
                Sample::new("set-idx3-ubyte.gz", gzip(&idx)?),
                Sample::new("set-idx3-ubyte", idx),
            ])
        }
    }
}

const GOLDEN_MAT: [(&str, &[u8]); 2] = [
    ("joints.mat", include_bytes!("../../../crates/simgan-data/tests/golden/nyu/joint_data.mat")),
    ("other.mat", include_bytes!("../../../crates/simgan-data/tests/golden/nyu/other.mat")),
];
const GOLDEN_HDF5: &[u8] = include_bytes!("../../../crates/simgan-data/tests/golden/hdf5/gaze.h5");

fn tar() -> anyhow::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(3);
    builder.append_data(&mut header, "Eyes/Data/day01.mat", &b"abc"[..])?;
    builder.append_data(&mut header, format!("Eyes/{}/b", "x".repeat(120)), &b"def"[..])?;
    Ok(builder.into_inner()?)
}

/// An image in every format, in gray and in colour, with each depth that the format holds.
fn images() -> anyhow::Result<Vec<Sample>> {
    let mut files = Vec::new();
    for format in ImageFormat::ALL {
        for channels in [1, 3] {
            let values = (0..channels * 7 * 13).map(|i| (i * 37 % 251) as u8);
            let depths = [
                ("8", Pixels::U8(values.clone().collect())),
                ("16", Pixels::U16(values.clone().map(|value| u16::from(value) * 257).collect())),
                ("float", Pixels::F32(values.map(f32::from).collect())),
            ];
            for (depth, pixels) in depths {
                let name = PathBuf::from(format!("{}-{channels}-{depth}", format.name()));
                let image = ImageFile::new(Image::new(channels, 7, 13, pixels), format);
                // Not every format holds every depth.
                files.extend(image.encode(&name).ok().map(|bytes| Sample::new(name, bytes)));
            }
        }
    }
    Ok(files)
}

fn packed() -> anyhow::Result<Vec<u8>> {
    let sides = BoundingBox { min: [0.5, 1.0], max: [7.25, 6.0], class: 2 };
    let gaze = Direction::from_vector([0.1, 0.2, -0.9]).context("a direction")?;
    let annotations = Annotations::from([
        ("gaze".into(), gaze.into()),
        ("person".into(), Class(3).into()),
        ("iris".into(), vec![[1.5, 2.25], [3.0, 4.0]].into()),
        ("things".into(), Boxes(vec![sides]).into()),
    ]);
    let sample = |idx: u8| {
        let image = Image::new(1, 7, 13, Pixels::U8((0..91).map(|i| i + idx).collect()));
        Labelled { annotations: annotations.clone(), ..Labelled::new(idx.to_string(), image) }
    };
    let source = Arc::new(MemorySource::new((0..3).map(sample).collect())?);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("set.safetensors");
    pack(&*source, &path, &PackOptions::default(), &mut |_, _| {})?;
    Ok(std::fs::read(path)?)
}

/// Images in MNIST's format.
fn idx() -> Vec<u8> {
    let header = [0, 0, 8, 3, 0, 0, 0, 3, 0, 0, 0, 7, 0, 0, 0, 13];
    header.into_iter().chain((0..3 * 7 * 13).map(|i| (i * 37 % 251) as u8)).collect()
}

fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// One file of each format that stands beside an image of 64 × 48 pixels.
const LABELS: [(&str, &str); 9] = [
    ("0.json", r#"{"gaze": [0.1, -0.2, -0.97], "annotations": {"cup": {"boxes": [[4, 6, 20.5, 30, 1]]}}}"#),
    (
        "1.json",
        r#"{"interior_margin_2d": ["(37.5, 29.25, 8.8595)"], "iris_2d": ["(38.0, 33.5, 8.8)"],
            "eye_details": {"look_vec": "(0.0, 0.6, -0.8, 0.0000)"}}"#,
    ),
    ("0.txt", "0 0.5 0.5 0.25 0.5\n3 0.25 0.25 0.1 0.2\n"),
    ("1.txt", "0 0.1 0.1 0.9 0.1 0.9 0.9 0.1 0.8\r\n"),
    ("2.txt", "Car 0.00 0 -1.58 8.7 17.3 61.4 20.1 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n"),
    (
        "0.xml",
        "<annotation><size><width>64</width><height>48</height><depth>3</depth></size><object><name>cup</name>\
         <bndbox><xmin>5</xmin><ymin>7</ymin><xmax>20</xmax><ymax>30</ymax></bndbox></object></annotation>",
    ),
    (
        "2.json",
        r#"{"frame": 0, "captures": [{"@type": "type.unity.com/unity.solo.RGBCamera", "filename": "2.png",
            "dimension": [64.0, 48.0], "annotations": [
            {"@type": "type.unity.com/unity.solo.BoundingBox2DAnnotation",
             "values": [{"labelName": "cup", "origin": [8.0, 6.0], "dimension": [4.0, 10.0]}]}]}]}"#,
    ),
    ("0.csv", "x,y\n4.5,7.25\n9,8\n"),
    (
        "3.json",
        r#"{"imagePath": "3.png", "imageWidth": 64, "imageHeight": 48, "imageData": null,
            "shapes": [{"label": "cup", "points": [[4.0, 5.5], [20, 30]], "shape_type": "rectangle"}]}"#,
    ),
];

/// One file of each format that tells of several images, `images/0.png` to `images/2.png`.
const INDICES: [(&str, &str); 5] = [
    (
        "annotations.json",
        r#"{"images": [{"id": 1, "file_name": "images/0.png", "width": 64, "height": 48},
                       {"id": 2, "file_name": "images/1.png", "width": 64, "height": 48}],
            "annotations": [
              {"id": 1, "image_id": 1, "category_id": 1, "bbox": [4, 6, 7.5, 5], "area": 37.5, "iscrowd": 0,
               "segmentation": [[4, 6, 11.5, 6, 11.5, 11]], "keypoints": [5, 7, 2, 0, 0, 0], "num_keypoints": 1},
              {"id": 2, "image_id": 2, "category_id": 1, "bbox": [1, 2, 3, 4], "iscrowd": 1,
               "segmentation": {"size": [48, 64], "counts": [100, 10, 2962]}}],
            "categories": [{"id": 1, "name": "cup", "keypoints": ["left", "right"]}]}"#,
    ),
    ("labels.json", r#"{"0.png": {"gaze": [0.1, -0.2, -0.97]}, "1.png": {"class": 3}}"#),
    ("labels.csv", "file,x1,y1,x2,y2,class\nimages/0.png,1.5,2,30,40,cup\nimages/1.png,4,5,6,7,can\n"),
    ("gaze.csv", "\u{feff}image;pitch;yaw\r\n0.png;0,1;-0,25\r\n2.png;0,2;0,5\r\n"),
    (
        "metadata.jsonl",
        "{\"file_name\": \"images/0.png\", \"class\": 1}\n{\"file_name\": \"images/2.png\"}\n",
    ),
];
