//! Tests of any seed, index, size and view.

use proptest::prelude::*;
use simgan_data::{AnnotationsExt, Size, Source, Want};
use simgan_hands::{Domain, HandSimulator, HandsConfig, JOINT_NAMES, View};

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_size_seed_and_index_renders(
        seed: u64, index in 0_usize..100_000, width in 8_usize..90, height in 8_usize..90, kinect: bool,
        view in 0_usize..4, crop_mm in 200.0_f32..600.0, distance in 400.0_f32..1400.0,
    ) {
        let config = HandsConfig {
            seed,
            size: Size { width, height },
            view: [View::Front, View::Top, View::Side, View::Any][view],
            crop_mm,
            distance_mm: simgan_hands::Range::new(distance, distance),
            ..HandsConfig::default()
        };
        let domain = if kinect { Domain::Kinect } else { Domain::Hands };
        let hands = HandSimulator::new(domain, config).unwrap();
        let sample = hands.sample(index, Want::Labels).unwrap();
        prop_assert_eq!(sample.image.spec(), hands.spec());
        let joints = sample.annotations.joints().unwrap();
        prop_assert_eq!(joints.len(), JOINT_NAMES.len());
        prop_assert!(joints.as_flattened().iter().all(|value| value.is_finite()));
    }
}
