use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::{Annotations, AnnotationsExt, Direction, Fitted, Image, Pixels, Target, names};

fn source(width: usize, names: &[&str]) -> Arc<dyn Source> {
    let image = || Image::new(1, 1, width, Pixels::U8(vec![0; width]));
    Arc::new(MemorySource::new(names.iter().map(|name| Sample::new(*name, image())).collect()).unwrap())
}

#[test]
fn concatenated_sources_are_indexed_through() {
    let all = Concat::new(vec![source(2, &["a", "b"]), source(2, &["c"]), source(2, &["d", "e"])]).unwrap();
    let names: Vec<String> = (0..all.len()).map(|i| all.sample(i, Want::Image).unwrap().name).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
    assert_eq!((0..5).map(|i| all.name(i).unwrap()).collect::<Vec<_>>(), names);
}

#[test]
#[should_panic(expected = "sample 2 of 2")]
fn an_index_beyond_the_end_panics() {
    let _ = Concat::new(vec![source(2, &["a", "b"])]).unwrap().sample(2, Want::Image);
}

#[test]
fn different_sizes_are_refused() {
    let error = Concat::new(vec![source(2, &["a"]), source(3, &["b"])]).err().unwrap().to_string();
    assert_eq!(error, "images differ: source 1 is 2×1, but source 2 is 3×1");
    assert!(Concat::new(Vec::new()).is_err());
    assert!(MemorySource::new(Vec::new()).is_err());
}

/// Counts requests for images alone, for labels and for names.
struct Counting {
    source: MemorySource,
    n_asked: [AtomicUsize; 3],
}

impl Counting {
    fn asked(&self) -> [usize; 3] {
        [0, 1, 2].map(|kind| self.n_asked[kind].load(Ordering::SeqCst))
    }

    fn count(&self, kind: usize) {
        self.n_asked[kind].fetch_add(1, Ordering::SeqCst);
    }
}

impl Source for Counting {
    fn len(&self) -> usize {
        self.source.len()
    }

    fn spec(&self) -> ImageSpec {
        self.source.spec()
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        self.count(usize::from(want == Want::Labels));
        self.source.sample(index, want)
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        self.count(2);
        self.source.name(index)
    }
}

fn counting() -> Arc<Counting> {
    let gaze = Direction::from_pitch_yaw(0.0, 0.0);
    let sample = |level: u8| Sample {
        annotations: Annotations::from([(names::GAZE.into(), gaze.into())]),
        ..Sample::new(level.to_string(), Image::new(1, 2, 3, Pixels::U8(vec![level; 6])))
    };
    let source = MemorySource::new((0..4).map(sample).collect()).unwrap();
    Arc::new(Counting { source, n_asked: Default::default() })
}

#[test]
fn what_is_wanted_passes_through_every_adapter() {
    let source = counting();
    let all = Arc::new(Concat::new(vec![Arc::clone(&source) as Arc<dyn Source>]).unwrap());
    let fitted = Arc::new(Fitted::new(all, Target::default()));
    let adapted = Remembering::new(fitted, usize::MAX);
    let expected = source.source.sample(3, Want::Labels).unwrap();
    assert!(expected.annotations.gaze().is_some());
    let bare = Sample::new("3", expected.image.clone());
    assert_eq!(adapted.sample(3, Want::Image).unwrap(), bare);
    assert_eq!((adapted.name(3).unwrap().as_str(), source.asked()), ("3", [1, 0, 1]));
    assert_eq!(adapted.sample(3, Want::Labels).unwrap(), expected);
    assert_eq!(source.asked(), [1, 1, 1]);
}

#[test]
fn what_has_room_is_made_once() {
    let source = counting();
    let remembering = Remembering::new(Arc::clone(&source) as Arc<dyn Source>, 13);
    for _ in 0..3 {
        for index in 0..4 {
            let expected = source.source.sample(index, Want::Image).unwrap();
            assert_eq!(remembering.sample(index, Want::Image).unwrap(), expected);
        }
    }
    assert_eq!(source.asked(), [2 + 2 * 3, 0, 0]);
    assert!(remembering.sample(0, Want::Labels).unwrap().annotations.gaze().is_some());
    assert_eq!(source.asked(), [2 + 2 * 3, 1, 0]);
}
