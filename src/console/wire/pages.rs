//! What the Log and the Map look at, asked of the server and put into the console's words.

use std::sync::Arc;

use crate::api::{ChainView, RawDeed};
use crate::client::{Client, LedgerQuery, Result as ClientResult};
use crate::console::ask::{Chain, Page};
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;

/// A page; deeds of a later version of Deeds are left out.
pub(super) async fn page(client: &Client, query: &LedgerQuery) -> ClientResult<Page> {
    let page = client.ledger(query).await?;
    let deeds = page.deeds.iter().filter_map(decoded).collect();
    Ok(Page { deeds, more: page.more, head: page.head, count: page.count })
}

/// A deed with its family; none where this version does not know its type.
pub(super) async fn chain(client: &Client, seq: Seq) -> ClientResult<Option<Chain>> {
    let ChainView { deed, causes, effects, cut } = client.trace_deed(seq).await?;
    let effects = effects.iter().filter_map(|effect| {
        let depth = usize::try_from(effect.depth).unwrap_or(usize::MAX);
        decoded(&effect.deed).map(|deed| (depth, deed))
    });
    Ok(decoded(&deed).map(|known| Chain {
        deed: known,
        raw: Arc::from(deed.deed.get()),
        hash: deed.hash.to_string(),
        causes: causes.iter().filter_map(decoded).collect(),
        effects: effects.collect(),
        cut,
    }))
}

fn decoded(raw: &RawDeed) -> Option<Arc<Deed>> {
    Deed::decode(raw.deed.get().as_bytes()).ok().map(Arc::new)
}
