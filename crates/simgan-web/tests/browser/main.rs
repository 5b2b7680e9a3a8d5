//! The pages in a real headless Chromium.
//!
//! The tests need `chromedriver` and `chromium`, axe-core's `axe.min.js` at `SIMGAN_TEST_AXE`, and
//! `SIMGAN_TEST_BROWSER` set; without the last one they say that they are skipped. With
//! `SIMGAN_TEST_SCREENSHOTS` they leave pictures of each page in that folder.

#![expect(clippy::unwrap_used, reason = "these are tests, their helpers too")]

mod checks;
mod driver;
mod reports;
mod runs;
mod scene;
mod try_it;
mod turing;
