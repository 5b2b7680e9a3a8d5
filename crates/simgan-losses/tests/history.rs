//! The history's half-batch rule (§2.3), for every kind of batch and capacity.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use candle_core::{DType, Device, Tensor};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simgan_losses::HistoryBuffer;

/// Images that are told apart by their values: each is filled with its number.
fn batch(first: usize, count: usize) -> Tensor {
    let numbers: Vec<_> = (first..first + count).map(|number| number as f32).collect();
    let numbers = Tensor::from_vec(numbers, (count, 1, 1, 1), &Device::Cpu).unwrap();
    numbers.broadcast_as((count, 2, 3, 5)).unwrap().contiguous().unwrap()
}

fn numbers(images: &Tensor) -> Vec<usize> {
    let images = images.flatten_from(1).unwrap().to_vec2::<f32>().unwrap();
    for image in &images {
        assert!(image.iter().all(|value| *value == image[0]), "whole images: {image:?}");
    }
    images.iter().map(|image| image[0] as usize).collect()
}

fn kept(history: &HistoryBuffer) -> Vec<usize> {
    history.images().unwrap().map_or_else(Vec::new, |images| numbers(&images))
}

/// Checks one step against the rule, given what the history held before.
fn check_step(history: &mut HistoryBuffer, capacity: usize, fresh: (usize, usize), stream: &mut ChaCha8Rng) {
    let (first, count) = fresh;
    let before = kept(history);
    let shown = numbers(&history.mix(&batch(first, count), stream).unwrap());
    let after = kept(history);

    let n_kept = (count / 2).min(capacity);
    let n_old = n_kept.min(before.len());
    let (new, old) = shown.split_at(count - n_old);
    assert!(new.iter().copied().eq(first..first + count - n_old), "the first fresh images: {shown:?}");
    let old: BTreeSet<_> = old.iter().copied().collect();
    assert_eq!(old.len(), n_old, "without repetition: {shown:?}");
    assert!(old.iter().all(|number| before.contains(number)), "from the history: {shown:?} of {before:?}");

    assert_eq!(after.len(), (before.len() + n_kept).min(capacity), "it fills first");
    let entered: BTreeSet<_> = after.iter().copied().filter(|number| *number >= first).collect();
    assert!(entered.into_iter().eq(first + count - n_kept..first + count), "the others enter: {after:?}");
    let n_lost = before.iter().filter(|number| !after.contains(number)).count();
    assert_eq!(n_lost, (before.len() + n_kept).saturating_sub(capacity), "and replace as few as need be");
    let n_moved = before.iter().zip(&after).filter(|(before, after)| before != after).count();
    assert_eq!(n_moved, n_lost, "the others stay in their slots");
}

#[test]
fn every_batch_and_capacity_follows_the_rule() {
    for seed in 0..150 {
        let mut stream = ChaCha8Rng::seed_from_u64(seed);
        let capacity = stream.next_u32() as usize % 20;
        let mut history = HistoryBuffer::new(capacity);
        let mut first = 0;
        for _ in 0..12 {
            let count = 1 + stream.next_u32() as usize % 9;
            check_step(&mut history, capacity, (first, count), &mut stream);
            first += count;
        }
    }
}

#[test]
fn without_capacity_it_is_off() {
    let mut history = HistoryBuffer::new(0);
    let mut stream = ChaCha8Rng::seed_from_u64(1);
    for first in [0, 8, 16] {
        assert!(
            numbers(&history.mix(&batch(first, 8), &mut stream).unwrap()).into_iter().eq(first..first + 8)
        );
    }
    assert!(history.is_empty() && history.images().unwrap().is_none());
}

#[test]
fn slots_are_drawn_and_replaced_evenly() {
    let mut history = HistoryBuffer::new(16);
    let mut stream = ChaCha8Rng::seed_from_u64(2);
    let mut drawn = [0; 16];
    let mut replaced = [0; 16];
    history.restore(&batch(0, 16)).unwrap();
    for _ in 0..2000 {
        history.restore(&batch(0, 16)).unwrap();
        let shown = numbers(&history.mix(&batch(100, 8), &mut stream).unwrap());
        shown[4..].iter().for_each(|slot| drawn[*slot] += 1);
        (0..16).filter(|slot| kept(&history)[*slot] >= 100).for_each(|slot| replaced[slot] += 1);
    }
    for count in drawn.into_iter().chain(replaced) {
        assert!((400..600).contains(&count), "500 ± 19 expected: {count}");
    }
}

/// Catches a history of views, which keep whole batches in memory and change with them.
#[test]
fn the_history_owns_copies() {
    let mut history = HistoryBuffer::new(8);
    let mut stream = ChaCha8Rng::seed_from_u64(3);
    let fresh = batch(5, 4);
    let shown = history.mix(&fresh, &mut stream).unwrap();
    let saved = history.images().unwrap().unwrap();
    fresh.zero_set().unwrap();
    drop(shown);
    assert_eq!(kept(&history), [7, 8]);
    history.mix(&batch(10, 4), &mut stream).unwrap();
    for _ in 0..20 {
        history.mix(&batch(50, 8), &mut stream).unwrap();
    }
    assert_eq!(numbers(&saved), [7, 8], "a saved history does not change either");
}

/// Catches a resume that restores the weights but not the history.
#[test]
fn a_restored_history_goes_on_exactly() {
    for n_steps in [1, 2, 7] {
        let mut original = HistoryBuffer::new(10);
        let mut stream = ChaCha8Rng::seed_from_u64(4);
        for step in 0..n_steps {
            original.mix(&batch(step * 6, 6), &mut stream).unwrap();
        }
        let mut resumed = HistoryBuffer::new(10);
        resumed.restore(&original.images().unwrap().unwrap()).unwrap();
        let mut resumed_stream = stream.clone();
        for step in n_steps..n_steps + 9 {
            let shown = original.mix(&batch(step * 6, 6), &mut stream).unwrap();
            let shown_again = resumed.mix(&batch(step * 6, 6), &mut resumed_stream).unwrap();
            assert_eq!(numbers(&shown), numbers(&shown_again));
            assert_eq!(kept(&original), kept(&resumed));
        }
    }
}

#[test]
fn no_gradient_flows_into_the_past_or_the_present() {
    let mut history = HistoryBuffer::new(8);
    let mut stream = ChaCha8Rng::seed_from_u64(5);
    let weight = candle_core::Var::ones((4, 1, 2, 2), DType::F32, &Device::Cpu).unwrap();
    for _ in 0..2 {
        let fresh = (weight.as_tensor() * 3.0).unwrap();
        let shown = history.mix(&fresh, &mut stream).unwrap();
        assert!(shown.sum_all().unwrap().backward().unwrap().get(&weight).is_none());
    }
}

#[test]
fn images_that_do_not_fit_are_refused_and_change_nothing() {
    let mut history = HistoryBuffer::new(6);
    let mut stream = ChaCha8Rng::seed_from_u64(6);
    history.mix(&batch(0, 4), &mut stream).unwrap();
    let larger = Tensor::zeros((4, 2, 3, 6), DType::F32, &Device::Cpu).unwrap();
    assert!(history.mix(&larger, &mut stream).is_err());
    assert!(history.mix(&batch(0, 4).to_dtype(DType::F64).unwrap(), &mut stream).is_err());
    assert!(history.mix(&larger.flatten_from(2).unwrap(), &mut stream).is_err());
    assert!(history.restore(&batch(0, 7)).unwrap_err().to_string().contains("capacity"));
    assert_eq!(kept(&history), [2, 3]);
}
