//! Tests the program `simgan` as its users meet it: arguments, bad input, pipes, interruptions.
//!
//! These tests live beside the program, not with the other whole-program tests, because cargo builds a
//! package's program only for that package's own tests.

#![expect(clippy::unwrap_used, reason = "these are tests, their helpers too")]

mod console;
mod datasets;
mod depth;
mod estimate;
mod evaluate;
mod experiment;
mod folders;
mod mpi;
mod nyu;
mod refine;
mod render;
mod scene;
mod serve;
mod sources;
mod tone;
mod train;
mod train_bad;
mod train_on;
mod trees;
mod tui;
mod turing;
mod unityeyes;
