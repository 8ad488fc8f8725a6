//! One rulebook: `decide(state, request, now)`. Pure and deterministic; one file for each family of commands.
//!
//! What is decided is a list of deeds; the caller is told what the primary deed records (see `reply`).

mod act;
mod affected;
mod alert;
mod answer;
mod conclude;
mod fan_out;
mod found;
mod handoff;
mod import;
mod inbox;
mod lease;
mod map;
mod output;
mod overrides;
mod preview;
mod propose;
mod review;
mod sheet;
mod stuck;
mod tick;
mod together;
mod token;
mod trigger;
mod undo;
mod verdict;
mod work;
mod write;

#[cfg(test)]
mod tests;

pub use found::found;
pub use preview::{Preview, preview};
pub use tick::next_due;

use self::sheet::Sheet;
use super::code::Code;
use super::command::{Command, Request};
use super::deed::{Body, Deed};
use super::ids::{Actor, Seq};
use super::reply::Reply;
use super::state::State;
use super::time::Time;
use crate::domain::things::TokenClass;

/// What was decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What the caller is told.
    pub answer: Answer,
    /// What happened; empty where nothing did.
    pub deeds: Vec<Deed>,
}

/// What the caller is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The answer.
    Reply(Box<Reply>),
    /// The same key was answered before: the answer is what this deed records.
    Replay(Seq),
}

/// Decides one request at `now`, which is also the time that its deeds are recorded at.
pub fn decide(state: &State, request: &Request, now: Time) -> Decision {
    let mut sheet = Sheet::new(state, request, now);
    if let Some((code, why)) = closed_door(state, request, now) {
        // Nothing was decided at the door: the key keeps its first answer, or stays free for the one to come.
        sheet.forget_key();
        let primary = sheet.refuse(refusal_of(&request.command), action_of(&request.command), code, &why);
        return sheet.done(primary);
    }
    if let Some((key, digest)) = &request.key
        && let Some(known) = state.access.answered(&request.principal.actor, key, now)
    {
        if known.digest == *digest {
            return Decision { answer: Answer::Replay(known.deed), deeds: Vec::new() };
        }
        // The first answer stays with the key: this refusal must not take its place.
        sheet.forget_key();
        let why = format!("the key {key:?} was used for another request, deed {}", known.deed);
        let primary =
            sheet.refuse(refusal_of(&request.command), action_of(&request.command), Code::KeyReused, &why);
        return sheet.done(primary);
    }
    match dispatch(&mut sheet, &request.command) {
        Some(primary) => sheet.done(primary),
        None => sheet.nothing(),
    }
}

/// Decides a command that may be a part of a `together`. None where nothing happened that is worth a deed.
fn dispatch(sheet: &mut Sheet<'_>, command: &Command) -> Option<Seq> {
    match command {
        Command::Write(write) => Some(write::decide(sheet, write)),
        Command::Act(act) => Some(act::decide(sheet, act)),
        Command::ActEnd(end) => Some(act::end(sheet, end)),
        Command::Escalate(escalate) => Some(inbox::escalate(sheet, escalate)),
        Command::Raise(raise) => Some(trigger::raise(sheet, raise)),
        Command::Claim(claim) => Some(trigger::claim(sheet, claim)),
        Command::Take(take) => work::take(sheet, take),
        Command::Work(step) => Some(work::decide(sheet, step)),
        Command::Handoff(handoff) => Some(handoff::decide(sheet, handoff)),
        Command::FanOut(order) => Some(fan_out::decide(sheet, order)),
        Command::Lease(step) => Some(lease::decide(sheet, step)),
        Command::Publish(publish) => Some(output::decide(sheet, publish)),
        Command::Conclude(conclude) => Some(conclude::decide(sheet, conclude)),
        Command::Together(together) => Some(together::decide(sheet, together)),
        Command::Item(step) => Some(inbox::decide(sheet, step)),
        Command::Alert(step) => Some(alert::decide(sheet, step)),
        Command::ApplyMap(apply) => Some(map::decide(sheet, apply)),
        Command::MapReview(review) => Some(map::review(sheet, review)),
        Command::Token(step) => Some(token::decide(sheet, step)),
        Command::Override(step) => Some(overrides::decide(sheet, step)),
        Command::Review(step) => Some(review::decide(sheet, step)),
        Command::Import(line) => import::decide(sheet, line),
        Command::Tick => tick::decide(sheet),
    }
}

/// Checks that come before every rule: is the caller live, and may its class ask this at all?
fn closed_door(state: &State, request: &Request, now: Time) -> Option<(Code, String)> {
    let principal = &request.principal;
    if let Some(token) = &principal.token
        && !state.access.tokens.get(token).is_some_and(|record| record.is_live(now))
    {
        return Some((Code::TokenEnded, format!("the token {token} was revoked or has expired")));
    }
    if let Some(why) = principal.actor.agent().and_then(|agent| verdict::paused(state, agent)) {
        return Some((Code::Paused, why));
    }
    let (may, who) = allowed(&request.command, principal.class, &principal.actor);
    if may {
        return None;
    }
    let agent_decides = principal.class == TokenClass::Agent && matches!(request.command, Command::Item(_));
    let code = if agent_decides { Code::AgentToken } else { Code::NotAllowed };
    Some((code, format!("{} may not do this; {who} may", principal.actor)))
}

/// Who may ask what (6-guarantees, 9-decisions): the class, and in words who may.
fn allowed(command: &Command, class: TokenClass, actor: &Actor) -> (bool, &'static str) {
    match command {
        Command::Write(_)
        | Command::Act(_)
        | Command::ActEnd(_)
        | Command::Escalate(_)
        | Command::Claim(_)
        | Command::Take(_)
        | Command::Work(_)
        | Command::Handoff(_)
        | Command::FanOut(_)
        | Command::Lease(_)
        | Command::Publish(_)
        | Command::Conclude(_)
        | Command::Together(_) => (class == TokenClass::Agent && actor.agent().is_some(), "agents"),
        Command::Raise(_) => (class != TokenClass::Watcher, "agents, reviewers and admins"),
        Command::Item(_)
        | Command::Alert(_)
        | Command::Override(_)
        | Command::Review(_)
        | Command::MapReview(_) => {
            (matches!(class, TokenClass::Reviewer | TokenClass::Admin), "reviewers and admins")
        }
        Command::ApplyMap(_) | Command::Token(_) | Command::Import(_) => {
            (class == TokenClass::Admin, "admins")
        }
        Command::Tick => (*actor == Actor::Deeds, "Deeds itself"),
    }
}

/// The deed type that records a refusal of this command.
fn refusal_of(command: &Command) -> Body {
    match command {
        Command::Write(_)
        | Command::Escalate(_)
        | Command::Together(_)
        | Command::Import(_)
        | Command::Tick => Body::WriteRefused(()),
        Command::Act(act) => Body::ActRefused(act::order(act)),
        Command::Raise(raise) => Body::EventRefused(Box::new(trigger::raised(raise))),
        Command::Claim(claim) => Body::ClaimRefused(Box::new(trigger::mark(claim))),
        Command::ActEnd(_) | Command::Take(_) | Command::Work(_) => Body::WorkRefused(()),
        Command::Handoff(_) => Body::HandoffRefused(()),
        Command::FanOut(_) => Body::FanOutRefused(()),
        Command::Lease(_) => Body::LeaseRefused(()),
        Command::Publish(publish) => Body::OutputRefused(Box::new(output::publication(publish))),
        Command::Conclude(_) => Body::ConclusionRefused(()),
        Command::Review(_) => Body::ReviewRefused(()),
        Command::Item(_) => Body::ItemRefused(()),
        Command::Alert(_) => Body::AlertRefused(()),
        Command::ApplyMap(_) | Command::MapReview(_) => Body::MapRefused(()),
        Command::Token(_) => Body::TokenRefused(()),
        Command::Override(_) => Body::OverrideRefused(()),
    }
}

/// The word for the command in lists.
fn action_of(command: &Command) -> &'static str {
    match command {
        Command::Write(_) => "write",
        Command::Act(_) => "act",
        Command::ActEnd(_) => "act end",
        Command::Escalate(_) => "escalate",
        Command::Raise(_) => "raise",
        Command::Claim(_) => "claim event",
        Command::Take(_) => "take",
        Command::Work(_) => "work",
        Command::Handoff(_) => "hand over",
        Command::FanOut(_) => "fan out",
        Command::Lease(_) => "lease",
        Command::Publish(_) => "publish",
        Command::Conclude(_) => "conclude",
        Command::Review(_) => "review",
        Command::Together(_) => "together",
        Command::Item(step) => inbox::word(step),
        Command::Alert(_) => "alert",
        Command::ApplyMap(_) => map::APPLY,
        Command::MapReview(_) => map::REVIEW,
        Command::Token(_) => "token",
        Command::Override(_) => "override",
        Command::Import(_) => "import",
        Command::Tick => "tick",
    }
}
