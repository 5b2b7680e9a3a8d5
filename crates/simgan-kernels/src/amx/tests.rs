//! Products and convolutions on tiles against sums in `f64`. The numbers are multiples of an eighth that bf16 holds,
//! so that nothing is rounded before the sums; where memory is guarded, a stray access ends the process.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::convolution::Scratch;
use super::{Amx, Backward, Chained, Forward, Image, Left, PANEL, Plan, Right, Sizes, flatten, step, sums};
use crate::geometry::Border;
use crate::guard::Guarded;
use crate::precision::Precision;
use crate::product::{self, Rows};
use crate::simd::{Isa, Simd, Task, padded, run};
use crate::winograd::{Direction, FilterGradient, FinishGradient};

/// The proof that this processor has tiles; says so if it has none.
#[expect(clippy::print_stderr, reason = "whoever tests should know what is not tested")]
fn amx() -> Option<Amx> {
    let amx = Amx::ask();
    if amx.is_none() {
        eprintln!("not tested: AMX, which this processor or system lacks");
    }
    amx
}

/// The instruction set with products in bf16, if it has tiles.
fn isa() -> Option<Isa> {
    amx()?;
    Isa::of(Precision::Bf16).ok().filter(|isa| isa.has_tiles())
}

fn draw(rng: &mut ChaCha8Rng, count: usize) -> Vec<f32> {
    (0..count).map(|_| f32::from(rng.random_range(-16i8..=16)) / 8.0).collect()
}

/// Two numbers that bf16 holds in a word.
fn word(first: f32, second: f32) -> f32 {
    f32::from_bits(first.to_bits() >> 16 | second.to_bits() & 0xFFFF_0000)
}

fn assert_near(found: &[f32], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        assert!((f64::from(found) - expected).abs() < 1e-3, "{what}: {found}, not {expected}, at {at}");
    }
}

#[test]
fn a_product_advances_by_equal_steps_of_at_least_half_a_tile() {
    let steps = [1, 7, 8, 15, 16, 17, 24, 31, 32, 48, 72, 75].map(step);
    let expected = [
        None,
        None,
        Some(8),
        Some(15),
        Some(16),
        None,
        Some(12),
        None,
        Some(16),
        Some(16),
        Some(12),
        Some(15),
    ];
    assert_eq!(steps, expected);
}

#[test]
fn products_of_every_shape_equal_their_sums() {
    let Some(amx) = amx() else { return };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (parts, rows, depth, columns) in
        [(1, 1, 8, 16), (1, 16, 16, 32), (2, 17, 12, 48), (3, 31, 24, 16), (1, 33, 32, 80), (2, 47, 45, 64)]
    {
        let sizes = Sizes { parts, rows, depth, columns };
        check_product(amx, &mut rng, sizes, false);
        // A transposed factor has one part.
        check_product(amx, &mut rng, Sizes { parts: 1, ..sizes }, true);
    }
}

fn check_product(amx: Amx, rng: &mut ChaCha8Rng, sizes: Sizes, transposed: bool) {
    let Sizes { parts, rows, depth, columns } = sizes;
    let left = draw(rng, parts * rows * 2 * depth);
    let right = draw(rng, parts * columns * 2 * depth);
    let before = draw(rng, rows * columns);
    let of_left = |part: usize, row: usize, k: usize| left[(part * rows + row) * 2 * depth + k];
    let of_right = |part: usize, k: usize, column: usize| right[(part * 2 * depth + k) * columns + column];
    let mut expected: Vec<f64> = before.iter().map(|&before| f64::from(before)).collect();
    let (mut left_words, mut right_words) = (Vec::new(), Vec::new());
    for part in 0..parts {
        for at in 0..rows * depth {
            let (row, k) = if transposed { (at % rows, at / rows) } else { (at / depth, at % depth) };
            left_words.push(word(of_left(part, row, 2 * k), of_left(part, row, 2 * k + 1)));
        }
        for at in 0..depth * columns {
            let (k, column) = (at / columns, at % columns);
            right_words.push(word(of_right(part, 2 * k, column), of_right(part, 2 * k + 1, column)));
        }
        for (at, expected) in expected.iter_mut().enumerate() {
            let (row, column) = (at / columns, at % columns);
            for k in 0..2 * depth {
                *expected += f64::from(of_left(part, row, k)) * f64::from(of_right(part, k, column));
            }
        }
    }
    for at_end in [true, false] {
        let (left, right) = (Guarded::new(&left_words, at_end), Guarded::new(&right_words, at_end));
        let mut out = Guarded::new(&before, at_end);
        let mut gathered = Vec::new();
        // SAFETY: the factors and `out` have these sizes.
        unsafe {
            let (mut data, mut stride) = (left.as_ptr(), depth);
            if transposed {
                let left = product::Left { data, stride: rows, transposed };
                stride = amx.gather(left, rows, depth, &mut gathered);
                data = gathered.as_ptr();
            }
            let left = Left { data, stride, part: rows * depth };
            let right = Right { data: right.as_ptr(), stride: columns, part: depth * columns, panel: PANEL };
            let out = Rows { data: out.as_mut_ptr(), stride: columns };
            amx.tiles().multiply::<true>(sizes, left, right, out);
        }
        assert_near(&out, &expected, &format!("{parts} × {rows}×{depth}×{columns}, {transposed}"));
    }
}

/// One image with its filters, bias, residual and gradient.
struct Problem {
    plan: Plan,
    image: Vec<f32>,
    weight: Vec<f32>,
    bias: Vec<f32>,
    residual: Vec<f32>,
    gradient: Vec<f32>,
}

impl Problem {
    fn random(plan: Plan) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        Self {
            plan,
            image: draw(&mut rng, plan.image_in()),
            weight: draw(&mut rng, plan.channels[0] * plan.channels[1] * plan.kernel[0] * plan.kernel[1]),
            bias: draw(&mut rng, plan.channels[1]),
            residual: draw(&mut rng, plan.image_out()),
            gradient: draw(&mut rng, plan.image_out()),
        }
    }

    /// Calls `f` with the places of all products: in the result, the image (none for a zero) and the weights.
    fn each_product(&self, mut f: impl FnMut(usize, Option<usize>, usize)) {
        let Plan { size, channels: [n_in, n_out], kernel, padding, border } = self.plan;
        let source = |at: usize, tap: usize, size: usize| match (border, (at + tap).checked_sub(padding)) {
            (_, Some(at)) if at < size => Some(at),
            (Border::Zeros, _) => None,
            (Border::Replicate, at) => Some(at.unwrap_or(0).min(size - 1)),
        };
        let [height, width] = self.plan.size_out();
        let taps = kernel[0] * kernel[1];
        for pixel in 0..height * width {
            for tap in 0..taps {
                let row = source(pixel / width, tap / kernel[1], size[0]);
                let column = source(pixel % width, tap % kernel[1], size[1]);
                let from = row.zip(column).map(|(y, x)| y * size[1] + x);
                for at in 0..n_in * n_out {
                    let (out, input) = (at / n_in, at % n_in);
                    f(pixel * n_out + out, from.map(|from| from * n_in + input), at * taps + tap);
                }
            }
        }
    }
}

/// Odd sizes, channels that fill no tile, other kernels, and images smaller than what is computed at a time.
fn plans() -> Vec<Plan> {
    let mut plans = Vec::new();
    for (size, channels, kernel) in [
        ([7, 11], [16, 32], [3, 3]),
        ([5, 6], [33, 17], [3, 3]),
        ([13, 9], [64, 48], [3, 3]),
        ([9, 8], [24, 16], [5, 5]),
        ([6, 7], [16, 16], [2, 3]),
        ([31, 29], [16, 33], [3, 3]),
    ] {
        for (padding, border) in [(0, Border::Zeros), (1, Border::Zeros), (1, Border::Replicate)] {
            plans.push(Plan { size, channels, kernel, padding, border });
        }
    }
    // Wide kernels on narrow images, where whole parts of the framed image mean nothing, and images of one pixel.
    for (size, kernel, padding) in [
        ([38, 1], [7, 7], 3),
        ([155, 1], [5, 5], 2),
        ([8, 8], [31, 31], 15),
        ([1, 1], [3, 3], 1),
        ([1, 40], [3, 3], 1),
    ] {
        for border in [Border::Zeros, Border::Replicate] {
            plans.push(Plan { size, channels: [16, 12], kernel, padding, border });
        }
    }
    plans
}

/// `relu(convolution + bias + residual)`.
fn convolved(problem: &Problem) -> Vec<f64> {
    let channels = problem.plan.channels[1];
    let mut result: Vec<f64> = (problem.residual.iter().enumerate())
        .map(|(at, &residual)| f64::from(residual) + f64::from(problem.bias[at % channels]))
        .collect();
    problem.each_product(|at, image, weight| {
        let pixel = image.map_or(0.0, |image| problem.image[image]);
        result[at] += f64::from(pixel * problem.weight[weight]);
    });
    result.iter_mut().for_each(|value| *value = value.max(0.0));
    result
}

fn prepared(problem: &Problem, isa: Isa, direction: Direction) -> Vec<f32> {
    let plan = problem.plan;
    let mut filters = vec![0.0; plan.filters(direction)];
    plan.prepare(isa, &problem.weight, plan.shape(), direction, &mut filters);
    filters
}

#[test]
fn convolutions_equal_their_sums() {
    let Some(isa) = isa() else { return };
    for plan in plans() {
        assert!(plan.served_by(isa).is_some(), "{plan:?}");
        let problem = Problem::random(plan);
        let mut bias = problem.bias.clone();
        bias.resize(padded(bias.len()), 0.0);
        let mut out = vec![f32::NAN; plan.image_out()];
        let task = Forward {
            plan: &plan,
            image: &Guarded::new(&problem.image, true),
            filters: &Guarded::new(&prepared(&problem, isa, Direction::Forward), true),
            bias: &bias,
            residual: Some(&problem.residual),
            relu: true,
            out: &mut out,
            scratch: &mut Scratch::default(),
        };
        run(isa, task);
        assert_near(&out, &convolved(&problem), &format!("{plan:?}"));
    }
}

/// Frames an image, or takes its frame off.
struct Reframe<'a> {
    plan: &'a Plan,
    image: &'a mut [f32],
    framed: &'a mut [f32],
    draws: bool,
}

impl Task for Reframe<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        match self.draws {
            true => self.plan.draw_framed(simd, self.image, self.framed),
            false => self.plan.unframe(simd, self.framed, self.image),
        }
    }
}

fn framed(isa: Isa, plan: &Plan, image: &[f32]) -> Vec<f32> {
    let mut framed = vec![f32::NAN; plan.framed()];
    run(isa, Reframe { plan, image: &mut image.to_vec(), framed: &mut framed, draws: true });
    framed
}

fn unframed(isa: Isa, plan: &Plan, framed: &[f32]) -> Vec<f32> {
    let mut image = vec![f32::NAN; plan.image_in()];
    run(isa, Reframe { plan, image: &mut image, framed: &mut framed.to_vec(), draws: false });
    image
}

#[test]
fn convolutions_of_words_equal_their_sums_row_by_row() {
    let Some(isa) = isa() else { return };
    for (size, channels) in [([7, 11], 16), ([1, 1], 32), ([13, 9], 48), ([31, 29], 64), ([1, 40], 16)] {
        for border in [Border::Zeros, Border::Replicate] {
            let plan = Plan { size, channels: [channels; 2], kernel: [3, 3], padding: 1, border };
            let mut problem = Problem::random(plan);
            let image = framed(isa, &plan, &problem.image);
            assert_eq!(unframed(isa, &plan, &image), problem.image, "{plan:?}");
            let filters = prepared(&problem, isa, Direction::Forward);
            for skips in [true, false] {
                if !skips {
                    problem.residual.fill(0.0);
                }
                for n_rows in [size[0], 2] {
                    let mut stream = problem.residual.clone();
                    let mut out = Guarded::new(&vec![f32::NAN; plan.framed()], true);
                    let line = plan.size[1] * channels;
                    let parts = plan.framed_rows(&mut out).chunks_mut(n_rows * plan.framed_line());
                    for (part, (out, stream)) in parts.zip(stream.chunks_mut(n_rows * line)).enumerate() {
                        let rows = part * n_rows..part * n_rows + stream.len() / line;
                        let task = Chained {
                            plan: &plan,
                            image: &Guarded::new(&image, true),
                            filters: &Guarded::new(&filters, true),
                            bias: &problem.bias,
                            stream: skips.then_some(stream),
                            rows,
                            out,
                            scratch: &mut Scratch::default(),
                        };
                        run(isa, task);
                    }
                    plan.close_framed(&mut out);
                    let (expected, what) = (convolved(&problem), format!("{plan:?}, {n_rows}, {skips}"));
                    let found = unframed(isa, &plan, &out);
                    for (&found, &expected) in found.iter().zip(&expected) {
                        // Half a unit of the last of 8 bits.
                        let error = (f64::from(found) - expected).abs();
                        assert!(error <= expected / 256.0, "{what}: {found}, not {expected}");
                    }
                    if skips {
                        assert_near(&stream, &expected, &what);
                    }
                    assert_eq!(out[..], framed(isa, &plan, &found), "border, {what}");
                }
            }
        }
    }
}

#[test]
fn gradients_of_convolutions_equal_their_sums() {
    let Some(isa) = isa() else { return };
    for plan in plans() {
        check_gradients(isa, plan, false);
        if plan.channels == plan.wide() {
            check_gradients(isa, plan, true);
        }
    }
}

/// Checks the gradients of an image of numbers, or of one in words that is also the mask.
fn check_gradients(isa: Isa, plan: Plan, in_words: bool) {
    let problem = Problem::random(plan);
    let before = draw(&mut ChaCha8Rng::seed_from_u64(8), plan.image_in());
    let mut of_image: Vec<f64> = before.iter().map(|&before| f64::from(before)).collect();
    let mut of_weight = vec![0.0; problem.weight.len()];
    problem.each_product(|result, image, weight| {
        if let Some(image) = image {
            let gradient = f64::from(problem.gradient[result]);
            of_image[image] += gradient * f64::from(problem.weight[weight]);
            of_weight[weight] += gradient * f64::from(problem.image[image]);
        }
    });
    // The image itself is the mask: where it is not above zero, its gradient is zero.
    let mask = in_words.then(|| framed(isa, &plan, &problem.image));
    for (gradient, &pixel) in of_image.iter_mut().zip(&problem.image) {
        *gradient = if mask.is_some() && pixel <= 0.0 { 0.0 } else { *gradient };
    }
    let filters = prepared(&problem, isa, Direction::Backward);
    let mut sums = FilterGradient::of_sizes(sums(&plan), padded(plan.channels[1]));
    let mut found = before.clone();
    let mut scratch = Scratch::default();
    // The sums of two images are added up; what the scratch memory held does not matter.
    for image in [&problem.image, &vec![0.0; plan.image_in()]] {
        for buffer in [&mut scratch.framed, &mut scratch.block, &mut scratch.planes, &mut scratch.pairs] {
            buffer.fill(f32::NAN);
        }
        found.copy_from_slice(&before);
        let finish = FinishGradient { accumulate: true, mask: mask.as_deref() };
        let gradient = &Guarded::new(&problem.gradient, true);
        let image = match in_words {
            true => Guarded::new(&framed(isa, &plan, image), true),
            false => Guarded::new(image, true),
        };
        let task = Backward {
            plan: &plan,
            image: if in_words { Image::Framed(&image) } else { Image::Numbers(&image) },
            gradient,
            of_filters: Some(&mut sums),
            of_image: Some((&filters, &mut found, finish)),
            scratch: &mut scratch,
        };
        run(isa, task);
    }
    let mut weight = vec![0.0; problem.weight.len()];
    flatten(&plan, &sums.filters, &mut weight, plan.shape());
    assert_near(&found, &of_image, &format!("image, {plan:?}"));
    assert_near(&weight, &of_weight, &format!("weights, {plan:?}"));
    let of_bias = (0..plan.channels[1]).map(|channel| {
        let of_channel = problem.gradient.iter().skip(channel).step_by(plan.channels[1]);
        2.0 * of_channel.map(|&gradient| f64::from(gradient)).sum::<f64>()
    });
    assert_near(&sums.bias[..plan.channels[1]], &of_bias.collect::<Vec<_>>(), "bias");
}
