//! Packed data sets: the samples of their source, the same bytes however they were made, and honest about
//! damage.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;
use safetensors::SafeTensors;
use simgan_data::{
    Annotation, Annotations, BitDepth, BoundingBox, Boxes, Class, DataError, Direction, Image, ImageSpec,
    Loader, LoaderOptions, Mask, OnError, PackOptions, Packed, Pixels, Sample, Sampler, Source, Vector, Want,
    names, pack,
};

use common::damage::damage;

/// `n` images of 3×2, some with labels. Those in `bad` and all from `broken_from` on are unreadable.
struct Made {
    n: usize,
    labelled: bool,
    bad: Vec<usize>,
    broken_from: AtomicUsize,
}

impl Made {
    fn new(n: usize, labelled: bool) -> Self {
        Self { n, labelled, bad: Vec::new(), broken_from: AtomicUsize::new(usize::MAX) }
    }
}

impl Source for Made {
    fn len(&self) -> usize {
        self.n
    }

    fn spec(&self) -> ImageSpec {
        ImageSpec { channels: 3, height: 2, width: 3, depth: BitDepth::Eight }
    }

    fn sample(&self, i: usize, want: Want) -> Result<Sample, DataError> {
        if self.bad.contains(&i) || i >= self.broken_from.load(Ordering::Relaxed) {
            return Err(DataError::Image { path: format!("{i}.png").into(), reason: "bad".to_owned() });
        }
        let pixels = Pixels::U8((0..18).map(|k| (i * 7 + k * 11) as u8).collect());
        let sample = Sample::new(self.name(i)?, Image::new(3, 2, 3, pixels));
        let is_labelled = self.labelled && want == Want::Labels;
        let annotations = if is_labelled { annotations(i) } else { Annotations::new() };
        Ok(Sample { annotations, ..sample })
    }

    fn name(&self, i: usize) -> Result<String, DataError> {
        Ok(format!("s{}/ä{i}.png", i % 5))
    }
}

/// Eye labels in some samples; from 300 on also joints and annotations of every other kind, of varying
/// length.
fn annotations(i: usize) -> Annotations {
    let points = |n: usize| Annotation::from((0..n).map(|k| [k as f32, i as f32 + 0.5]).collect::<Vec<_>>());
    let mut all = Annotations::new();
    let mut add = |name: &'static str, when: bool, known: Annotation| {
        if when {
            all.insert(name.into(), known);
        }
    };
    add(names::GAZE, i % 3 != 1, Direction::from_pitch_yaw(i as f32 * 0.1, -0.3).into());
    add(names::HEAD_POSE, i.is_multiple_of(2), Vector::rotation([0.1, i as f32, 0.0]).into());
    for (name, n) in [(names::LID_MARGIN, 16), (names::CARUNCLE, 7), (names::IRIS, 32)] {
        add(name, i.is_multiple_of(4), points(n));
    }
    if i >= 300 {
        let object = BoundingBox { min: [0.0, 1.0], max: [i as f32, 2.0], class: i as u16 };
        add(names::JOINTS, i % 5 == 1, points(36));
        add("a \"name\" of/anything", i % 7 != 2, points(i % 4));
        add("things", i % 2 == 1, Boxes(vec![object; i % 3]).into());
        add("person", true, Class(i as u32).into());
        // One name may occur with two kinds.
        add("person", i.is_multiple_of(9), Vector::unknown(vec![i as f32; i % 2]).into());
        let mask = Mask::new("3x2".parse().unwrap(), vec![i as u8; 6]).unwrap();
        add("parts", i.is_multiple_of(10), mask.into());
    }
    all
}

fn pack_to(
    source: &dyn Source,
    output: &Path,
    on_error: OnError,
) -> Result<simgan_data::PackReport, DataError> {
    let options = PackOptions { source: "made".to_owned(), on_error, limit: None };
    pack(source, output, &options, &mut |_, _| {})
}

fn packed(source: &dyn Source) -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    pack_to(source, &path, OnError::Fail).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    (folder, bytes)
}

#[test]
fn a_packed_source_is_the_source() {
    for labelled in [true, false] {
        let source = Made::new(700, labelled);
        let (folder, bytes) = packed(&source);
        let packed = Packed::open(&folder.path().join("a.safetensors")).unwrap();
        assert_eq!((packed.len(), packed.spec(), packed.source()), (700, source.spec(), "made"));
        for i in 0..700 {
            for want in [Want::Image, Want::Labels] {
                assert_eq!(packed.sample(i, want).unwrap(), source.sample(i, want).unwrap());
            }
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        // The safetensors crate can read the file too.
        let tensors = SafeTensors::deserialize(&bytes).unwrap();
        assert_eq!(tensors.tensor("images").unwrap().shape(), [700, 3, 2, 3]);
        assert_eq!(tensors.names().len(), if labelled { 3 + 2 * 11 } else { 3 });
        if labelled {
            let shape = |name: &str| tensors.tensor(name).unwrap().shape().to_vec();
            assert_eq!(shape("gaze.direction"), [467, 3]);
            assert_eq!(shape("head_pose.rotation"), [350, 3]);
            assert_eq!(shape("iris.points"), [175, 32, 2]);
            assert_eq!(shape("joints.points"), [80, 36, 2]);
            assert_eq!(shape("things.boxes"), [199, 5], "of different lengths");
            assert_eq!((shape("person.class"), shape("person.class.ends")), (vec![356], vec![700]));
        }
    }
}

#[test]
fn threads_and_interruptions_do_not_change_the_bytes() {
    let (_whole, expected) = packed(&Made::new(700, true));
    for (threads, stops) in [(1, vec![1, 300, 699]), (3, vec![256, 257, 512])] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let source = Made::new(700, true);
        for stop in stops {
            source.broken_from.store(stop, Ordering::Relaxed);
            let error = pool.install(|| pack_to(&source, &path, OnError::Fail)).unwrap_err().to_string();
            assert!(error.contains(&format!("{stop}.png")) && !path.exists(), "{error}");
        }
        source.broken_from.store(usize::MAX, Ordering::Relaxed);
        let report = pool.install(|| pack_to(&source, &path, OnError::Fail)).unwrap();
        assert_eq!((report.n_packed, report.n_resumed), (700, 512), "whole chunks were kept");
        assert!(std::fs::read(&path).unwrap() == expected);
    }
}

#[test]
fn a_torn_write_is_cut_back() {
    let (_whole, expected) = packed(&Made::new(600, true));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let source = Made::new(600, true);
    source.broken_from.store(590, Ordering::Relaxed);
    assert!(pack_to(&source, &path, OnError::Fail).is_err());
    let partial = folder.path().join("a.safetensors.partial");
    for (column, n_lost) in [("annotation-0.ends", 5), ("names.values", 0), ("images", 700), ("indices", 3)] {
        let file = std::fs::OpenOptions::new().write(true).open(partial.join(column)).unwrap();
        file.set_len(file.metadata().unwrap().len() - n_lost).unwrap();
    }
    source.broken_from.store(usize::MAX, Ordering::Relaxed);
    let report = pack_to(&source, &path, OnError::Fail).unwrap();
    assert!(report.n_resumed > 400 && report.n_resumed < 512, "{report:?}");
    assert!(std::fs::read(&path).unwrap() == expected);
}

#[test]
fn unreadable_images_are_left_out_and_reported() {
    let mut source = Made::new(10, true);
    source.bad = vec![0, 4, 9];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let report = pack_to(&source, &path, OnError::Skip).unwrap();
    assert_eq!((report.n_packed, report.skipped.len()), (7, 3));
    assert!(report.skipped[1].contains("4.png"));
    let packed = Packed::open(&path).unwrap();
    let names: Vec<String> = (0..7).map(|i| packed.sample(i, Want::Image).unwrap().name).collect();
    assert_eq!(names[0], "s1/ä1.png");
    assert_eq!(names[6], "s3/ä8.png");
    source.bad = (0..10).collect();
    let error = pack_to(&source, &folder.path().join("b"), OnError::Skip).unwrap_err().to_string();
    assert!(error.contains("no image"), "{error}");
}

#[test]
fn other_work_in_the_same_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    let source = Made::new(5, true);
    source.broken_from.store(2, Ordering::Relaxed);
    assert!(pack_to(&source, &path, OnError::Fail).is_err());
    let other = PackOptions { source: "another".to_owned(), ..PackOptions::default() };
    let error = pack(&Made::new(5, true), &path, &other, &mut |_, _| {}).unwrap_err().to_string();
    assert!(error.contains("another job") && error.contains("a.partial"), "{error}");
    let held = std::fs::File::create(folder.path().join("a.partial/lock")).unwrap();
    held.lock().unwrap();
    let error = pack_to(&Made::new(5, true), &path, OnError::Fail).unwrap_err().to_string();
    assert!(error.contains("another process"), "{error}");
}

/// The pixels after packing images of one row.
fn repacked(pixels: &[Pixels]) -> Result<Vec<Pixels>, DataError> {
    let sample =
        |(i, pixels): (usize, &Pixels)| Sample::new(i.to_string(), Image::new(1, 1, 2, pixels.clone()));
    let source = simgan_data::MemorySource::new(pixels.iter().enumerate().map(sample).collect())?;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    pack_to(&source, &path, OnError::Fail)?;
    let packed = Packed::open(&path)?;
    assert_eq!(packed.spec(), source.spec());
    (0..packed.len()).map(|i| Ok(packed.sample(i, Want::Image)?.image.pixels().clone())).collect()
}

#[test]
fn every_depth_is_kept() {
    let eight = [vec![0, 255], vec![7, 9]].map(Pixels::U8);
    let sixteen = [vec![0, 65_535], vec![1102, 2399]].map(Pixels::U16);
    let float = [vec![1.5, f32::NAN], vec![f32::INFINITY, -0.0]].map(Pixels::F32);
    for pixels in [eight, sixteen, float] {
        assert_eq!(repacked(&pixels).unwrap(), pixels);
    }
}

#[test]
fn the_first_image_decides_the_depth() {
    let sixteen = [[0, 128], [129, 257], [65_406, 65_407], [65_535, 0]].map(|v| Pixels::U16(v.to_vec()));
    let eight = [[0, 0], [1, 1], [254, 255], [255, 0]].map(|v| Pixels::U8(v.to_vec()));
    let first = Pixels::U8(vec![3, 4]);
    let mixed: Vec<Pixels> = [first.clone()].into_iter().chain(sixteen).collect();
    assert_eq!(repacked(&mixed).unwrap(), [vec![first.clone()], eight.to_vec()].concat());
    let error = repacked(&[first, Pixels::F32(vec![0.0, 1.0])]).unwrap_err().to_string();
    assert!(error.starts_with("1: cannot be packed: it is float, the source's first image 8 bit"), "{error}");
}

#[test]
fn batches_are_those_of_the_source() {
    let (folder, _) = packed(&Made::new(50, true));
    let packed: Arc<dyn Source> = Arc::new(Packed::open(&folder.path().join("a.safetensors")).unwrap());
    let made: Arc<dyn Source> = Arc::new(Made::new(50, true));
    let [mut a, mut b] = [packed, made].map(|source| {
        let options = LoaderOptions { batch: 7, want: Want::Labels, ..LoaderOptions::default() };
        Loader::new(source, Sampler::new(50, 9), options).unwrap()
    });
    for _ in 0..20 {
        assert_eq!(a.next_batch().unwrap(), b.next_batch().unwrap());
    }
}

/// The samples from 300 on, which have annotations of every kind.
struct Late(Made);

impl Source for Late {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn spec(&self) -> ImageSpec {
        self.0.spec()
    }

    fn sample(&self, i: usize, want: Want) -> Result<Sample, DataError> {
        self.0.sample(300 + i, want)
    }

    fn name(&self, i: usize) -> Result<String, DataError> {
        self.0.name(300 + i)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damage_is_an_error_and_no_panic(seed: u64) {
        static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        let bytes = BYTES.get_or_init(|| packed(&Late(Made::new(9, true))).1);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.safetensors");
        // Pixels have no checksum, so only the header and the labels after the pixels can reveal damage.
        let (header, rest) = bytes.split_at(4096);
        let (blanks, data) = rest.split_at((1 << 16) - 4096);
        let damaged = [&damage(header, seed)[..], blanks, &damage(data, seed ^ 1)].concat();
        std::fs::write(&path, &damaged).unwrap();
        match Packed::open(&path) {
            Err(error) => prop_assert!(error.to_string().contains("a.safetensors")),
            Ok(packed) => (0..packed.len().min(20)).for_each(|i| drop(packed.sample(i, Want::Labels))),
        }
    }
}

#[test]
fn a_file_cut_short_is_refused() {
    let (folder, bytes) = packed(&Made::new(9, true));
    let path = folder.path().join("a.safetensors");
    assert!(Packed::is_at(&path));
    for length in [0, 7, 8, 100, 4096, 1 << 16, bytes.len() - 1] {
        std::fs::write(&path, &bytes[..length]).unwrap();
        assert!(Packed::open(&path).is_err() && !Packed::is_at(&path), "{length}");
    }
}

/// An older version left out annotations, so its unfinished work is done again.
#[test]
fn unfinished_work_of_an_older_version_is_done_again() {
    let (_whole, expected) = packed(&Made::new(400, true));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    let partial = folder.path().join("a.safetensors.partial");
    std::fs::create_dir(&partial).unwrap();
    let job = |n: usize| format!(r#"{{"source":"made","n_samples":{n},"shape":[3,2,3]}}"#);
    std::fs::write(partial.join("job.json"), job(400)).unwrap();
    for (column, n_bytes) in
        [("images", 4096 + 18 * 256), ("gaze", 12 * 256), ("indices", 8 * 256), ("names", 2000)]
    {
        std::fs::write(partial.join(column), vec![7; n_bytes]).unwrap();
    }
    let report = pack_to(&Made::new(400, true), &path, OnError::Fail).unwrap();
    assert_eq!((report.n_packed, report.n_resumed), (400, 0));
    assert!(std::fs::read(&path).unwrap() == expected);
    std::fs::create_dir(&partial).unwrap();
    std::fs::write(partial.join("job.json"), job(399)).unwrap();
    assert!(pack_to(&Made::new(400, true), &path, OnError::Fail).is_err(), "another job is not removed");
}
