//! The command `simgan`.
fn main() {}
