//! The connection by MPI.

use std::mem;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use mpi::Threading;
use mpi::collective::SystemOperation;
use mpi::environment::Universe;
use mpi::topology::SimpleCommunicator;
use mpi::traits::{Communicator, CommunicatorCollectives, Root};
use simgan_data::Hinted;
use simgan_train::{Ranks, RanksError};

/// All processes of the job. MPI ends with this value.
pub(crate) struct World {
    universe: Universe,
}

impl World {
    /// Initializes MPI, which must know of `count` processes.
    pub(super) fn of(count: usize) -> Result<Self> {
        // Only the main thread calls MPI, but there are others.
        let Some((universe, _)) = mpi::initialize_with_threading(Threading::Funneled) else {
            bail!("MPI was initialized before");
        };
        let found = universe.world().size();
        if usize::try_from(found).ok() != Some(count) {
            let message = format!("{count} processes were started together, but MPI knows of {found}");
            bail!(Hinted::new(message, "use the launcher of the MPI that simgan was built with"));
        }
        Ok(Self { universe })
    }

    pub(crate) fn ranks(&self) -> Box<dyn Ranks> {
        Box::new(Processes { joined: Instant::now(), exchanging: Duration::ZERO })
    }

    pub(crate) fn is_first(&self) -> bool {
        self.universe.world().rank() == 0
    }

    /// Leaves the others without a farewell, for which they could wait for ever: the launcher ends a job in which
    /// a process fails like that.
    pub(crate) fn abandon(self) {
        mem::forget(self.universe);
    }
}

/// One process among the others. A communicator cannot be kept here, since it may not change threads.
struct Processes {
    joined: Instant,
    /// Time spent on exchanging numbers, waiting for the others included.
    exchanging: Duration,
}

impl Drop for Processes {
    fn drop(&mut self) {
        let (all, own) = (self.joined.elapsed().as_secs_f64(), self.exchanging.as_secs_f64());
        tracing::debug!(
            "process {}: {own:.1} of {all:.1} s to exchange gradients and wait for others",
            self.rank()
        );
    }
}

impl Ranks for Processes {
    fn rank(&self) -> usize {
        // MPI numbers from 0.
        SimpleCommunicator::world().rank().unsigned_abs() as usize
    }

    fn count(&self) -> usize {
        SimpleCommunicator::world().size().unsigned_abs() as usize
    }

    /// Adds on one rank and sends the result to all, since an all-reduce need not give all of them the same bits.
    fn sum(&mut self, values: &mut [f32]) -> Result<(), RanksError> {
        let begun = Instant::now();
        let world = SimpleCommunicator::world();
        let root = world.process_at_rank(0);
        if world.rank() == 0 {
            let own = values.to_vec();
            root.reduce_into_root(&own[..], values, SystemOperation::sum());
        } else {
            root.reduce_into(&*values, SystemOperation::sum());
        }
        root.broadcast_into(values);
        self.exchanging += begun.elapsed();
        Ok(())
    }

    fn gather(&mut self, own: &[f32]) -> Result<Vec<f32>, RanksError> {
        let begun = Instant::now();
        let mut all = vec![0.0; own.len() * self.count()];
        SimpleCommunicator::world().all_gather_into(own, &mut all[..]);
        self.exchanging += begun.elapsed();
        Ok(all)
    }
}
