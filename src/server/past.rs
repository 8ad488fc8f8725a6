//! What `at` names: a moment of the past, with the board as it was then. Hidden is what was hidden then and what is
//! hidden now.

use std::sync::Arc;

use super::answer::defect;
use super::gate::Call;
use super::query::Query;
use super::routes::ledger::next_deeds;
use super::workspace::Workspace;
use crate::api::{AsOf, PAGE_LIMIT, Problem, ProblemCode};
use crate::coordinator::PastError;
use crate::domain::deed::Deed;
use crate::domain::filter::{At, Filter};
use crate::domain::ids::{AgentId, Seq};
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::sight::Sight;
use crate::domain::state::{Front, State};
use crate::domain::time::Time;
use crate::index::PageFrom;

/// Where in the request it stands.
const PLACE: &str = "query, `at`";

/// A moment of the past.
#[derive(Debug)]
pub(super) struct Moment {
    /// The board as it was; no tokens.
    pub(super) front: Arc<Front>,
    /// What it stands for.
    pub(super) as_of: AsOf,
}

/// The moment that the query's `at` names, if it names one.
pub(super) async fn moment(call: &Call, query: &Query) -> Result<Option<Moment>, Box<Problem>> {
    let Some(text) = query.text("at") else { return Ok(None) };
    let wrong = |code, detail: String| Box::new(Problem::new(code, detail).at(PLACE));
    if query.text("min_seq").is_some() {
        let detail = "`at` looks at the past, `min_seq` waits for what comes: ask for one of them";
        return Err(wrong(ProblemCode::BadParameter, detail.to_owned()));
    }
    let handle = call.space.handle();
    let at = At::parse(text, call.app.clock().now())
        .map_err(|error| wrong(ProblemCode::BadParameter, error.to_string()))?;
    let asked = match at {
        At::Seq(seq) => Ok(seq),
        At::Time(time) => handle.seq_at(time).await,
        At::Happened(_) => Err(PastError::Empty),
    };
    let (asked, happened) = match (at, asked) {
        (At::Happened(time), _) => (nothing_happened(happened(call, time).await?, time), true),
        // Nothing was recorded by then; a history that was taken in may reach back there.
        (At::Time(time), Err(before @ PastError::BeforeFirst { .. })) => match happened(call, time).await? {
            Some(seq) => (Ok(seq), true),
            None => (Err(unseen(&before)), false),
        },
        (At::Seq(_) | At::Time(_), asked) => (asked.map_err(|error| unseen(&error)), false),
    };
    let board = handle.board_at(asked?).await.map_err(|error| unseen(&error))?;
    let time = match at {
        At::Seq(_) => board.recorded,
        At::Time(time) | At::Happened(time) => time,
    };
    let as_of = AsOf { seq: board.head, time, happened };
    let front = Front::of_board((*board).clone());
    Ok(Some(Moment { front: Arc::new(front), as_of }))
}

/// The last deed that happened by then, whenever it was recorded.
async fn happened(call: &Call, time: Time) -> Result<Option<Seq>, Box<Problem>> {
    let filter = Filter::parse(&format!("until:{time}"), time)
        .map_err(|error| defect(format!("a time can't be looked for: {error}")))?;
    call.space.index_reached(call.space.handle().front().board.head).await?;
    let page = call.space.ask_index(move |index| index.page(&filter, PageFrom::Newest, 1)).await?;
    Ok(page.seqs.first().copied())
}

fn nothing_happened(found: Option<Seq>, time: Time) -> Result<Seq, Box<Problem>> {
    let none = || Problem::new(ProblemCode::OutOfHistory, format!("nothing happened by {time}")).at(PLACE);
    found.ok_or_else(|| Box::new(none()))
}

/// Why the past can't be seen.
fn unseen(error: &PastError) -> Box<Problem> {
    let code = match error {
        PastError::Beyond { .. } | PastError::BeforeFirst { .. } | PastError::Empty => {
            ProblemCode::OutOfHistory
        }
        PastError::Trouble(_) => ProblemCode::Unavailable,
        PastError::Defect(_) => ProblemCode::Defect,
    };
    let problem = Problem::new(code, error.to_string());
    Box::new(if code == ProblemCode::OutOfHistory { problem.at(PLACE) } else { problem })
}

/// The time that it is for this question: the one that `at` names, or now.
pub(super) async fn now(call: &Call, query: &Query) -> Result<Time, Box<Problem>> {
    let moment = moment(call, query).await?;
    Ok(moment.map_or_else(|| call.app.clock().now(), |moment| moment.as_of.time))
}

/// Whether the map of then, or the one in force, keeps this from the caller.
pub(super) fn hidden(call: &Call, then: &Front, entity: &EntityPath, field: &FieldName) -> bool {
    let now = call.space.handle().front();
    let hides = |front: &Front, agent: &AgentId| Sight::now(agent, &front.board.map).hides(entity, field);
    call.caller.agent().is_some_and(|agent| hides(then, agent) || hides(&now, agent))
}

/// The state as it was, with the entity as it was: folded from its own deeds.
pub(super) async fn with_entity(
    space: &Workspace,
    moment: Moment,
    entity: &EntityPath,
) -> Result<State, Box<Problem>> {
    let mut state = State::of_board(moment.front.board.clone());
    let until = state.head();
    space.index_reached(until).await?;
    for page in pages(space, entity, until).await?.into_iter().rev() {
        let mut left = page.as_slice();
        while !left.is_empty() {
            for raw in next_deeds(space, &mut left).await? {
                let deed = Deed::decode(raw.deed.get().as_bytes())
                    .map_err(|error| defect(format!("deed {} can't be read: {error}", raw.seq)))?;
                state.fold_values(&deed);
            }
            // A long history lets others of the runtime have their turn.
            tokio::task::yield_now().await;
        }
    }
    Ok(state)
}

/// The deeds on an entity up to that one, in pages: the newest page first, each page oldest first.
async fn pages(space: &Workspace, entity: &EntityPath, until: Seq) -> Result<Vec<Vec<Seq>>, Box<Problem>> {
    let mut pages = Vec::new();
    let mut before = until.next();
    loop {
        let path = entity.clone();
        let found =
            space.ask_index(move |index| index.trace_entity(&path, None, Some(before), PAGE_LIMIT)).await?;
        match found.first() {
            Some(first) => before = *first,
            None => return Ok(pages),
        }
        pages.push(found);
    }
}
