//! Packed files of version 1 can still be read.

use simgan_data::{
    Annotation, Annotations, Direction, Image, Packed, Pixels, Sample, Source, Vector, Want, names,
};

/// A file of two images as version 1 wrote it; the second has no label.
fn format1() -> Vec<u8> {
    let floats = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let with_nan = |values: &[f32]| floats(&[values, &vec![f32::NAN; values.len()]].concat());
    let landmarks: Vec<f32> = (0..110).map(|i| i as f32 / 4.0).collect();
    let tensors = [
        ("images", "U8", vec![2, 1, 1, 2], vec![1, 2, 3, 4]),
        ("gaze", "F32", vec![2, 3], with_nan(&[0.0, -0.6, -0.8])),
        ("head_pose", "F32", vec![2, 3], with_nan(&[0.25, 0.5, 0.75])),
        ("landmarks", "F32", vec![2, 55, 2], with_nan(&landmarks)),
        ("name_ends", "U64", vec![2], [1u64, 3].map(u64::to_le_bytes).concat()),
        ("names", "U8", vec![3], b"abc".to_vec()),
    ];
    let mut header = serde_json::json!({
        "__metadata__": {"format": "simgan packed data set", "version": "1", "source": "old"},
    });
    let mut data = Vec::new();
    for (name, dtype, shape, bytes) in tensors {
        let end = data.len() + bytes.len();
        header[name] = serde_json::json!({"dtype": dtype, "shape": shape, "data_offsets": [data.len(), end]});
        data.extend(bytes);
    }
    let mut file = 4088u64.to_le_bytes().to_vec();
    file.extend(header.to_string().bytes());
    file.resize(4096, b' ');
    file.extend(data);
    file
}

#[test]
fn files_of_version_1_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.safetensors");
    std::fs::write(&path, format1()).unwrap();
    let packed = Packed::open(&path).unwrap();
    assert_eq!((packed.len(), packed.source()), (2, "old"));
    let points = |range: std::ops::Range<usize>| {
        Annotation::from(range.map(|i| [2, 3].map(|k| (2 * i + k - 2) as f32 / 4.0)).collect::<Vec<_>>())
    };
    let annotations = Annotations::from([
        (names::GAZE.into(), Direction::from_vector([0.0, -0.6, -0.8]).unwrap().into()),
        (names::HEAD_POSE.into(), Vector::rotation([0.25, 0.5, 0.75]).into()),
        (names::LID_MARGIN.into(), points(0..16)),
        (names::CARUNCLE.into(), points(16..23)),
        (names::IRIS.into(), points(23..55)),
    ]);
    let sample = |name: &str, pixels| Sample::new(name, Image::new(1, 1, 2, Pixels::U8(pixels)));
    let first = Sample { annotations, ..sample("a", vec![1, 2]) };
    assert_eq!(packed.sample(0, Want::Labels).unwrap(), first);
    assert_eq!(packed.sample(0, Want::Image).unwrap(), sample("a", vec![1, 2]));
    assert_eq!(packed.sample(1, Want::Labels).unwrap(), sample("bc", vec![3, 4]));
    assert_eq!((0..2).map(|i| packed.name(i).unwrap()).collect::<Vec<_>>(), ["a", "bc"]);
}
