//! Processes that `mpirun` or `srun` started together.

#[cfg(feature = "mpi")]
mod world;

use std::env;

#[cfg(feature = "mpi")]
pub(crate) use self::world::World;

/// Launchers' variables: the number of processes they started, and which of them this is.
const LAUNCHERS: [[&str; 2]; 3] = [
    ["OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK"],
    ["PMI_SIZE", "PMI_RANK"],
    ["SLURM_STEP_NUM_TASKS", "SLURM_PROCID"],
];

/// This process's number among those started together, and their number, if there are several.
fn launched() -> Option<[usize; 2]> {
    let number = |name: &str| env::var(name).ok()?.parse().ok();
    let place = |[count, rank]: &[&str; 2]| Some([number(rank)?, number(count)?]);
    LAUNCHERS.iter().find_map(place).filter(|[_, count]| *count > 1)
}

/// Whether another process of the same job reports what happens.
pub(crate) fn is_follower() -> bool {
    launched().is_some_and(|[rank, _]| rank > 0)
}

/// Connects to the processes that were started together with this one; `None` if it is alone.
///
/// # Errors
/// There are others, but MPI does not connect them.
#[cfg(feature = "mpi")]
pub(crate) fn join() -> anyhow::Result<Option<World>> {
    launched().map(|[_, count]| World::of(count)).transpose()
}

/// Stands for a connection that this build does not have.
#[cfg(not(feature = "mpi"))]
pub(crate) enum World {}

#[cfg(not(feature = "mpi"))]
impl World {
    pub(crate) fn ranks(&self) -> Box<dyn simgan_train::Ranks> {
        match *self {}
    }

    pub(crate) fn is_first(&self) -> bool {
        match *self {}
    }

    pub(crate) fn abandon(self) {
        match self {}
    }
}

/// Connects to the processes that were started together with this one; `None` if it is alone.
///
/// # Errors
/// There are others: this build cannot connect to them.
#[cfg(not(feature = "mpi"))]
pub(crate) fn join() -> anyhow::Result<Option<World>> {
    match launched() {
        None => Ok(None),
        Some([_, count]) => {
            let message =
                format!("{count} processes were started together, but this build of simgan has no MPI");
            let hint = "start one process, or build with --features mpi";
            Err(crate::failure::usage(message).hint(hint).into())
        }
    }
}
