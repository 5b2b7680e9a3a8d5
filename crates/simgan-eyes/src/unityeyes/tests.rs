use std::path::PathBuf;

use rayon::prelude::*;
use serde_json::Value;

use super::lids::Lids;
use super::mesh::Mesh;
use super::reading::{self, FILES};
use super::tables::numbers;
use super::{Subject, scene};
use crate::landmarks::Landmarks;
use crate::math::{Rotation, Vec3, vec3};
use crate::random::Stream;
use crate::render::Camera;

/// Returns the folder of third-party test data, if there is one.
fn test_data() -> Option<PathBuf> {
    let folder = std::env::var_os("SIMGAN_TEST_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: SIMGAN_TEST_DATA is not set");
    }
    folder
}

fn tuple(value: &Value) -> Vec<f32> {
    value
        .as_str()
        .unwrap()
        .trim_matches(['(', ')'])
        .split(", ")
        .map(|number| number.parse().unwrap())
        .collect()
}

/// Computes the rotation from head to view from the camera's Euler angles in Unity's world.
fn rotation(euler: &[f32]) -> Rotation {
    let turn = Rotation::about_y(euler[1].to_radians()) * Rotation::about_x(euler[0].to_radians());
    let ours = |v: Vec3| vec3(-v.x, v.y, v.z);
    let axis = |v: Vec3| ours(turn.apply(v));
    Rotation::from_rows([axis(vec3(1.0, 0.0, 0.0)), axis(vec3(0.0, 1.0, 0.0)), -axis(vec3(0.0, 0.0, 1.0))])
}

/// Encodes a 3DS file of one triangle.
fn triangle_3ds() -> Vec<u8> {
    fn chunk(id: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = id.to_le_bytes().to_vec();
        bytes.extend((body.len() as u32 + 6).to_le_bytes());
        bytes.extend(body);
        bytes
    }
    let list = |values: &[f32]| {
        let mut bytes = 3_u16.to_le_bytes().to_vec();
        bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        bytes
    };
    let vertices = chunk(0x4110, &list(&[0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.5]));
    let uvs = chunk(0x4140, &list(&[0.0, 0.0, 1.0, 0.0, 0.0, 1.0]));
    let faces = chunk(0x4120, &[1, 0, 0, 0, 1, 0, 2, 0, 7, 0]);
    let mesh = chunk(0x4100, &[vertices, faces, uvs].concat());
    let object = chunk(0x4000, &[b"eye\0".to_vec(), mesh].concat());
    chunk(0x4D4D, &chunk(0x3D3D, &object))
}

#[test]
fn a_3ds_file_is_read() {
    let mesh = Mesh::parse(&triangle_3ds()).unwrap();
    assert_eq!((mesh.vertices[2], mesh.uvs[1], mesh.faces[0]), ([0.0, 1.0, 0.5], [1.0, 0.0], [0, 1, 2]));
}

/// Files with bytes changed or cut off give an error or a mesh whose faces are in range, never a panic.
#[test]
fn damaged_3ds_files_never_panic() {
    let good = triangle_3ds();
    let mut rng = Stream::new(5, "mutations", 0);
    for _ in 0..100_000 {
        let mut bytes = good.clone();
        for _ in 0..=rng.below(3) {
            let at = rng.below(bytes.len() as u32) as usize;
            bytes[at] = rng.bits() as u8;
        }
        bytes.truncate(bytes.len() - rng.below(4) as usize * rng.below(40) as usize % bytes.len());
        if let Ok(mesh) = Mesh::parse(&bytes) {
            assert!(mesh.faces.iter().flatten().all(|corner| usize::from(*corner) < mesh.vertices.len()));
        }
    }
    for length in 0..good.len() {
        assert!(Mesh::parse(&good[..length]).is_err(), "{length} bytes");
    }
}

/// The real files with bytes changed, cut off or doubled give an error that names the file, or a valid face.
/// `SIMGAN_TEST_MUTATIONS=100000` tries that many.
#[test]
fn damaged_geometry_never_panics() {
    let Some(data) = test_data() else { return };
    let n_mutations = std::env::var("SIMGAN_TEST_MUTATIONS").map_or(300, |text| text.parse().unwrap());
    let read = |path: &str| std::fs::read(data.join("unityeyes2/Assets").join(path)).unwrap();
    let files: Vec<(&str, Vec<u8>)> = FILES.iter().map(|path| (*path, read(path))).collect();
    let accepted = (0..n_mutations)
        .into_par_iter()
        .filter(|idx| {
            let mut rng = Stream::new(6, "mutations", *idx);
            let damaged = files[rng.below(files.len() as u32) as usize].0;
            let of = |path: &str| files.iter().find(|file| file.0 == path).unwrap().1.clone();
            let mut bytes = of(damaged);
            mutate(&mut bytes, &mut rng);
            let geometry =
                reading::geometry(|path| Ok(if path == damaged { bytes.clone() } else { of(path) }));
            match geometry {
                Ok(geometry) => {
                    let control = geometry.control(&geometry.deviations);
                    let lids = Lids::new(control, vec3(0.1, 0.2, 1.0).normalized(), 3.0);
                    assert_eq!(geometry.skin(&lids.points).len(), 872);
                    true
                }
                Err(damage) => {
                    assert!(damage.path == damaged && !damage.reason.is_empty());
                    false
                }
            }
        })
        .count();
    println!("{accepted} of {n_mutations} damaged sets are faces");
    assert!(accepted > 0 && accepted < n_mutations as usize);
}

fn mutate(bytes: &mut Vec<u8>, rng: &mut Stream) {
    let place = |rng: &mut Stream, length: usize| rng.below(length.max(1) as u32) as usize;
    for _ in 0..=rng.below(3) {
        let at = place(rng, bytes.len());
        match rng.below(4) {
            0 => bytes[at] = rng.bits() as u8,
            1 => bytes[at] = b"0123456789.-eE,\n"[place(rng, 16)],
            2 => bytes.truncate(at.max(1)),
            _ => {
                let end = (at + place(rng, 40)).min(bytes.len());
                bytes.extend_from_within(at..end);
            }
        }
    }
}

#[test]
fn number_tables_are_checked() {
    assert_eq!(numbers::<f32>("1,2.5\n-3e-2 4\n", 4).unwrap(), [1.0, 2.5, -0.03, 4.0]);
    for (text, expected) in [
        ("1 2", "holds 2 numbers"),
        ("1 2 3 4", "more than 3"),
        ("1 x 3", "\"x\""),
        ("1 NaN 3", "not finite"),
    ] {
        let error = numbers::<f32>(text, 3).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

/// All landmarks of a record that UnityEyes wrote follow from its parameters.
#[test]
fn landmarks_equal_unityeyes() {
    let Some(data) = test_data() else { return };
    let assets = super::test_assets().unwrap();
    let record: Value =
        serde_json::from_str(&std::fs::read_to_string(data.join("unityeyes/sample.json")).unwrap()).unwrap();
    let number = |value: &Value| value.as_str().unwrap().parse::<f32>().unwrap();
    let coefficients = record["eye_region_details"]["pca_shape_coeffs"].as_array().unwrap();
    let subject = Subject {
        coefficients: coefficients.iter().map(number).collect(),
        skin: 1,
        iris: 1,
        iris_size: number(&record["eye_details"]["iris_size"]),
        pupil_size: number(&record["eye_details"]["pupil_size"]),
        eyeball: 0.66,
        iris_brightness: 1.0,
        lash_opacity: 0.5,
        lid_follow: 1.0,
        lid_play_deg: 0.0,
        lids_closed: 0.0,
    };
    let rotation = rotation(&tuple(&record["head_pose"]));
    let look = tuple(&record["eye_details"]["look_vec"]);
    let gaze = rotation.transposed().apply(vec3(look[0], look[1], -look[2])).normalized();
    let scene = scene(&assets, &subject, gaze, 0, 7.5);
    let camera =
        Camera { rotation, center: [0.0, 0.0], px_per_mm: 7.5, width: 800, height: 600, distance_mm: 100.0 };
    let marks = Landmarks::new(&scene, &camera);
    let margin: Vec<[f32; 3]> = marks.margin().copied().collect();
    for (field, ours) in
        [("interior_margin_2d", &margin), ("caruncle_2d", &marks.caruncle), ("iris_2d", &marks.iris)]
    {
        let theirs = record[field].as_array().unwrap();
        assert_eq!(theirs.len(), ours.len());
        for (their, [x, y, depth]) in theirs.iter().map(tuple).zip(ours) {
            let off =
                (their[0] - x).abs().max((600.0 - their[1] - y).abs()).max((their[2] - depth / 10.0).abs());
            assert!(off < 0.01, "{field}: ({x}, {}, {}) is off by {off}", 600.0 - y, depth / 10.0);
        }
    }
}
