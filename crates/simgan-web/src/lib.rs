//! Runs in the browser, and the visual Turing test.
//!
//! A [`Server`] shows runs as pages: it reads their folders only, never a trainer, so it works while a run trains, after
//! it, and on a copy. It listens on this machine alone unless it is told otherwise; then every page asks for a token.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicBool, Ordering};
//!
//! use simgan_web::{Server, ServerOptions};
//!
//! # let folder = tempfile::tempdir()?;
//! let options = ServerOptions { runs: vec![folder.path().to_owned()], ..ServerOptions::new("127.0.0.1:0") };
//! let server = Server::bind(options)?;
//! let address = server.url();
//! let stop = Arc::new(AtomicBool::new(false));
//! let serving = std::thread::spawn({
//!     let stop = Arc::clone(&stop);
//!     move || server.run(&stop)
//! });
//!
//! let page = ureq::get(&address).call()?.into_body().read_to_string()?;
//! assert!(page.contains("No runs yet"));
//! stop.store(true, Ordering::Relaxed);
//! serving.join().unwrap()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod app;
mod error;
mod refining;
mod runs;
mod secret;
mod server;
pub mod turing;

pub use self::error::WebError;
pub use self::server::{Server, ServerOptions};
