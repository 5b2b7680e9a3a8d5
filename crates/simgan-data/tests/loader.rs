//! Batches: independent of the number of threads, exact after a restart, and honest about unreadable images.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::prelude::*;
use simgan_data::{
    Batch, BitDepth, DataError, Image, ImageSpec, Loader, LoaderOptions, OnError, Pixels, Sample, Sampler,
    Share, Source, Want,
};

/// `n` images of 2×3 whose pixels hold their index; those in `bad` are unreadable, the one at `odd` is 1×1.
#[derive(Default)]
struct Numbers {
    n: usize,
    bad: Vec<usize>,
    odd: Option<usize>,
    slow: bool,
    n_read: AtomicUsize,
}

impl Source for Numbers {
    fn len(&self) -> usize {
        self.n
    }

    fn spec(&self) -> ImageSpec {
        ImageSpec { channels: 1, height: 2, width: 3, depth: BitDepth::Eight }
    }

    fn sample(&self, index: usize, _: Want) -> Result<Sample, DataError> {
        self.n_read.fetch_add(1, Ordering::Relaxed);
        if self.slow {
            // Makes later batches finish before earlier ones.
            std::thread::sleep(Duration::from_micros(300 * (7 * index as u64 % 5)));
        }
        if self.bad.contains(&index) {
            return Err(DataError::Image { path: format!("{index}.png").into(), reason: "bad".to_owned() });
        }
        let (height, width) = if self.odd == Some(index) { (1, 1) } else { (2, 3) };
        let image = Image::new(1, height, width, Pixels::U8(vec![index as u8; height * width]));
        Ok(Sample::new(self.name(index)?, image))
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        Ok(format!("{index}.png"))
    }
}

fn loader(source: Numbers, batch: usize, workers: usize, on_error: OnError) -> Loader {
    let sampler = Sampler::new(source.n, 3);
    Loader::new(
        Arc::new(source),
        sampler,
        LoaderOptions { batch, workers, queue: 2, on_error, ..LoaderOptions::default() },
    )
    .unwrap()
}

fn names(loader: &mut Loader, n_batches: usize) -> Vec<Vec<String>> {
    (0..n_batches).map(|_| loader.next_batch().unwrap().names).collect()
}

#[test]
fn batches_hold_what_the_sampler_says() {
    let mut loader = loader(Numbers { n: 5, ..Numbers::default() }, 3, 2, OnError::Fail);
    let mut sampler = Sampler::new(5, 3);
    for _ in 0..10 {
        let batch = loader.next_batch().unwrap();
        assert_eq!(batch.indices, sampler.next_batch(3));
        assert_eq!(loader.state(), sampler.state());
        assert_eq!((batch.shape, batch.images.len(), batch.annotations.len()), ([3, 1, 2, 3], 18, 3));
        for (i, index) in batch.indices.iter().enumerate() {
            assert_eq!(batch.names[i], format!("{index}.png"));
            assert!(batch.images[6 * i..6 * i + 6].iter().all(|&value| value == *index as f32 / 127.5 - 1.0));
        }
    }
}

#[test]
fn the_threads_do_not_change_the_batches() {
    let source = || Numbers { n: 23, bad: vec![4, 5, 22], slow: true, ..Numbers::default() };
    let mut expected = loader(source(), 7, 1, OnError::Skip);
    let expected_names = names(&mut expected, 12);
    for workers in [0, 2, 5] {
        let mut loader = loader(source(), 7, workers, OnError::Skip);
        assert_eq!(names(&mut loader, 12), expected_names, "{workers} workers");
        assert_eq!((loader.state(), loader.skipped()), (expected.state(), expected.skipped()));
    }
}

#[test]
fn skipped_images_are_replaced_and_reported() {
    let mut loader =
        loader(Numbers { n: 6, bad: vec![2, 5], odd: Some(0), ..Numbers::default() }, 6, 2, OnError::Skip);
    let mut batch = loader.next_batch().unwrap();
    batch.indices.sort_unstable();
    // 2 → 3, 5 → 0 → 1, 0 → 1
    assert_eq!(batch.indices, [1, 1, 1, 3, 3, 4]);
    assert_eq!(loader.skipped().keys().copied().collect::<Vec<_>>(), [0, 2, 5]);
    assert!(loader.skipped()[&2].contains("2.png"));
    assert!(loader.skipped()[&0].contains("1×1"));
}

#[test]
fn a_bad_image_ends_it_with_its_name() {
    let mut loader = loader(Numbers { n: 4, bad: vec![1], ..Numbers::default() }, 1, 3, OnError::Fail);
    let mut sampler = Sampler::new(4, 3);
    loop {
        let before = loader.state();
        let expected = sampler.next_batch(1);
        match loader.next_batch() {
            Ok(batch) => assert_eq!(batch.indices, expected),
            Err(error) => {
                assert_eq!((expected, before), (vec![1], loader.state()));
                return assert!(error.to_string().contains("1.png"), "{error}");
            }
        }
    }
}

#[test]
fn an_image_of_another_size_is_named() {
    let mut loader = loader(Numbers { n: 2, odd: Some(1), ..Numbers::default() }, 2, 1, OnError::Fail);
    let error = loader.next_batch().unwrap_err().to_string();
    assert!(error.contains("1.png is 1×1") && error.contains("is 3×2"), "{error}");
}

#[test]
fn nothing_readable_is_an_error_and_no_loop() {
    for n in [1, 3000] {
        let mut loader =
            loader(Numbers { n, bad: (0..n).collect(), ..Numbers::default() }, 2, 2, OnError::Skip);
        let error = loader.next_batch().unwrap_err().to_string();
        assert!(error.contains(&format!("none of {} images", n.min(1000))), "{error}");
    }
}

#[test]
fn other_data_than_the_samplers_is_refused() {
    let source = Arc::new(Numbers { n: 4, ..Numbers::default() });
    let error = Loader::new(source, Sampler::new(5, 0), LoaderOptions::default()).err().unwrap().to_string();
    assert!(error.contains("4 images") && error.contains("for 5"), "{error}");
}

#[test]
fn no_more_is_read_ahead_than_the_queue_holds() {
    let source = Arc::new(Numbers { n: 100, ..Numbers::default() });
    let options = LoaderOptions { batch: 2, workers: 1, queue: 3, ..LoaderOptions::default() };
    let mut loader =
        Loader::new(Arc::clone(&source) as Arc<dyn Source>, Sampler::new(100, 0), options).unwrap();
    loader.next_batch().unwrap();
    // The queue has room for 3 batches beyond the one taken; given any time, the thread reads no more.
    std::thread::sleep(Duration::from_millis(50));
    assert!(source.n_read.load(Ordering::Relaxed) <= 2 * (1 + 3));
    drop(loader);
    assert_eq!(Arc::strong_count(&source), 1, "the threads are gone");
}

struct Panics;

impl Source for Panics {
    fn len(&self) -> usize {
        1
    }

    fn spec(&self) -> ImageSpec {
        ImageSpec { channels: 1, height: 1, width: 1, depth: BitDepth::Eight }
    }

    fn sample(&self, _: usize, _: Want) -> Result<Sample, DataError> {
        panic!("a bug in a source")
    }

    fn name(&self, _: usize) -> Result<String, DataError> {
        Ok("a".to_owned())
    }
}

#[test]
fn a_panic_in_a_thread_reaches_the_caller() {
    let mut loader = Loader::new(Arc::new(Panics), Sampler::new(1, 0), LoaderOptions::default()).unwrap();
    for _ in 0..5 {
        assert!(loader.next_batch().unwrap_err().to_string().contains("a bug in a source"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_restart_at_any_batch_changes_nothing(
        n in 1usize..20, batch in 1usize..9, before in 0usize..8, workers in 1usize..4,
    ) {
        let source = || Numbers { n, bad: vec![3], ..Numbers::default() };
        let mut whole = loader(source(), batch, workers, OnError::Skip);
        names(&mut whole, before);
        let sampler = Sampler::from_state(n, whole.state()).unwrap();
        let options = LoaderOptions { batch, workers: 2, queue: 1, on_error: OnError::Skip, ..LoaderOptions::default() };
        let mut resumed = Loader::new(Arc::new(source()), sampler, options).unwrap();
        prop_assert_eq!(names(&mut whole, 5), names(&mut resumed, 5));
        prop_assert_eq!(whole.state(), resumed.state());
    }
}

#[cfg(feature = "candle")]
#[test]
fn a_batch_is_a_tensor() {
    let mut loader = loader(Numbers { n: 4, ..Numbers::default() }, 4, 1, OnError::Fail);
    let batch = loader.next_batch().unwrap();
    let tensor = batch.tensor(&candle_core::Device::Cpu).unwrap();
    assert_eq!(tensor.dims(), [4, 1, 2, 3]);
    assert_eq!(tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap(), batch.images);
}

/// The shares of a batch are the batch, whether or not they are equal.
#[test]
fn shares_make_up_the_batch() {
    let sampler = || Sampler::new(7, 3);
    let source = || Arc::new(Numbers { n: 7, ..Numbers::default() });
    let options = |share| LoaderOptions { batch: 5, share, ..LoaderOptions::default() };
    let mut whole = Loader::new(source(), sampler(), options(Share::WHOLE)).unwrap();
    let part = |index| Loader::new(source(), sampler(), options(Share { index, count: 3 })).unwrap();
    let mut parts: Vec<Loader> = (0..3).map(part).collect();
    for _ in 0..4 {
        let batches: Vec<Batch> = parts.iter_mut().map(|part| part.next_batch().unwrap()).collect();
        let names: Vec<String> = batches.into_iter().flat_map(|batch| batch.names).collect();
        assert_eq!(names, whole.next_batch().unwrap().names);
        assert_eq!(parts[2].state(), whole.state());
    }
}
