//! Runs in the browser, and the visual Turing test.
