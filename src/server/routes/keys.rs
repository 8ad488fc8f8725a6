//! The keys that people sign with.

use crate::api::{KeyList, KeyView};
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;

/// `GET /v1/keys`
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let front = call.front(&query).await?;
    let signers = front.board.signers.iter();
    let keys =
        signers.flat_map(|(person, signer)| signer.keys.iter().map(move |key| KeyView::of(person, key)));
    json(&KeyList { keys: keys.collect(), seq: front.head() })
}
