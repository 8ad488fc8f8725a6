//! The board: what a console needs to start. It follows the stream from the board's sequence on.

use std::sync::Arc;

use super::whoami::who;
use crate::api::{BoardView, Problem, ProblemCode, WholeView};
use crate::domain::ids::Seq;
use crate::domain::state::{Front, Place, Thing};
use crate::ledger::Ledger as _;
use crate::server::answer::{Answer, ROW, absent, apart, defect, json, unread};
use crate::server::gate::Call;
use crate::server::past;
use crate::server::query::Query;

/// `GET /v1/board`, a page of it; as it was at a sequence or a time, with `at`.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let (state, from) = match query.text("page") {
        Some(page) => {
            let (state, from) = pinned(&call, page)?;
            is_of_then(&call, &query, state.head()).await?;
            (state, from)
        }
        None => (call.front(&query).await?, None),
    };
    let seq = state.head();
    let record = call.space.handle().ledger().get(seq.0).await.map_err(|error| unread(&error))?;
    let record = record.ok_or_else(|| defect(format!("deed {seq} of the board is not in the ledger")))?;
    let you = who(&call, &query).await?;
    let board = &state.board;
    let rows = board.items.len() + board.alerts.len() + board.works.len() + board.tasks.len();
    apart(rows * ROW, || {
        let (board, rows, next) = if let Some(from) = from {
            let (rows, next) = state.board.rows(from);
            (None, Some(rows), next)
        } else {
            let (board, next) = state.board.first_page();
            (Some(Box::new(board)), None, next)
        };
        let next = next.map(|place| {
            call.space.pins().keep(Arc::clone(&state), &call.caller.principal.actor);
            format!("{seq}.{place}")
        });
        json(&BoardView { seq, hash: record.hash, board, rows, next, you })
    })
}

/// The moment that a page is of, and where in it the page begins: `4711.3.250`.
fn pinned(call: &Call, page: &str) -> Result<(Arc<Front>, Option<Place>), Box<Problem>> {
    let parts = page
        .split_once('.')
        .and_then(|(seq, place)| Some((seq.parse::<Seq>().ok()?, place.parse::<Place>().ok()?)));
    let problem = |code, detail: &str| Box::new(Problem::new(code, detail).at("query, `page`"));
    let (seq, place) =
        parts.ok_or_else(|| problem(ProblemCode::BadParameter, "it is not what `next` of a page said"))?;
    let front = call.space.pins().get(seq);
    let detail = format!("the board of deed {seq} was not asked for lately, or others were since");
    Ok((front.ok_or_else(|| problem(ProblemCode::PageGone, &detail))?, Some(place)))
}

/// A page is of its own moment; where `at` names one too, it is the same.
async fn is_of_then(call: &Call, query: &Query, page: Seq) -> Result<(), Box<Problem>> {
    let Some(then) = past::moment(call, query).await?.map(|moment| moment.front.head()) else {
        return Ok(());
    };
    if then == page {
        return Ok(());
    }
    let detail =
        format!("the page is of deed {page} and this of deed {then}: leave it out, a page knows its own");
    Err(Box::new(Problem::new(ProblemCode::BadParameter, detail).at("query, `at`")))
}

/// `GET /v1/board/{thing}`: one thing of it whole.
pub(in crate::server) async fn thing(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let thing = call.param::<Thing>("thing")?;
    let whole = state.board.whole(&thing).ok_or_else(|| absent(&thing))?;
    json(&WholeView { thing: whole, seq: state.head() })
}
