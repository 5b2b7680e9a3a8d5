//! The choice of algorithms for a pass of a convolution, made once per size.

use std::cell::Cell;
use std::ffi::c_int;
use std::rc::Rc;

use candle_core::cuda_backend::cudarc::cudnn::{result, sys};
use candle_core::{DType, Result};

use super::convolution::Pass;
use super::descriptors::{Convolution, Filters, Images};
use super::{Handle, Told};
use crate::sizes::Sizes;

/// Most bytes of workspace: some algorithms ask for gigabytes.
const WORKSPACE: usize = 1 << 30;

/// The descriptors of a pass, and the algorithms that may compute it, best first.
pub(crate) struct Plan {
    input: Images,
    filter: Filters,
    out: Images,
    convolution: Convolution,
    choices: Vec<Choice>,
    /// How many of `choices` turned out not to work.
    dropped: Cell<usize>,
}

#[derive(Clone, Copy)]
pub(super) struct Choice {
    pub(super) algorithm: Algorithm,
    /// Bytes.
    pub(super) workspace: usize,
}

#[derive(Clone, Copy)]
pub(super) enum Algorithm {
    Forward(sys::cudnnConvolutionFwdAlgo_t),
    Data(sys::cudnnConvolutionBwdDataAlgo_t),
    Filter(sys::cudnnConvolutionBwdFilterAlgo_t),
}

/// cuDNN's descriptors of images, filters, results and the convolution.
type Raw = (
    sys::cudnnTensorDescriptor_t,
    sys::cudnnFilterDescriptor_t,
    sys::cudnnTensorDescriptor_t,
    sys::cudnnConvolutionDescriptor_t,
);

impl Handle {
    /// Returns the plan for a pass, which the first call makes.
    ///
    /// # Errors
    /// If cuDNN proposes no algorithm.
    pub(super) fn plan(&self, pass: Pass, sizes: &Sizes, dtype: DType) -> Result<Rc<Plan>> {
        let key = (pass, *sizes, dtype);
        if let Some(plan) = self.plans.borrow().get(&key) {
            return Ok(plan.clone());
        }
        let plan = Plan::new(self, pass, sizes, dtype);
        let plan = plan.map_err(|error| pass.failed(sizes, dtype, &error.to_string()))?;
        if plan.choices.is_empty() {
            return Err(pass.failed(sizes, dtype, "it proposes no algorithm"));
        }
        Ok(self.plans.borrow_mut().entry(key).or_insert(Rc::new(plan)).clone())
    }
}

impl Plan {
    fn new(handle: &Handle, pass: Pass, sizes: &Sizes, dtype: DType) -> Told<Self> {
        let mut plan = Self {
            input: Images::new(dtype, sizes.input)?,
            filter: Filters::new(dtype, sizes.filter)?,
            out: Images::new(dtype, sizes.out)?,
            convolution: Convolution::new(dtype, sizes.padding, sizes.stride)?,
            choices: Vec::new(),
            dropped: Cell::new(0),
        };
        let (handle, (input, filter, out, convolution)) = (handle.raw, plan.descriptors());
        macro_rules! ask {
            ($proposals:path, $workspace:path, $wrap:expr, $first:expr, $second:expr, $third:expr) => {
                choices(
                    // SAFETY, here and below: the handle is this thread's, the descriptors are this plan's, and cuDNN
                    // fills at most as many proposals as it is told there is room for.
                    |room, count, proposals| unsafe {
                        $proposals(handle, $first, $second, convolution, $third, room, count, proposals)
                    },
                    |algorithm| unsafe { $workspace(handle, $first, $second, convolution, $third, algorithm) },
                    $wrap,
                )
            };
        }
        plan.choices = match pass {
            Pass::Forward => ask!(
                result::get_convolution_forward_algorithm,
                result::get_convolution_forward_workspace_size,
                Algorithm::Forward,
                input,
                filter,
                out
            ),
            Pass::Data => ask!(
                result::get_convolution_backward_data_algorithm,
                result::get_convolution_backward_data_workspace_size,
                Algorithm::Data,
                filter,
                out,
                input
            ),
            Pass::Filter => ask!(
                result::get_convolution_backward_filter_algorithm,
                result::get_convolution_backward_filter_workspace_size,
                Algorithm::Filter,
                input,
                out,
                filter
            ),
        }?;
        Ok(plan)
    }

    pub(super) fn descriptors(&self) -> Raw {
        (self.input.0, self.filter.0, self.out.0, self.convolution.0)
    }

    /// The best algorithm that has not failed.
    pub(super) fn choice(&self) -> Option<Choice> {
        self.choices.get(self.dropped.get()).copied()
    }

    /// Passes over the current choice from now on.
    pub(super) fn drop_choice(&self) {
        self.dropped.set(self.dropped.get() + 1);
    }
}

/// What cuDNN's heuristic says of an algorithm for one of the passes.
trait Proposal: Copy {
    type Algorithm: Copy;

    fn algorithm(&self) -> Self::Algorithm;
    /// Whether the algorithm serves these sizes.
    fn serves(&self) -> bool;
    /// Whether it gives the same result every time.
    fn is_deterministic(&self) -> bool;
}

macro_rules! proposal {
    ($proposal:ty, $algorithm:ty) => {
        impl Proposal for $proposal {
            type Algorithm = $algorithm;

            fn algorithm(&self) -> $algorithm {
                self.algo
            }

            fn serves(&self) -> bool {
                self.status == sys::cudnnStatus_t::CUDNN_STATUS_SUCCESS
            }

            fn is_deterministic(&self) -> bool {
                self.determinism == sys::cudnnDeterminism_t::CUDNN_DETERMINISTIC
            }
        }
    };
}

proposal!(sys::cudnnConvolutionFwdAlgoPerf_t, sys::cudnnConvolutionFwdAlgo_t);
proposal!(sys::cudnnConvolutionBwdDataAlgoPerf_t, sys::cudnnConvolutionBwdDataAlgo_t);
proposal!(sys::cudnnConvolutionBwdFilterAlgoPerf_t, sys::cudnnConvolutionBwdFilterAlgo_t);

/// Asks the heuristic, which proposes the fastest first. Algorithms that give the same result every time come
/// before the others; those that need too much memory are left out.
fn choices<P: Proposal>(
    ask: impl FnOnce(c_int, *mut c_int, *mut P) -> Told<()>,
    workspace: impl Fn(P::Algorithm) -> Told<usize>,
    wrap: impl Fn(P::Algorithm) -> Algorithm,
) -> Told<Vec<Choice>> {
    /// More than there are algorithms for any pass.
    const ROOM: usize = 16;
    // SAFETY: a proposal is made of numbers and of enumerations that have a value 0.
    let mut proposals = [unsafe { std::mem::zeroed::<P>() }; ROOM];
    let mut count = 0;
    ask(ROOM as c_int, &raw mut count, proposals.as_mut_ptr())?;
    let mut serving: Vec<P> = proposals[..count.clamp(0, ROOM as c_int) as usize].to_vec();
    serving.retain(Proposal::serves);
    // A stable sort, which keeps the heuristic's order otherwise.
    serving.sort_by_key(|proposal| !proposal.is_deterministic());
    let fits = serving.iter().filter_map(|proposal| {
        let workspace = workspace(proposal.algorithm()).ok().filter(|&bytes| bytes <= WORKSPACE)?;
        Some(Choice { algorithm: wrap(proposal.algorithm()), workspace })
    });
    Ok(fits.collect())
}
