//! The order of a subject's questions.

use rand::Rng;
use rand::seq::SliceRandom;

use super::{ImageRole, Kind, Part, TestDesign};
use crate::turing::statistics::Design;

/// Draws a subject's questions: the part of each, and its image, or two from left to right.
///
/// Main questions and checks are mixed; the baseline follows. A subject sees each image once. The order, the
/// pairs and their sides follow from `random` alone, which nobody may be able to guess.
#[must_use]
pub fn questions(design: &TestDesign, images: &[ImageRole], random: &mut impl Rng) -> Vec<(Part, Vec<i64>)> {
    let mut main = drawn(design.design, images, Part::Main, random);
    main.extend(drawn(design.design, images, Part::Check, random));
    main.shuffle(random);
    let mut baseline = drawn(design.design, images, Part::Baseline, random);
    baseline.shuffle(random);
    main.append(&mut baseline);
    main
}

fn drawn(design: Design, images: &[ImageRole], part: Part, random: &mut impl Rng) -> Vec<(Part, Vec<i64>)> {
    let of_part = images.iter().filter(|image| image.part == part);
    let (real, other): (Vec<&ImageRole>, Vec<&ImageRole>) =
        of_part.partition(|image| image.kind == Kind::Real);
    match design {
        Design::YesNo => real.iter().chain(&other).map(|image| (part, vec![image.id])).collect(),
        Design::TwoAlternatives => {
            let mut real = real;
            real.shuffle(random);
            let mut pair = |(real, other): (&&ImageRole, &&ImageRole)| match random.random::<bool>() {
                true => vec![real.id, other.id],
                false => vec![other.id, real.id],
            };
            real.iter().zip(&other).map(|both| (part, pair(both))).collect()
        }
    }
}
