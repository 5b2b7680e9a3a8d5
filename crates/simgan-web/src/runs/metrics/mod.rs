//! What `metrics.jsonl` tells of a run, read as it grows and kept small.

mod follower;
mod history;
mod series;
mod tail;

pub(crate) use self::follower::{Followers, News};
pub(crate) use self::history::{Ended, History, Judged};
pub(crate) use self::series::Series;
