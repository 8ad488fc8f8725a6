//! What a model is told in place of a tool's own result: why nothing was forwarded, whose the thing is, what to do now.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::domain::code::Code;
use crate::domain::outcome::Outcome;
use crate::domain::reply::Reply;

/// Under which key of `_meta` the reply goes where it can't be the structured content: a client holds that against the
/// tool's `outputSchema`, in errors too, and would make a protocol error of it.
pub(super) const META: &str = "deeds/reply";

/// A tool's result that says that the call was not made.
pub(super) fn told(id: &str, text: &str, reply: Option<&Reply>, has_schema: bool) -> Vec<u8> {
    let mut result = json!({ "content": [{ "type": "text", "text": text }], "isError": true });
    let reply = reply.and_then(|reply| serde_json::to_value(reply).ok());
    if let (Some(reply), Some(result)) = (reply, result.as_object_mut()) {
        if has_schema {
            result.insert("_meta".to_owned(), json!({ META: reply }));
        } else {
            result.insert("structuredContent".to_owned(), reply);
        }
    }
    answer(id, "result", &result)
}

/// An error of the protocol: for what is no call of a tool, or no JSON-RPC.
pub(super) fn error(id: &str, code: i32, text: &str) -> Vec<u8> {
    answer(id, "error", &json!({ "code": code, "message": text }))
}

/// Frames keep the id as the other side wrote it.
fn answer(id: &str, key: &str, value: &Value) -> Vec<u8> {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"{key}":{value}}}"#).into_bytes()
}

/// A request of the gateway's own.
pub(super) fn request(id: &str, method: &str, params: &impl Serialize) -> Vec<u8> {
    let params = serde_json::to_string(params).unwrap_or_else(|_| "{}".to_owned());
    let id = Value::from(id);
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"{method}","params":{params}}}"#).into_bytes()
}

/// A notification without parameters.
pub(super) fn notification(method: &str) -> Vec<u8> {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#).into_bytes()
}

/// That a call waits, for whoever gave it a token for progress.
pub(super) fn progress(token: &RawValue, left: u64, text: &str) -> Vec<u8> {
    let (token, text) = (token.get(), Value::from(text));
    // Below whatever the server behind will say: progress only grows.
    format!(
        r#"{{"jsonrpc":"2.0","method":"notifications/progress","params":{{"progressToken":{token},"progress":-{left},"message":{text}}}}}"#
    )
    .into_bytes()
}

/// Why a call was not forwarded.
pub(super) fn refusal(reply: &Reply) -> String {
    let how = match reply.outcome {
        Outcome::Stale => "This was based on what is no longer so, and was not done",
        Outcome::Deferred => "Another agent goes first; this was not done",
        Outcome::Recorded => "This very call was made before and is not made again",
        Outcome::Committed
        | Outcome::Allowed
        | Outcome::Proposed
        | Outcome::Escalated
        | Outcome::Refused
        | Outcome::Failed
        | Outcome::Opened => "This was not done",
    };
    whole(how, reply)
}

/// That a call waits for a decision.
pub(super) fn pending(reply: &Reply, item: Option<u64>) -> String {
    let what = match (item, reply.works.first()) {
        (Some(item), _) => format!("Pending, item #{item}: a person decides it"),
        (None, Some(work)) => format!("Pending, proposal #{work}: its owner decides it"),
        (None, None) => "Pending: it waits for a decision".to_owned(),
    };
    whole(
        &format!(
            "{what}. Nothing was sent yet. Call again with the same arguments to wait on and, once it is accepted, to have it done, once. Don't do it in another way meanwhile"
        ),
        reply,
    )
}

fn whole(first: &str, reply: &Reply) -> String {
    let owners: Vec<_> = reply.owners.iter().map(ToString::to_string).collect();
    let why = reply.message.as_ref().map(|message| format!("Why: {message}."));
    let owner = (!owners.is_empty()).then(|| format!("Owner: {}.", owners.join(", ")));
    // Nobody who calls a tool sends versions: the gateway does, of what was read last.
    let next = match reply.code {
        Some(Code::MissingVersion | Code::Stale) => {
            Some("read it again by the tool of this server that reads it, decide again, then call again")
        }
        Some(Code::Changed) => Some("call again: it is decided anew"),
        Some(_) | None => reply.next.as_deref(),
    };
    let next = next.map(|next| format!("Next: {next}."));
    let parts = [Some(format!("{first}.")), why, owner, next];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}
