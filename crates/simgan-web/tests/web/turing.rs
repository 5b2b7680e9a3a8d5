//! The visual Turing test.

mod making;
mod results;
mod statistics;
mod store;
