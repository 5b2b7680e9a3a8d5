//! An empty library: this package exists for the workspace-wide tests in `tests/`.
