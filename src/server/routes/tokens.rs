//! Tokens: listed without anything that opens a door, made with their secret shown once.

use std::sync::Arc;

use super::ledger::raw_deeds;
use crate::api::{NewToken, Problem, TokenList, TokenMade, TokenView};
use crate::domain::command::{Command, TokenStep};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Seq, TokenId};
use crate::domain::rule::naming;
use crate::domain::things::TokenRecord;
use crate::domain::time::Time;
use crate::server::answer::{Answer, defect, json, replayed};
use crate::server::founding::mint;
use crate::server::gate::Call;

/// `GET /v1/tokens`
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let now = call.app.clock().now();
    let tokens = state.tokens.values().map(|record| view(record, now)).collect();
    json(&TokenList { tokens, seq: state.head() })
}

fn view(record: &TokenRecord, now: Time) -> TokenView {
    let TokenRecord { token, by, at, revoked } = record;
    TokenView {
        id: token.id.clone(),
        class: token.class,
        name: token.name.clone(),
        expires: token.expires,
        by: by.clone(),
        at: *at,
        revoked: *revoked,
        live: record.is_live(now),
    }
}

/// What whoever lost the answer that had the secret does.
const SHOWN_ONCE: &str =
    "its secret was shown once, in the first answer: if that is lost, revoke this token and make another";

/// `POST /v1/tokens`: the answer is the only place that ever has the secret. A retry under the same key is told all but
/// that: which token was made, and that its secret was shown.
pub(in crate::server) async fn create(call: Call) -> Answer {
    let NewToken { class, name, expires } = call.parse()?;
    let minted = mint(class, call.space.id(), &name, expires);
    let (text, token) =
        minted.map_err(|error| defect(format!("the system gives no random bytes: {error}")))?;
    let id = token.id.clone();
    let front = call.space.handle().front();
    let alike = naming::taken_for(front.board.map.model(), &front.tokens, &name);
    let warning =
        alike.map(|other| Arc::from(format!("`{name}` is drawn like `{other}`, which is another name")));
    let answer = call.submit(Command::Token(TokenStep::Create(token))).await?;
    let mut reply = answer.reply;
    if !reply.is_done() {
        return json(&TokenMade { token: None, id: None, warning: None, reply });
    }
    if !answer.replayed {
        return json(&TokenMade { token: Some(text.expose()), id: Some(id), warning, reply });
    }
    let id = made_by(&call, reply.deed).await?;
    reply.next = Some(Arc::from(SHOWN_ONCE));
    json(&TokenMade { token: None, id, warning, reply }).map(replayed)
}

/// The token that a deed says was made.
async fn made_by(call: &Call, deed: Seq) -> Result<Option<TokenId>, Box<Problem>> {
    let raw = raw_deeds(&call.space, vec![deed]).await?;
    let Some(raw) = raw.first() else { return Ok(None) };
    let deed = Deed::decode(raw.deed.get().as_bytes())
        .map_err(|error| defect(format!("deed {deed} can't be read: {error}")))?;
    Ok(if let Body::TokenCreated(token) = deed.body { Some(token.id) } else { None })
}
