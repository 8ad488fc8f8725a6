//! What can be read and followed: one's zone, one's work, the map, a record. Each is an address, and changes when what is
//! answered there does: whoever follows it is told only what they could have read themselves.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use percent_encoding::percent_decode_str;
use rmcp::model::{
    Extensions, ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
    ResourceUpdatedNotificationParam,
};
use rmcp::service::{Peer, RequestContext, SubscriptionSink};
use rmcp::{ErrorData, RoleServer};
use sha2::{Digest as _, Sha256};
use tokio::task::AbortHandle;

use super::call::entity_path;
use super::tasks::failed;
use super::way::{Ask, Way};

/// Most resources that one client follows.
pub(super) const FOLLOWED: usize = 16;
/// Changes that come closer together than this are told as one.
const TOGETHER: Duration = Duration::from_millis(100);
/// How a record's address begins.
const RECORD: &str = "deeds://record/";

/// The resources that have no variable part: address, name, path, what is there.
const FIXED: [(&str, &str, &str, &str); 3] = [
    ("deeds://zone", "zone", "/v1/scope", "What you may write, which events are yours, where you publish."),
    ("deeds://work", "work", "/v1/work", "What waits for you, oldest first."),
    ("deeds://map", "map", "/v1/map", "Who owns what in the team."),
];

/// The resources that can be listed.
pub(super) fn list() -> Vec<Resource> {
    let resource = |(uri, name, _, says): (&str, &str, &str, &str)| {
        Resource::new(uri, name).with_description(says).with_mime_type("application/json")
    };
    FIXED.map(resource).to_vec()
}

/// The records.
pub(super) fn template() -> ResourceTemplate {
    ResourceTemplate::new("deeds://record/{+path}", "record")
        .with_description(
            "A record with the value, version and owner of each field, and what others did on it lately.",
        )
        .with_mime_type("application/json")
}

/// Where a resource is answered.
fn path_of(uri: &str) -> Option<String> {
    if let Some((_, _, path, _)) = FIXED.iter().find(|(fixed, ..)| *fixed == uri) {
        return Some((*path).to_owned());
    }
    let record = percent_decode_str(uri.strip_prefix(RECORD)?).decode_utf8().ok()?;
    Some(format!("/v1/entities/{}", entity_path(&record).ok()?))
}

/// Whether there is such a resource, for all that is known without looking.
pub(super) fn is_known(uri: &str) -> bool {
    path_of(uri).is_some()
}

/// Reads one.
///
/// # Errors
/// When there is none that the reader may see, or nobody could be asked.
pub(super) async fn read<W: Way>(
    way: &W,
    from: &Extensions,
    uri: &str,
) -> Result<ReadResourceResult, ErrorData> {
    let unknown = |why: &str| {
        let uri = uri.chars().take(200).collect::<String>();
        ErrorData::resource_not_found(format!("{uri}: {why}"), Some(serde_json::json!({ "uri": uri })))
    };
    let path = path_of(uri).ok_or_else(|| {
        unknown("there are deeds://zone, deeds://work, deeds://map and deeds://record/PATH")
    })?;
    let answered = way.ask(from, Ask { method: "GET", path, ..Ask::default() }).await;
    let bytes = answered.map_err(|problem| match problem.status {
        400 | 403 | 404 => unknown(&problem.to_string()),
        _ => failed(&problem),
    })?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let contents = ResourceContents::text(text, uri).with_mime_type("application/json");
    Ok(ReadResourceResult::new(vec![contents]))
}

/// Who listens.
pub(super) enum Ear {
    /// One subscription of a client that asks anew each time.
    Sink(SubscriptionSink),
    /// A client that stays.
    Peer(Peer<RoleServer>),
}

impl Ear {
    /// Says that a resource changed; false where nobody listens any more.
    async fn tell(&self, uri: &str) -> bool {
        match self {
            Self::Sink(sink) => sink.notify_resource_updated(uri).await.is_ok(),
            Self::Peer(peer) => {
                peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri)).await.is_ok()
            }
        }
    }
}

/// Tells of every change of the resources named until the stream of changes ends, or nobody listens any more.
///
/// # Errors
/// When changes can't be followed.
pub(super) async fn follow<W: Way>(
    way: W,
    from: Extensions,
    uris: Vec<String>,
    ear: Ear,
) -> Result<(), ErrorData> {
    // First the stream, then the look: nothing in between is missed.
    let mut changes = way.changes(&from).await.map_err(|problem| failed(&problem))?;
    let mut known = BTreeMap::new();
    for uri in uris {
        let seen = seen(&way, &from, &uri).await;
        known.insert(uri, seen);
    }
    while changes.next().await.is_some() {
        tokio::time::sleep(TOGETHER).await;
        while futures_util::FutureExt::now_or_never(changes.next()).flatten().is_some() {}
        for (uri, before) in &mut known {
            let now = seen(&way, &from, uri).await;
            if now != *before {
                *before = now;
                if !ear.tell(uri).await {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

/// What a resource says, but for how far the ledger had got.
async fn seen<W: Way>(way: &W, from: &Extensions, uri: &str) -> Option<[u8; 32]> {
    let ask = Ask { method: "GET", path: path_of(uri)?, ..Ask::default() };
    let bytes = way.ask(from, ask).await.ok()?;
    let mut answer: serde_json::Value = serde_json::from_slice(&bytes).ok()?;
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("seq");
    }
    Some(Sha256::digest(answer.to_string()).into())
}

/// What a client that stays follows beside its requests.
#[derive(Debug, Default)]
pub(super) struct Following {
    by_uri: Arc<Mutex<BTreeMap<String, AbortHandle>>>,
}

impl Following {
    /// Begins to follow one.
    ///
    /// # Errors
    /// When there is no such resource, or too many are followed.
    pub(super) fn begin<W: Way>(
        &self,
        way: &W,
        uri: String,
        context: &RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if !is_known(&uri) {
            return Err(ErrorData::resource_not_found(format!("there is no resource {uri:.200}"), None));
        }
        let mut by_uri = self.by_uri.lock().unwrap_or_else(PoisonError::into_inner);
        by_uri.retain(|_, following| !following.is_finished());
        if by_uri.len() >= FOLLOWED && !by_uri.contains_key(&uri) {
            return Err(ErrorData::invalid_params(
                format!("at most {FOLLOWED} resources are followed"),
                None,
            ));
        }
        let (way, from, peer, named) =
            (way.clone(), context.extensions.clone(), context.peer.clone(), uri.clone());
        let task = tokio::spawn(async move {
            let told = follow(way, from, vec![named], Ear::Peer(peer));
            if let Err(error) = Box::pin(told).await {
                tracing::debug!(%error, "a resource is followed no more");
            }
        });
        if let Some(before) = by_uri.insert(uri, task.abort_handle()) {
            before.abort();
        }
        Ok(())
    }

    /// Follows it no more.
    pub(super) fn end(&self, uri: &str) {
        let ended = self.by_uri.lock().unwrap_or_else(PoisonError::into_inner).remove(uri);
        if let Some(following) = ended {
            following.abort();
        }
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let by_uri = std::mem::take(&mut *self.by_uri.lock().unwrap_or_else(PoisonError::into_inner));
        for following in by_uri.values() {
            following.abort();
        }
    }
}
