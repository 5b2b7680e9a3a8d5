//! Networks, losses and updates against PyTorch, and their gradients against finite differences.

mod finite_differences;
mod losses;
mod mistakes;
mod networks;
mod support;
mod updates;
