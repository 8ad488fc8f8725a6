//! What one principal may have in this server at once: requests, their bodies, and answers that it does not read. Who has
//! that much waits for its own, and is told to come again; nobody else notices.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::auth::Caller;
use crate::api::{Problem, ProblemCode};
use crate::coordinator::{Mixed, Standing};
use crate::domain::ids::{Actor, WorkspaceId};

/// How many requests of one agent are taken at once, long polls included; of a person so many times more.
const REQUESTS: usize = 256;
/// How many bytes of bodies and of unread answers one agent may have here at once; of a person so many times more.
const BYTES: usize = 16 * 1024 * 1024;
/// How many of one agent's requests are worked on at once while others want something too; the rest waits its turn.
const AT_WORK: usize = 4;
/// A request counts once more for each so many bytes of its body: reading it and answering takes as much longer. Large ones wait
/// their turns whoever else is there, and come to one at a time.
const HEAVY: usize = 2 * 1024;
/// How many looks of one agent are worked on at once, whoever else is there: an answer may be large, and is counted only when it
/// is made.
const LOOKS: usize = 4;
/// How much more people may have.
const OF_PEOPLE: usize = 4;
/// How much of an answer is handed to its connection at a time.
const PIECE: usize = 64 * 1024;
/// How long a request waits for bytes of its principal's own.
const WAIT: Duration = Duration::from_secs(5);
/// So many principals are remembered although nothing of them is here.
const REMEMBERED: usize = 1_024;

/// Everybody's load, by workspace and principal.
#[derive(Debug, Default)]
pub(super) struct Admission {
    /// Requests in a second, of one agent; without any there is no such limit.
    rate: Option<u32>,
    loads: Mutex<HashMap<Who, Arc<Load>>>,
    mixed: Mutex<Mixed<Who>>,
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
        Self { rate, loads: Mutex::default(), mixed: Mutex::default() }
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
        let light = !is_look && bytes < HEAVY && !self.mixed().is_shared();
        if pass.load.standing == Standing::Person || light {
            return Ok(());
        }
        let (turns, most) = if is_look { (&pass.load.looks, LOOKS) } else { (&pass.load.work, AT_WORK) };
        let weight = u32::try_from((1 + bytes / HEAVY).min(most)).unwrap_or(1);
        // It is never closed; without a turn the request goes on like before.
        pass.turn = Arc::clone(turns).acquire_many_owned(weight).await.ok();
        pass.carry(0).await
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
            let (work, looks) = (Arc::new(Semaphore::new(AT_WORK)), Arc::new(Semaphore::new(LOOKS)));
            Arc::new(Load {
                now: Mutex::default(),
                eased: Notify::new(),
                work,
                looks,
                standing,
                requests,
                bytes,
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
        let free = now.bytes == 0 || now.bytes.saturating_add(bytes) <= self.bytes;
        if free {
            now.bytes += bytes;
        }
        free
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
            if timeout_at(until, eased).await.is_err() {
                let detail = format!(
                    "bodies and unread answers of yours take {} bytes here, {} is the most",
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
        self.load.lock().bytes += bytes;
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
