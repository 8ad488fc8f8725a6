//! What one principal may have in this server at once: requests, their bodies, and answers that it does not read. Who has
//! that much waits for its own, and is told to come again; nobody else notices.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

use super::auth::Caller;
use crate::api::{Problem, ProblemCode};
use crate::coordinator::{Mixed, Standing};
use crate::domain::ids::{Actor, WorkspaceId};

/// How many requests of one agent are taken at once, long polls included; of a person so many times more.
const REQUESTS: usize = 256;
/// How many bytes of bodies and of unread answers one agent may have here at once; of a person so many times more.
const BYTES: usize = 16 * 1024 * 1024;
/// How many of all agents together, and as many of all people. Beyond that each may have one body or answer at a time.
const ALL_BYTES: usize = 256 * 1024 * 1024;
/// How many of one agent's requests are worked on at once while others want something too; the rest waits its turn.
const AT_WORK: usize = 4;
/// A command of so many bytes always waits for its turn. While others want something too it counts once more for each so many:
/// reading it and answering takes as much longer, so that large ones come to one at a time. A look always counts so.
const HEAVY: usize = 2 * 1024;
/// How many looks of one agent are worked on at once, whoever else is there, and of a person so many times more: an answer may be
/// large, and is counted only when it is made.
const LOOKS: usize = 4;
/// How much more people may have.
const OF_PEOPLE: usize = 4;
/// How many bytes large answers may take together while they are made, whoever asks; the next waits for its turn.
const MAKING: usize = 64 * 1024 * 1024;
/// How many bytes one permit for that stands for.
const PERMIT: usize = 4 * 1024;
/// How much of an answer is handed to its connection at a time.
const PIECE: usize = 64 * 1024;
/// How long a request waits for bytes of its principal's own.
const WAIT: Duration = Duration::from_secs(5);
/// How often it looks whether others have given bytes back.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// So many principals are remembered although nothing of them is here.
const REMEMBERED: usize = 1_024;

/// Everybody's load, by workspace and principal.
#[derive(Debug)]
pub(super) struct Admission {
    /// Requests in a second, of one agent; without any there is no such limit.
    rate: Option<u32>,
    loads: Mutex<HashMap<Who, Arc<Load>>>,
    mixed: Mutex<Mixed<Who>>,
    making: Semaphore,
    /// The bytes of all agents, and of all people.
    of_agents: Arc<AtomicUsize>,
    of_people: Arc<AtomicUsize>,
}

type Who = (WorkspaceId, Standing, Actor);

/// One principal's load.
#[derive(Debug)]
struct Load {
    now: Mutex<Now>,
    eased: Notify,
    work: Arc<Semaphore>,
    looks: Arc<Semaphore>,
    standing: Standing,
    requests: usize,
    bytes: usize,
    /// Those that all of its standing have.
    all: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Now {
    requests: usize,
    bytes: usize,
    /// Requests that may come at once, and when that was so.
    credit: f64,
    at: Option<Instant>,
}

/// A request that was let in; what it takes is given back when it is dropped.
#[derive(Debug)]
pub(super) struct Pass {
    load: Arc<Load>,
    bytes: usize,
    /// The turn it has, where turns are taken.
    turn: Option<OwnedSemaphorePermit>,
}

impl Admission {
    /// With so many requests a second for each agent.
    pub(super) fn new(rate: Option<u32>) -> Self {
        let making = Semaphore::new(MAKING / PERMIT);
        Self {
            rate,
            loads: Mutex::default(),
            mixed: Mutex::default(),
            making,
            of_agents: Arc::default(),
            of_people: Arc::default(),
        }
    }

    /// Lets a request in.
    ///
    /// # Errors
    /// When its principal has as many here as it may, or they come too fast.
    pub(super) fn enter(&self, caller: &Caller, workspace: &WorkspaceId) -> Result<Pass, Box<Problem>> {
        let standing = Standing::of(caller.principal.class);
        let who = (workspace.clone(), standing, caller.principal.actor.clone());
        self.mixed().saw(&who);
        let load = self.load(who);
        let mut now = load.lock();
        if now.requests >= load.requests {
            let detail = format!("{} requests of {} are here already", now.requests, caller.principal.actor);
            return Err(Box::new(Problem::new(ProblemCode::TooManyAtOnce, detail)));
        }
        if standing == Standing::Agent
            && let Some(rate) = self.rate
            && !now.spend(f64::from(rate))
        {
            let detail = format!("more than {rate} requests in a second from {}", caller.principal.actor);
            return Err(Box::new(Problem::new(ProblemCode::TooManyAtOnce, detail)));
        }
        now.requests += 1;
        drop(now);
        Ok(Pass { load, bytes: 0, turn: None })
    }

    /// Waits for the request's turn: a look's always, a command's where it is large or several principals want something.
    ///
    /// # Errors
    /// When meanwhile answers that are not read took all that its principal may have.
    pub(super) async fn turn(
        &self,
        pass: &mut Pass,
        is_look: bool,
        bytes: usize,
    ) -> Result<(), Box<Problem>> {
        let (turns, weight) = match (pass.load.standing, is_look) {
            (Standing::Person, false) => return Ok(()),
            (Standing::Person, true) => (&pass.load.looks, 1),
            (Standing::Agent, true) => (&pass.load.looks, (1 + bytes / HEAVY).min(LOOKS)),
            (Standing::Agent, false) => match (self.mixed().is_shared(), 1 + bytes / HEAVY) {
                (false, 1) => return Ok(()),
                (false, _) => (&pass.load.work, 1),
                (true, weight) => (&pass.load.work, weight.min(AT_WORK)),
            },
        };
        let weight = u32::try_from(weight).unwrap_or(1);
        // It is never closed; without a turn the request goes on like before.
        pass.turn = Arc::clone(turns).acquire_many_owned(weight).await.ok();
        pass.carry(0).await
    }

    /// Waits until an answer that takes so many bytes while it is made may be made; what takes more than there is waits for all of
    /// it. Whoever has it waits for nobody but the disk. Drop it when the answer is made: from then on it counts as unread.
    pub(super) async fn making(&self, bytes: usize) -> Option<SemaphorePermit<'_>> {
        let permits = u32::try_from((bytes / PERMIT).min(MAKING / PERMIT)).unwrap_or(u32::MAX);
        // It is never closed.
        self.making.acquire_many(permits).await.ok()
    }

    fn mixed(&self) -> MutexGuard<'_, Mixed<Who>> {
        self.mixed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn load(&self, who: Who) -> Arc<Load> {
        let mut loads = self.loads.lock().unwrap_or_else(PoisonError::into_inner);
        if loads.len() > REMEMBERED {
            loads.retain(|_, load| load.lock().requests > 0);
        }
        let standing = who.1;
        let times = if standing == Standing::Person { OF_PEOPLE } else { 1 };
        let new = || {
            let (requests, bytes) = (REQUESTS * times, BYTES * times);
            let (work, looks) = (Arc::new(Semaphore::new(AT_WORK)), Arc::new(Semaphore::new(LOOKS * times)));
            let all = match standing {
                Standing::Agent => &self.of_agents,
                Standing::Person => &self.of_people,
            };
            Arc::new(Load {
                now: Mutex::default(),
                eased: Notify::new(),
                work,
                looks,
                standing,
                requests,
                bytes,
                all: Arc::clone(all),
            })
        };
        Arc::clone(loads.entry(who).or_insert_with(new))
    }
}

impl Now {
    /// Takes one request off what may come at once.
    fn spend(&mut self, rate: f64) -> bool {
        let at = Instant::now();
        let since = self.at.replace(at).map_or(f64::INFINITY, |before| (at - before).as_secs_f64());
        self.credit = (self.credit + since * rate).min(rate.max(1.0));
        let may = self.credit >= 1.0;
        if may {
            self.credit -= 1.0;
        }
        may
    }
}

impl Load {
    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes so many bytes, if they are free; the first always are.
    fn take(&self, bytes: usize) -> bool {
        let mut now = self.lock();
        let fits = |taken: usize, most: usize| taken.saturating_add(bytes) <= most;
        let all = self.all.load(Ordering::Relaxed);
        let free = now.bytes == 0 || (fits(now.bytes, self.bytes) && fits(all, ALL_BYTES));
        if free {
            self.add(&mut now, bytes);
        }
        free
    }

    fn add(&self, now: &mut Now, bytes: usize) {
        now.bytes += bytes;
        self.all.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Pass {
    /// Makes room for a body of so many bytes, where need be by waiting until others of the same principal are done.
    ///
    /// # Errors
    /// When there is none in time.
    pub(super) async fn carry(&mut self, bytes: usize) -> Result<(), Box<Problem>> {
        let until = Instant::now() + WAIT;
        loop {
            let eased = self.load.eased.notified();
            if self.load.take(bytes) {
                self.bytes += bytes;
                return Ok(());
            }
            // Others say nothing when they give theirs back.
            let eased = timeout_at(until.min(Instant::now() + LOOK_AGAIN), eased).await.is_ok();
            if !eased && Instant::now() >= until {
                let detail = format!(
                    "bodies and unread answers of yours take {} bytes here, {} is the most, and {ALL_BYTES} of all",
                    self.load.lock().bytes,
                    self.load.bytes
                );
                return Err(Box::new(Problem::new(ProblemCode::TooManyAtOnce, detail)));
            }
        }
    }

    /// Counts an answer as long as it is not read. A stream counts by its place among the watchers instead.
    pub(super) fn attend(mut self, response: Response) -> Response {
        let Some(bytes) = HttpBody::size_hint(response.body()).exact() else { return response };
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.load.add(&mut self.load.lock(), bytes);
        self.bytes += bytes;
        self.turn = None;
        response.map(|body| Body::new(Attended { body, rest: Bytes::new(), _pass: self }))
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        let mut now = self.load.lock();
        now.requests -= 1;
        now.bytes -= self.bytes;
        drop(now);
        self.load.all.fetch_sub(self.bytes, Ordering::Relaxed);
        self.load.eased.notify_waiters();
    }
}

/// A body with the pass of its request. It goes out in pieces: whole, it would be with the connection at once, which lets go of the
/// pass while most of it waits there to be read.
struct Attended {
    body: Body,
    /// What is left of the frame that is going out.
    rest: Bytes,
    _pass: Pass,
}

impl HttpBody for Attended {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        if self.rest.is_empty() {
            let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
            match frame.map(|frame| frame.map(Frame::into_data)) {
                Some(Ok(Ok(data))) => self.rest = data,
                Some(Ok(Err(other))) => return Poll::Ready(Some(Ok(other))),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
        let piece = PIECE.min(self.rest.len());
        Poll::Ready(Some(Ok(Frame::data(self.rest.split_to(piece)))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        match self.body.size_hint().exact() {
            Some(bytes) => SizeHint::with_exact(bytes + rest),
            None => SizeHint::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(admission: &Admission, standing: Standing, number: usize) -> Arc<Load> {
        let agent = Actor::Agent(format!("wall-{number}").parse().unwrap());
        admission.load((WorkspaceId::new("tallyfern").unwrap(), standing, agent))
    }

    #[test]
    fn many_together_have_no_more_than_all_may_and_each_has_one_all_the_same() {
        let admission = Admission::new(None);
        let own = BYTES / 4;
        let mut taken = 0;
        for number in 0..64 {
            let load = load(&admission, Standing::Agent, number);
            taken += (0..8).filter(|_| load.take(own)).count();
        }
        let alone = ALL_BYTES / BYTES * 4;
        assert_eq!(taken, alone + 64 - ALL_BYTES / BYTES, "four of each until all have enough, then one");
        let person = load(&admission, Standing::Person, 0);
        assert!(person.take(own) && person.take(own), "people have room of their own");
        let pass = Pass { load: load(&admission, Standing::Agent, 0), bytes: 4 * own, turn: None };
        pass.load.lock().requests = 1;
        let other = load(&admission, Standing::Agent, 63);
        assert!(!other.take(own));
        drop(pass);
        // What it gave back is less than what is too much.
        assert!(!other.take(own));
        assert_eq!(admission.of_agents.load(Ordering::Relaxed), (taken - 4) * own);
    }

    #[tokio::test]
    async fn large_answers_are_made_by_turns_and_the_largest_alone() {
        let admission = Admission::new(None);
        let all = admission.making(usize::MAX).await;
        let next = timeout_at(Instant::now() + LOOK_AGAIN, admission.making(PERMIT)).await;
        assert!(all.is_some() && next.is_err(), "beside one that takes all of it none is made");
        drop(all);
        let two = (admission.making(MAKING / 2).await, admission.making(MAKING / 2).await);
        assert!(two.0.is_some() && two.1.is_some() && admission.making.available_permits() == 0);
    }
}
