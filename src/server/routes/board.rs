//! The board: what a console needs to start. It follows the stream from the board's sequence on.

use std::sync::Arc;

use super::whoami::who;
use crate::api::{BoardView, Problem, ProblemCode, WholeView};
use crate::domain::ids::Seq;
use crate::domain::state::{Front, Place, Thing};
use crate::ledger::Ledger as _;
use crate::server::answer::{Answer, ROW, absent, apart, defect, json, unread};
use crate::server::gate::Call;
use crate::server::pages::{gone, is_of_then};

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
    let (seq, then) = (state.head(), query.text("at").is_some());
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
            call.space.pins().keep(Arc::clone(&state), then, &call.caller.principal.actor);
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
    let (seq, place) = parts.ok_or_else(|| {
        let detail = "it is not what `next` of a page said";
        Box::new(Problem::new(ProblemCode::BadParameter, detail).at("query, `page`"))
    })?;
    let pins = call.space.pins();
    let front = pins.get(seq, false).or_else(|| pins.get(seq, true));
    Ok((front.ok_or_else(|| gone(seq))?, Some(place)))
}

/// `GET /v1/board/{thing}`: one thing of it whole.
pub(in crate::server) async fn thing(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let thing = call.param::<Thing>("thing")?;
    let whole = state.board.whole(&thing).ok_or_else(|| absent(&thing))?;
    json(&WholeView { thing: whole, seq: state.head() })
}
