//! The threads of all ledgers of the process: some that write, some that read, some that bring logs into their files. They come
//! when they are wanted, up to a bound each, and go when there is nothing to do for a while.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a thread waits for more to do before it ends.
const LINGER: Duration = Duration::from_secs(10);

/// What the disk is waited for by; each ledger has its own file.
pub(super) static WRITING: Threads = Threads::new("ledger-writer", 12);
/// Reading.
pub(super) static READING: Threads = Threads::new("ledger-reader", 8);
/// Bringing write-ahead logs into their files. Apart from those that write, which may wait for it.
pub(super) static TIDYING: Threads = Threads::new("ledger-tidy", 2);

type Job = Box<dyn FnOnce() + Send>;

/// Some threads, and what waits for them. Who puts in jobs bounds how many.
pub(super) struct Threads {
    name: &'static str,
    most: usize,
    state: Mutex<State>,
    come: Condvar,
}

struct State {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl Threads {
    const fn new(name: &'static str, most: usize) -> Self {
        let state = State { jobs: VecDeque::new(), threads: 0, idle: 0 };
        Self { name, most, state: Mutex::new(state), come: Condvar::new() }
    }

    /// Has it done by the next thread that is free.
    ///
    /// # Errors
    /// When there is no thread and none can be started.
    pub(super) fn run(&'static self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut state = self.lock();
        if state.idle <= state.jobs.len() && state.threads < self.most {
            let begun = thread::Builder::new().name(self.name.to_owned()).spawn(|| self.work());
            match begun {
                Ok(_) => state.threads += 1,
                Err(error) if state.threads == 0 => return Err(error),
                Err(_) => {}
            }
        }
        state.jobs.push_back(Box::new(job));
        drop(state);
        self.come.notify_one();
        Ok(())
    }

    fn work(&self) {
        while let Some(job) = self.next() {
            // Whoever waits for a job that broke sees that its answer does not come.
            catch_unwind(AssertUnwindSafe(job)).unwrap_or_default();
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            state.idle += 1;
            let (woken, waited) =
                self.come.wait_timeout(state, LINGER).unwrap_or_else(PoisonError::into_inner);
            state = woken;
            state.idle -= 1;
            if waited.timed_out() && state.jobs.is_empty() {
                state.threads -= 1;
                return None;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn all_is_done_by_as_many_threads_as_may_be_and_a_job_that_breaks_takes_none_along() {
        static FEW: Threads = Threads::new("few", 3);
        let (tell, told) = mpsc::channel();
        for number in 0..100 {
            let tell = tell.clone();
            FEW.run(move || {
                let name = thread::current().id();
                assert!(number % 10 != 0, "one that breaks");
                tell.send(name).unwrap();
            })
            .unwrap();
        }
        drop(tell);
        let by: std::collections::HashSet<_> = told.iter().collect();
        assert!(by.len() <= 3, "{by:?}");
        assert!(FEW.lock().threads <= 3);
    }
}
