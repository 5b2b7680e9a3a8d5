//! The server: its address, its pages and what stands before them.

pub(crate) mod access;
mod assets;
mod connections;
pub(crate) mod failure;
mod guard;
pub(crate) mod page;

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use axum::{Router, middleware};
use candle_core::Device;

use self::access::Access;
use crate::app::{App, Shared};
use crate::error::WebError;
use crate::{refining, runs, turing};

/// Longest body of a form in bytes; uploads of images have their own limit.
const MAX_FORM: usize = 64 << 10;

/// What a [`Server`] shows, and where.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// Host and port, such as `127.0.0.1:7878`; port 0 takes a free one. An address that other machines reach
    /// makes every page ask for a token.
    pub bind: String,
    /// Folders of runs, folders that hold runs, and folders with an evaluation's report.
    pub runs: Vec<PathBuf>,
    /// Files of visual Turing tests.
    pub tests: Vec<PathBuf>,
    /// Where images are refined.
    pub device: Device,
}

impl ServerOptions {
    /// Returns options that show nothing yet and refine on the CPU.
    #[must_use]
    pub fn new(bind: &str) -> Self {
        Self { bind: bind.to_owned(), runs: Vec::new(), tests: Vec::new(), device: Device::Cpu }
    }
}

/// Serves runs and Turing tests to browsers.
pub struct Server {
    listener: TcpListener,
    app: Shared,
}

impl Server {
    /// Opens what is to be shown and takes the port. Nothing is answered before [`run`](Self::run).
    ///
    /// # Errors
    /// The address is not one of this machine, the port is in use, or a path cannot be shown.
    pub fn bind(options: ServerOptions) -> Result<Self, WebError> {
        let listener = listen(&options.bind)?;
        let address = listener.local_addr().map_err(WebError::system("finding the server's address"))?;
        let access = Access::new(&options.bind, address)?;
        Ok(Self { listener, app: Arc::new(App::open(options, access)?) })
    }

    /// The address that it listens on.
    ///
    /// # Errors
    /// The system does not say.
    pub fn address(&self) -> Result<SocketAddr, WebError> {
        self.listener.local_addr().map_err(WebError::system("finding the server's address"))
    }

    /// The first page's link, with the token if there is one.
    #[must_use]
    pub fn url(&self) -> String {
        self.app.access.url()
    }

    /// Serves until `stop` is set; pages being written then get two seconds.
    ///
    /// # Errors
    /// The system gives no threads, or the listener fails.
    pub fn run(self, stop: &AtomicBool) -> Result<(), WebError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2) // what takes long runs on the blocking threads
            .max_blocking_threads(16)
            .enable_all()
            .build()
            .map_err(WebError::system("starting the server's threads"))?;
        let served = runtime.block_on(connections::serve(self.listener, router(&self.app), stop));
        runtime.shutdown_background(); // a refiner at work would hold the program
        served.map_err(WebError::system("accepting connections"))
    }
}

/// Takes the port at `bind`.
fn listen(bind: &str) -> Result<TcpListener, WebError> {
    let address = |source| WebError::Address { bind: bind.to_owned(), source };
    let addresses: Vec<SocketAddr> = bind.to_socket_addrs().map_err(address)?.collect();
    let listener = TcpListener::bind(addresses.as_slice()).map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => WebError::PortInUse { bind: bind.to_owned() },
        _ => address(error),
    })?;
    listener.set_nonblocking(true).map_err(WebError::system("preparing the server's port"))?;
    Ok(listener)
}

/// All pages, behind everything that checks a request.
fn router(app: &Shared) -> Router {
    Router::new()
        .merge(runs::router())
        .merge(refining::router())
        .nest("/turing", turing::router())
        .route("/assets/{name}", get(assets::asset))
        .fallback(failure::no_page)
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(middleware::from_fn(guard::contain))
        .layer(middleware::from_fn(guard::same_origin))
        .layer(middleware::from_fn_with_state(Arc::clone(app), access::admit))
        .layer(middleware::from_fn_with_state(Arc::clone(app), guard::known_host))
        .layer(middleware::from_fn(guard::secure_headers))
        .layer(middleware::from_fn(failure::present))
        .with_state(Arc::clone(app))
}
