//! One rulebook: `decide(state, request, now)`. Pure and deterministic; one file for each family of commands.
//!
//! What is decided is a list of deeds; the caller is told what the primary deed records (see `reply`).

mod act;
mod affected;
mod alert;
mod answer;
mod away;
mod conclude;
mod converge;
mod effect;
mod fan_out;
mod format;
mod found;
mod guard;
mod halt;
mod handoff;
mod held;
mod import;
mod inbox;
mod lease;
mod map;
mod output;
mod overrides;
mod preview;
mod propose;
mod rebase;
mod review;
mod ruling;
mod sheet;
mod stuck;
mod tick;
mod title;
mod together;
mod token;
mod trigger;
mod undo;
mod verdict;
mod work;
mod write;
mod zone;

#[cfg(test)]
mod tests;

pub use found::found;
pub use preview::{Closes, FORESEEN, Foreseen, Preview, Supposed, preview};
pub use tick::next_due;

use self::sheet::Sheet;
use super::code::Code;
use super::command::table::commands;
use super::command::{AskedKey, Command, Request};
use super::deed::{Body, Deed};
use super::ids::{Actor, Seq};
use super::reply::Reply;
use super::state::{FORMAT_1, Rules, State};
use super::time::{Span, Time};
use crate::domain::things::{AlertKind, SILENCE, TokenClass};

/// For how long turns, conclusions and the names of ended tasks are known: as long as a contradiction counts up.
const KNOWN: Span = Span::from_days(7);
/// Most of each that one agent has at once. Beyond it the agent is refused, and nothing is forgotten to make room.
const MOST_KNOWN: usize = 50_000;

/// What is decided on a deed beside its outcome, from format 2 on. Where one of these changes, older deeds keep their
/// effect.
const RULES: Rules = Rules {
    loud: alert::LOUD,
    silence: SILENCE,
    review_grace: Span::from_micros(0),
    is_failure: AlertKind::is_coordination_failure,
    counts_tries: true,
    known: Some(KNOWN),
    new_schedules_begin: true,
    ..FORMAT_1
};

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
        let primary = sheet.refuse(refusal_of(&request.command), request.command.word(), code, &why);
        return sheet.done(primary);
    }
    match request.key.as_ref().and_then(|asked| used(state, &request.principal.actor, asked, now)) {
        Some(Used::Before(deed)) => {
            return Decision { answer: Answer::Replay(deed), deeds: Vec::new() };
        }
        Some(Used::Otherwise(why)) => {
            // The first answer stays with the key: this refusal must not take its place.
            sheet.forget_key();
            let primary =
                sheet.refuse(refusal_of(&request.command), request.command.word(), Code::KeyReused, &why);
            return sheet.done(primary);
        }
        None => {}
    }
    if let Some(why) = request.key.as_ref().and_then(|_| state.access.is_full(&request.principal.actor, now))
    {
        sheet.forget_key();
        let primary =
            sheet.refuse(refusal_of(&request.command), request.command.word(), Code::OverBound, &why);
        return sheet.done(primary);
    }
    match dispatch(&mut sheet, &request.command) {
        Some(primary) => {
            if !sheet.outcome(primary).is_refusal() {
                output::go_on(&mut sheet);
                affected::after_all(&mut sheet);
            }
            sheet.done(primary)
        }
        None => sheet.nothing(),
    }
}

/// Decides a command that may be a part of a `together`. None where nothing happened that is worth a deed.
fn dispatch(sheet: &mut Sheet<'_>, command: &Command) -> Option<Seq> {
    let first = sheet.deeds().len();
    let primary = by_family(sheet, command);
    lease::free_left_tasks(sheet, first);
    primary
}

/// What a key was used for before.
enum Used {
    /// This very request, which that deed answered.
    Before(Seq),
    /// Another one, in words.
    Otherwise(String),
}

/// RULES §3.3. The key of a batch stands for all of it, and each part has an answer of its own.
fn used(state: &State, actor: &Actor, asked: &AskedKey, now: Time) -> Option<Used> {
    let answered = |part| state.access.answered(actor, &asked.key, part, now);
    if let Some(known) = answered(None).filter(|known| !asked.is_for(&known.digest)) {
        let why = format!("the key {:?} was used for another request, deed {}", asked.key, known.deed);
        return Some(Used::Otherwise(why));
    }
    let own = answered(asked.part).filter(|known| asked.is_for(&known.digest));
    // Of a key that looks like the part of a batch older programs did not say whether it is one: the same request tells.
    let before = || {
        let key = asked.as_written_before()?;
        state.access.answered(actor, &key, None, now).filter(|known| asked.is_for(&known.digest))
    };
    own.or_else(before).map(|known| Used::Before(known.deed))
}

macro_rules! rulebook {
    ($(
        #[doc = $_sentence:literal]
        $kind:ident $(($it:ident: $_payload:ty))? = $_name:literal, $_word:literal: $($_columns:ident)+
            => $($decide:ident)::+, $refused:ident($of:expr);
    )*) => {
        fn by_family(sheet: &mut Sheet<'_>, command: &Command) -> Option<Seq> {
            match command {
                $(Command::$kind $(($it))? => $($decide)::+(sheet $(, $it)?).into(),)*
            }
        }

        /// The deed type that records a refusal of this command before it was decided.
        fn refusal_of(command: &Command) -> Body {
            match command {
                $(Command::$kind $(($it))? => {
                    $(let _ = $it;)?
                    Body::$refused($of)
                })*
            }
        }
    };
}
commands!(rulebook);

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
    let who = request.command.row().who;
    if who.includes(principal.class, &principal.actor) {
        return None;
    }
    let agent_decides = principal.class == TokenClass::Agent && matches!(request.command, Command::Item(_));
    let code = if agent_decides { Code::AgentToken } else { Code::NotAllowed };
    Some((code, format!("{} may not do this; {} may", principal.actor, who.words())))
}
