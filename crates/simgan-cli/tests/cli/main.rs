//! The program `simgan` as its users meet it: arguments, bad input, pipes, interruptions.
//!
//! These tests stand beside the program and not with the other whole-program tests because cargo builds a package's
//! program for that package's own tests only.

#![expect(clippy::unwrap_used, reason = "these are tests, their helpers too")]

mod console;
mod evaluate;
mod experiment;
mod refine;
mod render;
mod scene;
mod sources;
mod train;
mod train_bad;
mod unityeyes;
