//! Counts what is allocated. The counting allocator serves the whole program and costs a sixteenth of the speed of
//! packing, so that only `cargo xtask fuzz` is built with it (feature `counting`).

#[cfg(feature = "counting")]
#[global_allocator]
static ALLOCATOR: peak_alloc::PeakAlloc = peak_alloc::PeakAlloc;

/// Does some work; also returns the most bytes that were allocated during it, 0 without the feature.
pub(super) fn counted<T>(work: impl FnOnce() -> T) -> (T, usize) {
    #[cfg(feature = "counting")]
    {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let done = work();
        (done, ALLOCATOR.peak_usage().saturating_sub(before))
    }
    #[cfg(not(feature = "counting"))]
    (work(), 0)
}
