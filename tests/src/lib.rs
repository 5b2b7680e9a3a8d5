//! Support for the tests of the whole workspace; the tests themselves are in `tests/`.
