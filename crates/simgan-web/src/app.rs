//! What every page shares.

use std::sync::Arc;

use crate::ServerOptions;
use crate::error::WebError;
use crate::refining::Refining;
use crate::runs::{Followers, Library};
use crate::server::access::Access;
use crate::turing::Tests;

/// What every handler gets as axum's state.
pub(crate) type Shared = Arc<App>;

/// The state of the server.
pub(crate) struct App {
    /// Who may see the pages.
    pub(crate) access: Access,
    /// The runs.
    pub(crate) library: Library,
    /// The Turing tests.
    pub(crate) tests: Tests,
    /// The runs that somebody looks at.
    pub(crate) followers: Arc<Followers>,
    /// What refines images of visitors.
    pub(crate) refining: Refining,
}

impl App {
    pub(crate) fn open(options: ServerOptions, access: Access) -> Result<Self, WebError> {
        Ok(Self {
            access,
            library: Library::open(&options.runs)?,
            tests: Tests::open(&options.tests)?,
            followers: Arc::default(),
            refining: Refining::new(options.device),
        })
    }
}
