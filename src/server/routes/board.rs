//! The board: what a console needs to start. It follows the stream from the board's sequence on.

use super::whoami::who;
use crate::api::BoardView;
use crate::ledger::Ledger as _;
use crate::server::answer::{Answer, apart, defect, json, unread};
use crate::server::gate::Call;

/// `GET /v1/board`; as it was at a sequence or a time, with `at`.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let seq = state.head();
    let record = call.space.handle().ledger().get(seq.0).await.map_err(|error| unread(&error))?;
    let record = record.ok_or_else(|| defect(format!("deed {seq} of the board is not in the ledger")))?;
    let you = who(&call, &query).await?;
    apart(|| json(&BoardView { seq, hash: record.hash, board: state.board.clone(), you }))
}
