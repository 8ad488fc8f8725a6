//! The keys that people sign with.

use crate::api::{KeyList, KeyView};
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;
use crate::server::pages::Page;

/// `GET /v1/keys`
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let signers = page.front.board.signers.iter();
    let keys = signers.flat_map(|(person, signer)| signer.keys.iter().map(move |key| (person, key)));
    let taken = page.take(&call, keys, |(person, key)| Some(KeyView::of(person, key)));
    json(&KeyList { keys: taken.rows, seq: page.front.head(), next: taken.next })
}
