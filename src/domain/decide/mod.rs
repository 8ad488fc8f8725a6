//! One rulebook: `decide(state, request, now)`. Pure and deterministic; one file for each family of commands.
//!
//! What is decided is a list of deeds; the caller is told what the primary deed records (see `reply`).

mod act;
mod affected;
mod alert;
mod answer;
mod away;
mod budget;
mod call;
mod clock;
mod conclude;
mod converge;
mod door;
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
mod key;
mod lease;
mod loss;
mod map;
mod may;
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

pub use clock::foreseen as foreseen_rebase;
pub use found::found;
pub use loss::unfit as unfit_for_loss;
pub use may::{May, Question, Why, may};
pub use preview::{Closes, FORESEEN, Foreseen, Preview, Supposed, Tells, preview};
pub use tick::{next_due, next_due_of};

use self::sheet::Sheet;
use super::code::Code;
use super::command::table::commands;
use super::command::{AskedKey, Command, Keeps, Request};
use super::deed::{Body, Deed};
use super::ids::{Actor, Seq};
use super::outcome::Outcome;
use super::reply::Reply;
use super::rule::signing;
use super::state::{FORMAT_1, Rules, State};
use super::time::{Span, Time};
use crate::domain::things::{AlertKind, Limits, SILENCE, TokenClass};

/// For how long turns, conclusions and the names of ended tasks are known: as long as a contradiction counts up.
const KNOWN: Span = Span::from_days(7);
/// How many refusals of one agent for one reason are recorded in a minute, each by itself, where a rule was asked. At the door
/// it is the first.
const SINGLY: u32 = 60;
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
    act_life: Some(act::LIFE),
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
    /// Why it was refused, where nothing follows from that: it may be counted instead of recorded.
    pub turned_away: Option<TurnAway>,
}

/// A refusal from which nothing follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TurnAway {
    /// Why.
    pub code: Code,
    /// How many such refusals of one caller in a minute are recorded each by itself.
    pub singly: u32,
}

/// What the caller is told.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The answer.
    Reply(Box<Reply>),
    /// The same key was answered before: the answer is what this deed records.
    Replay(Seq),
}

/// Decides one request at `now`, which is also the time that its deeds are recorded at, with the limits that nobody set.
pub fn decide(state: &State, request: &Request, now: Time) -> Decision {
    decide_within(state, request, now, &Limits::default())
}

/// The same with those that are set.
pub fn decide_within(state: &State, request: &Request, now: Time, limits: &Limits) -> Decision {
    let mut sheet = Sheet::new(state, request, now);
    sheet.limits = *limits;
    if let Some((code, why)) = closed_door(state, request, now) {
        return turn_away(sheet, request, (code, &why));
    }
    match request.key.as_ref().and_then(|asked| used(state, &request.principal.actor, asked, now)) {
        Some(Used::Before(deed)) => {
            return Decision { answer: Answer::Replay(deed), deeds: Vec::new(), turned_away: None };
        }
        Some(Used::Otherwise(why)) => return turn_away(sheet, request, (Code::KeyReused, &why)),
        None => {}
    }
    if request.key.is_some() {
        let actor = &request.principal.actor;
        if let Some(why) = state.access.is_full(actor, now, budget::keys(state, actor, limits)) {
            let code = if actor.agent().is_some() { Code::OverBudget } else { Code::OverBound };
            return turn_away(sheet, request, (code, &why));
        }
    }
    let signed = (&request.command, &request.proof);
    match signing::accept(state, &request.principal, signed) {
        Ok(signed) => sheet.signed = signed,
        Err((code, why)) => return turn_away(sheet, request, (code, &why)),
    }
    let Some(primary) = dispatch(&mut sheet, &request.command) else { return sheet.nothing() };
    let keeps = request.command.row().keeps;
    if let Some(why) = budget::hold(&mut sheet, keeps) {
        sheet.start_over();
        return turn_away(sheet, request, (Code::OverBudget, &why));
    }
    if !sheet.outcome(primary).is_refusal() {
        output::go_on(&mut sheet);
        affected::after_all(&mut sheet);
        if keeps != Keeps::Nothing {
            budget::warn(&mut sheet, primary);
        }
    }
    let decision = sheet.done(primary);
    Decision { turned_away: refused_alone(request, &decision), ..decision }
}

/// Why a rule refused an agent, where that is all that happened. What was stale tells others something.
fn refused_alone(request: &Request, decision: &Decision) -> Option<TurnAway> {
    let [deed] = decision.deeds.as_slice() else { return None };
    let refused = deed.outcome == Outcome::Refused && request.principal.actor.agent().is_some();
    deed.code.filter(|_| refused).map(|code| TurnAway { code, singly: SINGLY })
}

/// Refuses what is not decided: the key keeps its first answer, or stays free for the one to come. Where nothing more follows
/// from it than that, whoever records it may count it instead.
fn turn_away(mut sheet: Sheet<'_>, request: &Request, (code, why): (Code, &str)) -> Decision {
    sheet.forget_key();
    let (body, word) = (refusal_of(&request.command), request.command.word());
    let primary = if code == Code::OverBudget {
        budget::refuse(&mut sheet, body, word, why)
    } else {
        sheet.refuse(body, word, code, why)
    };
    let alone = sheet.deeds().len() == 1;
    let turned_away = alone.then_some(TurnAway { code, singly: 1 });
    Decision { turned_away, ..sheet.done(primary) }
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
