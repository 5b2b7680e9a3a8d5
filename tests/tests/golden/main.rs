//! Networks, losses and updates against PyTorch, and their gradients against finite differences.

#![expect(clippy::unwrap_used, reason = "a failed test is what it is for")]

mod finite_differences;
mod losses;
mod mistakes;
mod networks;
mod support;
mod updates;
