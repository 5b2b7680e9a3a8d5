//! The visual Turing test.

mod making;
mod pages;
mod results;
mod statistics;
mod store;
