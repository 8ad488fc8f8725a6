//! Tokens: listed without anything that opens a door, made with their secret shown once.

use crate::api::{NewToken, TokenList, TokenMade, TokenView};
use crate::domain::command::{Command, TokenStep};
use crate::domain::things::TokenRecord;
use crate::domain::time::Time;
use crate::server::answer::{Answer, defect, json};
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

/// `POST /v1/tokens`: the answer is the only place that ever has the secret. A retry under the same key is answered
/// without it, since it was shown.
pub(in crate::server) async fn create(call: Call) -> Answer {
    let NewToken { class, name, expires } = call.parse()?;
    let minted = mint(class, call.space.id(), &name, expires);
    let (text, token) =
        minted.map_err(|error| defect(format!("the system gives no random bytes: {error}")))?;
    let id = token.id.clone();
    let answer = call.submit(Command::Token(TokenStep::Create(token))).await?;
    let made = answer.reply.is_done() && !answer.replayed;
    json(&TokenMade { token: made.then(|| text.expose()), id: made.then_some(id), reply: answer.reply })
}
