//! Calls of tools: asked for, told, and where they stand.

use std::cmp::Reverse;
use std::sync::Arc;

use super::work::{news, wait_until};
use crate::api::{CallAsked, CallBody, CallList, CallMadeBody, Problem, ProblemCode, ToolList, parse_exact};
use crate::domain::command::{CallOrder, CallStep, Command, Request};
use crate::domain::decide::{Answer as Decided, decide};
use crate::domain::ids::AgentId;
use crate::domain::rule::tool;
use crate::domain::sight::Sight;
use crate::domain::state::{Front, State};
use crate::domain::things::{CallStage, CallState, call_key};
use crate::domain::time::{Span, Time};
use crate::server::answer::{Answer, json, unseen};
use crate::server::gate::Call;
use crate::server::pages::{Page, Row, split};

/// `GET /v1/tools?server=…`: what the map says of a server's tools.
pub(in crate::server) async fn tools(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let board = &page.front.board;
    let model = board.map.model();
    let server = query.text("server");
    let named = |glob: &str| server.is_none_or(|server| crate::domain::map::names(glob, server));
    let offered = board.offered.iter().filter(|(name, _)| server.is_none_or(|server| server == &***name));
    let rows = model.tools.iter().filter(|row| named(&row.server)).map(Row::First);
    let taken = page.take(&call, rows.chain(offered.map(|(_, seen)| Row::Second(seen))), Some);
    let (tools, offered) = split(taken.rows);
    json(&ToolList {
        tools: tools.into_iter().cloned().collect(),
        unmapped: model.unmapped,
        offered: offered.into_iter().cloned().collect(),
        map_version: board.map_version,
        seq: page.front.head(),
        next: taken.next,
    })
}

/// `POST /v1/calls/ask`: what would be said to a call. Nothing is recorded.
pub(in crate::server) async fn ask(call: Call) -> Answer {
    let order = parse_exact::<CallBody>(&call.body)?.order()?;
    let principal = call.caller.principal.clone();
    let asked = call.space.handle().suppose(move |state, now| {
        let request = Request::new(principal, Command::Call(CallStep::Make(order.clone())));
        supposed(state, &order, &request, now)
    });
    let asked = asked.await.map_err(|error| unseen(&error))?;
    asked.map_or_else(
        || Err(crate::server::answer::defect("nothing was decided".to_owned())),
        |asked| json(&asked),
    )
}

fn supposed(state: &State, order: &CallOrder, request: &Request, now: Time) -> Option<CallAsked> {
    let Decided::Reply(reply) = decide(state, request, now).answer else { return None };
    let named = (&*order.server, &*order.tool);
    let meaning = tool::meaning(state.board.map.model(), named, &order.arguments, order.root.as_deref()).ok();
    Some(CallAsked {
        reply: *reply,
        does: meaning.as_ref().and_then(tool::Meaning::does),
        entity: meaning.as_ref().and_then(|meaning| meaning.entity().cloned()),
        digest: order.arguments.digest(&order.server, &order.tool),
        head: state.head(),
    })
}

/// `POST /v1/calls`: may it be forwarded? Decided and recorded.
pub(in crate::server) async fn make(call: Call) -> Answer {
    let order = parse_exact::<CallBody>(&call.body)?.order()?;
    call.command(Command::Call(CallStep::Make(order))).await
}

/// `POST /v1/calls/made`: a call that needed no leave was forwarded.
pub(in crate::server) async fn made(call: Call) -> Answer {
    let made = parse_exact::<CallMadeBody>(&call.body)?.made()?;
    call.command(Command::Call(CallStep::Made(made))).await
}

/// `GET /v1/calls?digest=…&wait=20s`: where calls stand, the latest first; with a digest the one call, once it has gone on.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let own = call.caller.agent().cloned();
    let agent = own.clone().or(query.get::<AgentId>("agent")?);
    let digest = query.text("digest").map(str::to_owned);
    let wait = query.get::<Span>("wait")?.unwrap_or_default();
    let until = wait_until(wait, ProblemCode::BadParameter, "query, `wait`")?;
    if wait > Span::default() && (query.text("at").is_some() || digest.is_none() || agent.is_none()) {
        let detail = "a wait is for one call of now: name its `digest`, and no `at`";
        return Err(Box::new(Problem::new(ProblemCode::BadParameter, detail).at("query, `wait`")));
    }
    let mut page = Page::of(&call, &query).await?;
    if let (Some(digest), Some(agent)) = (&digest, &agent) {
        let _place =
            (wait > Span::default()).then(|| call.space.watch_place(&call.caller.principal)).transpose()?;
        let stands = |state: &Front| state.board.call(&call_key(agent, digest)).map(|one| one.stage);
        while wait > Span::default() && stands(&page.front).is_some_and(CallStage::goes_on) {
            match news(&call, page.front.head(), until).await? {
                Some(news) => page.front = news,
                None => break,
            }
        }
    }
    let fits = |one: &&Arc<CallState>| {
        agent.as_ref().is_none_or(|agent| one.agent == *agent)
            && digest.as_ref().is_none_or(|digest| *one.mark.digest == **digest)
    };
    let sees = |one: &&Arc<CallState>| own.as_ref().is_none_or(|own| sees(&call, own, &page.front, one));
    let calls: Vec<&Arc<CallState>> = page.front.board.calls_known().filter(fits).collect();
    let calls = page.in_order(calls, |one| Reverse(one.deed));
    let taken = page.take(&call, calls, |one| Some(one).filter(sees).map(Arc::clone));
    json(&CallList { calls: taken.rows, seq: page.front.head(), next: taken.next })
}

/// An agent sees its own, under the map of that state and the one in force.
fn sees(call: &Call, agent: &AgentId, state: &Front, one: &CallState) -> bool {
    Sight::now(agent, &state.board.map).sees_call(one)
        && Sight::now(agent, &call.space.handle().front().board.map).sees_call(one)
}
