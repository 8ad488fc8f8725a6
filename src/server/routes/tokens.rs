//! Tokens and invitations: listed without anything that opens a door, made with their secret shown once.

use std::collections::BTreeMap;
use std::sync::Arc;

use subtle::ConstantTimeEq as _;

use super::ledger::{Room, raw_deeds};
use crate::api::{
    self, InvitationText, InvitationView, Invited, NewInvitation, NewToken, Problem, TakeInvitation,
    TokenList, TokenMade, TokenView,
};
use crate::domain::command::{Command, Principal, Request, TokenStep};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, Seq, TokenId};
use crate::domain::reply::Reply;
use crate::domain::rule::naming;
use crate::domain::things::{Invitation, Token, TokenClass, TokenRecord};
use crate::domain::time::{Span, Time};
use crate::server::answer::{Answer, defect, json, replayed, unsubmitted};
use crate::server::founding::mint;
use crate::server::gate::{Call, Stranger};
use crate::server::pages::{Page, Row, split};

/// `GET /v1/tokens`
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let (front, now) = (&page.front, page.now);
    let mut live: BTreeMap<&str, usize> = BTreeMap::new();
    for record in front.tokens.values().filter(|record| record.is_live(now)) {
        *live.entry(&record.token.name).or_default() += 1;
    }
    let of = |record: &TokenRecord| live.get(&*record.token.name).copied().unwrap_or_default();
    let tokens = front.tokens.values().map(|record| Row::First(view(record, now, of(record))));
    let open = front.invitations.values().filter(|one| now < one.until);
    let shown = |one: &Arc<Invitation>| {
        Row::Second(InvitationView {
            id: one.id.clone(),
            class: one.class,
            name: Arc::clone(&one.name),
            until: one.until,
        })
    };
    let taken = page.take(&call, tokens.chain(open.map(shown)), Some);
    let (tokens, invitations) = split(taken.rows);
    json(&TokenList { tokens, invitations, seq: front.head(), next: taken.next })
}

fn view(record: &TokenRecord, now: Time, of_the_name: usize) -> TokenView {
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
        of_the_name,
        invitation: token.invitation.clone(),
    }
}

/// What whoever lost the answer that had the secret does when it is too late to ask again.
const SHOWN_ONCE: &str =
    "its secret was shown once, in the first answer: if that is lost, revoke this token and make another";

/// `POST /v1/tokens`: the answer is the only place that ever has the secret. A retry under the same key is answered with it
/// too for ten minutes, as long as the server runs; later it is told which token was made, and that its secret was shown.
pub(in crate::server) async fn create(call: Call) -> Answer {
    let NewToken { class, name, expires } = call.parse()?;
    let (text, token) = mint(class, call.space.id(), &name, expires).map_err(no_random)?;
    let id = token.id.clone();
    let warning = drawn_like(&call, &name);
    let answer = call.submit(Command::Token(TokenStep::Create(token))).await?;
    let mut reply = answer.reply;
    if !reply.is_done() {
        return json(&TokenMade { token: None, id: None, warning: None, reply });
    }
    if !answer.replayed {
        let secret = shown(&call, reply.deed, text.expose());
        return json(&TokenMade { token: Some(secret), id: Some(id), warning, reply });
    }
    let id = made_by(&call, reply.deed).await?;
    let token = shown_before(&call, &mut reply);
    json(&TokenMade { token, id, warning, reply }).map(replayed)
}

/// A secret on its way into the answer; whoever asks again soon is shown it again.
fn shown(call: &Call, deed: Seq, secret: String) -> String {
    call.app.shown.keep(call.space.id(), deed, &secret, call.now());
    secret
}

/// The secret that a first answer had, while it is remembered; else what to do instead.
fn shown_before(call: &Call, reply: &mut Reply) -> Option<String> {
    let secret = call.app.shown.again(call.space.id(), reply.deed, call.now());
    if secret.is_none() {
        reply.next = Some(Arc::from(SHOWN_ONCE));
    }
    secret
}

/// A warning where somebody would take the name for another one.
fn drawn_like(call: &Call, name: &str) -> Option<Arc<str>> {
    let front = call.space.handle().front();
    let other = naming::taken_for(front.board.map.model(), &front.tokens, name)?;
    Some(Arc::from(format!("`{name}` is drawn like `{other}`, which is another name")))
}

/// The token that a deed says was made.
async fn made_by(call: &Call, deed: Seq) -> Result<Option<TokenId>, Box<Problem>> {
    let raw = raw_deeds(&call.space, &[deed], &mut Room::default()).await?;
    let Some(raw) = raw.first() else { return Ok(None) };
    let deed = Deed::decode(raw.deed.get().as_bytes())
        .map_err(|error| defect(format!("deed {deed} can't be read: {error}")))?;
    Ok(if let Body::TokenCreated(token) = deed.body { Some(token.id) } else { None })
}

/// How long an invitation may be taken where nothing is said.
const INVITED_FOR: Span = Span::from_hours(24);

/// `POST /v1/invitations`
pub(in crate::server) async fn invite(call: Call) -> Answer {
    let NewInvitation { class, name, until, expires } = call.parse()?;
    let (text, token) = mint(class, call.space.id(), &name, expires).map_err(no_random)?;
    let text = InvitationText::of(text);
    let until = until.unwrap_or_else(|| call.now().plus(INVITED_FOR));
    let Token { id, hash, .. } = token;
    let warning = drawn_like(&call, &name);
    let invitation = Invitation { id: id.clone(), class, name, hash, until, expires, vouched: false };
    let answer = call.submit(Command::Token(TokenStep::Invite(invitation))).await?;
    let (done, mut reply) = (answer.reply.is_done(), answer.reply);
    if done && answer.replayed {
        let invitation = shown_before(&call, &mut reply);
        return json(&Invited { invitation, id: None, until: None, warning, reply }).map(replayed);
    }
    json(&Invited {
        invitation: done.then(|| shown(&call, reply.deed, text.expose())),
        id: done.then_some(id),
        until: done.then_some(until),
        warning: warning.filter(|_| done),
        reply,
    })
}

/// `POST /v1/invitations/take`: whoever has the secret is the person that was invited. Wrong ones count like wrong tokens,
/// and are told apart from nothing.
pub(in crate::server) async fn take(stranger: Stranger) -> Answer {
    let TakeInvitation { invitation, key } = api::parse_object(&stranger.body)?;
    let text = invitation.parse::<InvitationText>().ok();
    let space = match &text {
        Some(text) => stranger.app.workspaces.reach(&text.workspace, Some(&text.hash())).await.ok(),
        None => None,
    };
    let front = space.as_ref().map(|space| space.handle().front());
    let known = text.as_ref().zip(front.as_ref()).and_then(|(text, front)| front.invitations.get(&text.id));
    let (given, expected) = (
        text.as_ref().map_or([b'-'; 64], |text| api::Hash(text.hash()).digits()),
        known.map_or([b'+'; 64].as_slice(), |known| known.hash.as_bytes()),
    );
    let matches: bool = given.as_slice().ct_eq(expected).into();
    let (Some(text), Some(space), Some(known), true) = (text, &space, known, matches) else {
        let detail = "the invitation opens nothing: it was taken, revoked, its time is over, or it was not copied whole";
        return Err(stranger.app.turned_away(stranger.peer, detail));
    };
    let (token_text, token) =
        mint(known.class, &text.workspace, &known.name, known.expires).map_err(no_random)?;
    let id = token.id.clone();
    let principal = Principal { actor: Actor::Deeds, class: TokenClass::Admin, token: None };
    let command = Command::Token(TokenStep::Redeem { invitation: text.id, token, key });
    let request = Request::new(principal, command);
    let reply = space.handle().submit(request).await.map_err(|error| unsubmitted(&error))?.reply;
    let done = reply.is_done();
    let (token, id) = (done.then(|| token_text.expose()), done.then_some(id));
    json(&TokenMade { token, id, warning: None, reply })
}

fn no_random(error: getrandom::Error) -> Box<Problem> {
    defect(format!("the system gives no random bytes: {error}"))
}
