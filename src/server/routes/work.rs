//! An agent's work stream: listed, shown and waited for. Taking is in `take`.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::scope::agent_meant;
use crate::api::{Problem, ProblemCode, WorkList, WorkView};
use crate::domain::ids::{AgentId, Seq, WorkNo};
use crate::domain::sight::Sight;
use crate::domain::state::{Front, Thing};
use crate::domain::things::Work;
use crate::domain::time::Span;
use crate::server::answer::{Answer, absent, json};
use crate::server::auth::live;
use crate::server::gate::Call;
use crate::server::pages::Page;

/// The longest wait for work to come.
const LONGEST_WAIT: Span = Span::from_secs(60);

/// `GET /v1/work?after=…&wait=20s`: open work above that number, oldest first; waits for some to come.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let agent = agent_meant(&call, query.get("agent")?)?;
    let after = query.get::<WorkNo>("after")?.unwrap_or_default();
    let wait = query.get::<Span>("wait")?.unwrap_or_default();
    let until = wait_until(wait, ProblemCode::BadParameter, "query, `wait`")?;
    if wait > Span::default() && query.text("at").is_some() {
        let detail = "nothing comes to the past: leave `wait` out, or `at`";
        return Err(Box::new(Problem::new(ProblemCode::BadParameter, detail).at("query, `wait`")));
    }
    let mut page = Page::of(&call, &query).await?;
    if wait > Span::default() && page.is_first() {
        let _place = call.space.watch_place(&call.caller.principal)?;
        while open_work(&page.front, &agent, after).next().is_none() {
            match news(&call, page.front.head(), until).await? {
                Some(news) => page.front = news,
                None => break,
            }
        }
    }
    let works = open_work(&page.front, &agent, after);
    let seen = |work| as_seen(&call, &page.front, work);
    let taken = page.take_brief(&call, works, seen, |work| Thing::Work(work.no));
    json(&WorkList { works: taken.rows, seq: page.front.head(), cut: taken.cut, next: taken.next })
}

/// `GET /v1/work/{n}`: with all that it carries, while it is open. Another agent's looks like one that does not exist.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let no = call.param::<WorkNo>("n")?;
    let state = call.front(&query).await?;
    let own = |work: &&Arc<Work>| call.caller.agent().is_none_or(|agent| work.agent == *agent);
    let work = state.board.works.get(&no).filter(own).and_then(|work| as_seen(&call, &state, work));
    let work = work.ok_or_else(|| absent(format!("open work {no} that you may see")))?;
    json(&WorkView { work, seq: state.head() })
}

/// A work item as the caller may see it: an agent what neither the map of that state nor the one in force hides.
pub(super) fn as_seen(call: &Call, state: &Front, work: &Arc<Work>) -> Option<Arc<Work>> {
    let Some(agent) = call.caller.agent() else { return Some(Arc::clone(work)) };
    let seen = Sight::now(agent, &state.board.map).work(work)?;
    Sight::now(agent, &call.space.handle().front().board.map).work(&seen)
}

fn open_work<'a>(state: &'a Front, agent: &'a AgentId, after: WorkNo) -> impl Iterator<Item = &'a Arc<Work>> {
    state.board.work_of(agent).filter(move |work| work.no > after)
}

/// When a wait of this length is over.
pub(super) fn wait_until(wait: Span, code: ProblemCode, place: &str) -> Result<Instant, Box<Problem>> {
    if wait > LONGEST_WAIT {
        return Err(Box::new(Problem::new(code, format!("at most {LONGEST_WAIT} are waited")).at(place)));
    }
    Ok(Instant::now() + Duration::from_micros(u64::try_from(wait.micros()).unwrap_or(0)))
}

/// The state once it is past `seen`; none where the wait is over or the server goes down.
pub(super) async fn news(call: &Call, seen: Seq, until: Instant) -> Result<Option<Arc<Front>>, Box<Problem>> {
    let mut closing = call.app.closing.clone();
    let token = &call.caller.record.token;
    // A token that ends by itself ends the wait; nothing is recorded then that would wake it.
    let until = match token.expires {
        None => until,
        Some(end) => {
            let left = end.since(call.app.clock().now()).micros();
            until.min(Instant::now() + Duration::from_micros(u64::try_from(left).unwrap_or(0)))
        }
    };
    let next = call.space.handle().reached(seen.next());
    let state = tokio::select! {
        _ = closing.wait_for(|closing| *closing) => return Ok(None),
        reached = timeout_at(until, next) => reached.ok(),
    };
    // What came after the token ended is not for it.
    let now = state.as_ref().map_or_else(|| call.space.handle().front(), Arc::clone);
    live(now.tokens.get(&token.id).unwrap_or(&call.caller.record), call.app.clock().now())?;
    Ok(state)
}
