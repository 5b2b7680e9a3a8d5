use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

/// A number of bytes that threads share: whoever needs memory acquires it first, and waits while others hold
/// too much.
///
/// A request for more than the whole is granted once nothing is held, so that one large image is let through
/// alone. A thread that holds a [`Permit`] must not wait for another of the same budget.
///
/// ```
/// let budget = simgan_data::Budget::new(100);
/// let held = budget.acquire(80);
/// assert!(budget.try_acquire(30).is_none());
/// drop(held);
/// assert!(budget.try_acquire(1000).is_some(), "alone");
/// ```
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug)]
struct State {
    limit: u64,
    held: u64,
}

/// Bytes of a [`Budget`], given back when dropped.
#[derive(Debug)]
pub struct Permit {
    shared: Arc<Shared>,
    n_bytes: u64,
}

/// Bytes of [`Budget::decoding`] until it is set.
const DECODING: u64 = 1 << 30;

impl Budget {
    /// A budget of `limit` bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        let state = Mutex::new(State { limit, held: 0 });
        Self(Arc::new(Shared { state, freed: Condvar::new() }))
    }

    /// The budget of all image files that the process is decoding: memory is the process's. It is 1 GiB unless
    /// [`Budget::set_limit`] is called.
    #[must_use]
    pub fn decoding() -> &'static Self {
        static BUDGET: OnceLock<Budget> = OnceLock::new();
        BUDGET.get_or_init(|| Self::new(DECODING))
    }

    /// Changes the number of bytes. What is held already stays.
    pub fn set_limit(&self, limit: u64) {
        self.0.lock().limit = limit;
        self.0.freed.notify_all();
    }

    /// The number of bytes.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.0.lock().limit
    }

    /// Waits until `n_bytes` are free, or until nothing is held.
    #[must_use]
    pub fn acquire(&self, n_bytes: u64) -> Permit {
        let state = self.0.lock();
        let full = |state: &mut State| !state.has_room(n_bytes);
        let mut state = self.0.freed.wait_while(state, full).unwrap_or_else(PoisonError::into_inner);
        self.permit(&mut state, n_bytes)
    }

    /// [`Budget::acquire`] without waiting; `None` if too much is held.
    #[must_use]
    pub fn try_acquire(&self, n_bytes: u64) -> Option<Permit> {
        let mut state = self.0.lock();
        state.has_room(n_bytes).then(|| self.permit(&mut state, n_bytes))
    }

    fn permit(&self, state: &mut State, n_bytes: u64) -> Permit {
        state.held = state.held.saturating_add(n_bytes);
        Permit { shared: Arc::clone(&self.0), n_bytes }
    }
}

impl State {
    fn has_room(&self, n_bytes: u64) -> bool {
        self.held == 0 || self.held.saturating_add(n_bytes) <= self.limit
    }
}

impl Shared {
    /// Poisoning is ignored: nothing panics while holding the lock.
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.held = state.held.saturating_sub(self.n_bytes);
        self.shared.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn never_more_is_held_than_the_limit_or_one_alone() {
        let (budget, held) = (Budget::new(100), AtomicU64::new(0));
        thread::scope(|scope| {
            for thread in 0..8u64 {
                let (budget, held) = (&budget, &held);
                scope.spawn(move || {
                    for i in 0..200 {
                        let n_bytes = (thread * 37 + i * 11) % 130;
                        let permit = budget.acquire(n_bytes);
                        let now = held.fetch_add(n_bytes, Ordering::SeqCst) + n_bytes;
                        assert!(now <= 100 || now == n_bytes, "{now}");
                        held.fetch_sub(n_bytes, Ordering::SeqCst);
                        drop(permit);
                    }
                });
            }
        });
        assert_eq!(budget.0.lock().held, 0);
    }

    #[test]
    fn a_larger_limit_lets_those_who_wait_go_on() {
        let budget = Budget::new(10);
        let first = budget.acquire(10);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| drop(budget.acquire(10)));
            budget.set_limit(20);
            assert!(waiting.join().is_ok());
        });
        drop(first);
        assert_eq!(budget.limit(), 20);
    }
}
