//! Who asks: the bearer token selects workspace and principal. Unknown ids take the same way as known ones, and secrets
//! are compared in constant time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderValue, header};
use subtle::ConstantTimeEq as _;

use super::App;
use super::spaces::Unreached;
use super::workspace::Workspace;
use crate::api::{Hash, Problem, ProblemCode, TokenText};
use crate::domain::command::Principal;
use crate::domain::ids::{Actor, AgentId, PersonId};
use crate::domain::map::Model;
use crate::domain::things::{TokenClass, TokenRecord};
use crate::domain::time::Time;

/// How many failed tries an address has in [`FAILURE_WINDOW`] before it is told to wait.
const FAILURES: u32 = 30;
/// The window that failed tries are counted in.
const FAILURE_WINDOW: Duration = Duration::from_mins(1);
/// Most addresses that are counted; beyond that all share one count.
const FAILURE_ADDRESSES: usize = 4_096;
/// What an unknown id's secret is compared with; no secret has this hash.
const NOBODY: [u8; 64] = [b'-'; 64];

/// Who asks, and of which workspace.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) principal: Principal,
    pub(super) record: Arc<TokenRecord>,
}

impl Caller {
    /// The person, where it is one.
    pub(super) fn person(&self) -> Option<&PersonId> {
        self.principal.actor.person()
    }

    /// The agent, where it is one.
    pub(super) fn agent(&self) -> Option<&AgentId> {
        self.principal.actor.agent()
    }
}

/// Finds out who asks.
pub(super) async fn authenticate(
    app: &App,
    headers: &HeaderMap,
    peer: IpAddr,
) -> Result<(Caller, Arc<Workspace>), Box<Problem>> {
    let mut outcome = identify(app, headers).await;
    if let Err(problem) = &outcome
        && problem.status == ProblemCode::BadToken.status()
        && let Some(space) = app.behind(headers, peer).await
        && space.handle().catch_up().await.is_ok()
    {
        outcome = identify(app, headers).await;
    }
    match outcome {
        Err(problem) if problem.status == ProblemCode::BadToken.status() => {
            Err(app.too_many_of(peer).unwrap_or(problem))
        }
        outcome => outcome,
    }
}

impl App {
    /// The workspace of a token, where another node may have made the token a moment ago. Whoever has failed too often is not looked
    /// for.
    async fn behind(&self, headers: &HeaderMap, peer: IpAddr) -> Option<Arc<Workspace>> {
        self.workspaces.cluster()?;
        if self.failures.are_too_many(peer, Instant::now()) {
            return None;
        }
        let workspace = bearer(headers.get(header::AUTHORIZATION)?)?.parse::<TokenText>().ok()?.workspace;
        self.workspaces.reach(&workspace, None).await.ok()
    }

    /// Who sent what opens nothing, as everybody is told; counted.
    pub(super) fn turned_away(&self, peer: IpAddr, detail: &str) -> Box<Problem> {
        self.too_many_of(peer).unwrap_or_else(|| Box::new(Problem::new(ProblemCode::BadToken, detail)))
    }

    /// Counts a failed try; the problem, where there were too many.
    fn too_many_of(&self, peer: IpAddr) -> Option<Box<Problem>> {
        if self.failures.count(peer, Instant::now()) {
            return None;
        }
        let detail = format!("more than {FAILURES} within a minute from {peer}");
        Some(Box::new(Problem::new(ProblemCode::TooManyFailures, detail)))
    }
}

/// The token of a header that has one.
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

async fn identify(app: &App, headers: &HeaderMap) -> Result<(Caller, Arc<Workspace>), Box<Problem>> {
    let problem = |code, detail: &str| Box::new(Problem::new(code, detail).at("header Authorization"));
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Err(problem(ProblemCode::NoToken, "the request has no `Authorization` header"));
    };
    let Some(token) = bearer(value) else {
        return Err(problem(ProblemCode::NoToken, "the `Authorization` header is no `Bearer` token"));
    };
    let token: TokenText =
        token.parse().map_err(|error| problem(ProblemCode::BadToken, &format!("{error}")))?;
    // The same of a workspace that does not open as of one that is not there: who has shown no good token is told of neither.
    let opens_nothing = || {
        let detail = "the token opens nothing here: it is unknown, or its workspace does not open; the server's log says which";
        problem(ProblemCode::BadToken, detail)
    };
    if app.workspaces.cluster().is_some_and(|cluster| cluster.is_blind()) {
        return Err(behind());
    }
    let hash = token.hash();
    let (space, state) = match app.workspaces.reach(&token.workspace, Some(&hash)).await {
        Ok(space) => {
            let state = space.handle().front();
            (Some(space), Some(state))
        }
        Err(Unreached::Broken) => {
            tracing::info!(workspace = %token.workspace, "asked for, and it does not open");
            (None, None)
        }
        Err(Unreached::Absent) => (None, None),
        Err(why @ (Unreached::Slow | Unreached::Crowded | Unreached::Full(_) | Unreached::Ending)) => {
            return Err(why.problem(&token.workspace));
        }
    };
    let record = state.as_ref().and_then(|state| state.tokens.get(&token.id));
    let expected = record.map_or(NOBODY.as_slice(), |record| record.token.hash.as_bytes());
    let matches: bool = Hash(hash).digits().as_slice().ct_eq(expected).into();
    let (Some(space), Some(state), Some(record), true) = (space, &state, record, matches) else {
        return Err(opens_nothing());
    };
    if record.token.class != token.class {
        return Err(opens_nothing());
    }
    live(record, app.clock().now()).map_err(|problem| Box::new(problem.at("header Authorization")))?;
    let principal = principal(record, state.board.map.model()).ok_or_else(opens_nothing)?;
    Ok((Caller { principal, record: Arc::clone(record) }, space))
}

/// What this node shows may lack what was recorded, such as that a token has ended.
pub(super) fn behind() -> Box<Problem> {
    let detail =
        "this node has not heard of the database for too long to know what other nodes have recorded";
    Box::new(Problem::new(ProblemCode::Behind, detail))
}

/// Whether the token still opens the door.
pub(super) fn live(record: &TokenRecord, now: Time) -> Result<(), Box<Problem>> {
    if record.is_live(now) {
        return Ok(());
    }
    let detail = match (record.revoked, record.token.expires) {
        (Some(at), _) => format!("the token {} was revoked at {at}", record.token.id),
        (None, Some(at)) => format!("the token {} expired at {at}", record.token.id),
        (None, None) => format!("the token {} has ended", record.token.id),
    };
    Err(Box::new(Problem::new(ProblemCode::TokenEnded, detail)))
}

/// Who it is: where the map knows whose account that is, the person.
fn principal(record: &TokenRecord, model: &Model) -> Option<Principal> {
    let token = &record.token;
    let actor = match token.class {
        TokenClass::Agent => Actor::Agent(AgentId::new(&token.name).ok()?),
        TokenClass::Watcher | TokenClass::Reviewer | TokenClass::Admin | TokenClass::Guard => {
            Actor::Person(model.person_of(&PersonId::new(&token.name).ok()?).clone())
        }
    };
    Some(Principal { actor, class: token.class, token: Some(token.id.clone()) })
}

/// Failed tries by address. A valid token always passes: guessing 256 bits is hopeless, so that what is limited is the
/// noise.
#[derive(Debug, Default)]
pub(super) struct Failures {
    counts: Mutex<HashMap<Option<IpAddr>, (u32, Instant)>>,
}

impl Failures {
    /// Whether there were too many from there.
    fn are_too_many(&self, peer: IpAddr, now: Instant) -> bool {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = counts.get(&Some(peer)).or_else(|| counts.get(&None));
        counted
            .is_some_and(|(count, since)| *count >= FAILURES && now.duration_since(*since) < FAILURE_WINDOW)
    }

    /// Counts one. False: there were too many.
    fn count(&self, peer: IpAddr, now: Instant) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.len() >= FAILURE_ADDRESSES {
            counts.retain(|_, (_, since)| now.duration_since(*since) < FAILURE_WINDOW);
        }
        let room = counts.len() < FAILURE_ADDRESSES || counts.contains_key(&Some(peer));
        let entry = counts.entry(room.then_some(peer)).or_insert((0, now));
        if now.duration_since(entry.1) >= FAILURE_WINDOW {
            *entry = (0, now);
        }
        entry.0 = entry.0.saturating_add(1);
        entry.0 <= FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_by_address_within_a_window() {
        let failures = Failures::default();
        let start = Instant::now();
        let one = IpAddr::from([127, 0, 0, 1]);
        assert!((0..FAILURES).all(|_| failures.count(one, start)));
        assert!(!failures.count(one, start));
        assert!(failures.count(IpAddr::from([127, 0, 0, 2]), start));
        assert!(failures.are_too_many(one, start) && !failures.are_too_many(one, start + FAILURE_WINDOW));
        assert!(failures.count(one, start + FAILURE_WINDOW));
    }

    #[test]
    fn the_count_of_addresses_is_bounded() {
        let failures = Failures::default();
        let start = Instant::now();
        for n in 0..10_000_u32 {
            failures.count(IpAddr::from(n.to_be_bytes()), start);
        }
        assert!(failures.counts.lock().unwrap().len() <= FAILURE_ADDRESSES + 1);
    }
}
