//! One occurrence is handled once, RULES §6.5: what became of one that is raised or claimed again. Which it is, the rule says.

use std::sync::Arc;

use super::item::waits_for;
use super::{Origin, draft};
use crate::domain::code::Code;
use crate::domain::command::Raise;
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{MOST_KNOWN, inbox};
use crate::domain::deed::{Body, Refs};
use crate::domain::ids::{Actor, AgentId, ItemNo, Seq, WorkNo};
use crate::domain::key::key;
use crate::domain::outcome::Outcome;
use crate::domain::rule::occurrence::{self, KNOWN, Untold};
use crate::domain::state::State;
use crate::domain::things::{ClaimHeld, Item, ItemAnswer, Occurred, OccurrenceMark, WorkKind, counted_as};
use crate::domain::time::Time;

/// Most occurrences that Deeds itself raised and that are known: it raises for everybody.
const MOST_RAISED: usize = 250_000;

/// An occurrence that is known.
pub(super) struct Before {
    /// Which, in words: `email.received m-1`.
    pub(super) what: String,
    /// Whether an agent claimed it; else it was raised.
    pub(super) claimed: bool,
    /// The deed that it left.
    pub(super) deed: Seq,
    /// When.
    pub(super) at: Time,
    /// What became of it.
    pub(super) now: Became,
}

/// What became of an occurrence.
pub(super) enum Became {
    /// It waits for a person, in this item and for this reason.
    Waits(ItemNo, Code),
    /// It is theirs: as this work, or because they claimed it.
    Theirs(Vec<AgentId>, Vec<WorkNo>),
    /// A person answered it, and no agent was given it.
    Answered(ItemNo),
    /// It woke nobody.
    Nobodys,
}

/// What became of it, where it was raised or claimed before.
///
/// # Errors
/// What keeps one from being known: it can't be told which it is, or too many of its raiser's are known.
pub(super) fn look(
    state: &State,
    raise: &Raise,
    origin: &Origin,
    now: Time,
) -> Result<Option<Before>, (Code, String)> {
    if origin.decided {
        return Ok(None);
    }
    let map = &state.board.map;
    let key = occurrence::key(map, &raise.event, &raise.attributes);
    let Some(key) = key.map_err(|untold| words(&raise.event, untold))? else { return Ok(None) };
    let before = find(state, origin.actor.agent(), (&raise.event, &key), now);
    if before.is_none()
        && let Some(why) = too_many(state, &origin.actor, now)
    {
        return Err((Code::OverBound, why));
    }
    Ok(before)
}

fn words(event: &str, untold: Untold<'_>) -> (Code, String) {
    match untold {
        Untold::Missing(name) => {
            let why =
                format!("{event} is known by `{name}`: it has none, so that nobody can tell which it is");
            (Code::Incomplete, why)
        }
        Untold::TooLong(name) => {
            (Code::OverBound, format!("`{name}`, by which {event} is known, has more than 256 bytes"))
        }
    }
}

/// Whether too many that this one raised are known, in words.
fn too_many(state: &State, by: &Actor, now: Time) -> Option<String> {
    let most = match by {
        Actor::Agent(_) | Actor::Person(_) => MOST_KNOWN,
        Actor::Deeds => MOST_RAISED,
    };
    let known = state.board.occurred.count(&counted_as(by), now);
    (known >= most).then(|| format!("{by} has raised {known} occurrences within {}", KNOWN.rough()))
}

/// What became of an occurrence, as far as this agent may know of it.
pub(super) fn find(
    state: &State,
    agent: Option<&AgentId>,
    (event, key_of): (&str, &str),
    now: Time,
) -> Option<Before> {
    let board = &state.board;
    let key = key(&[event, key_of]);
    let hidden = |occurred: &&Occurred| {
        occurred
            .of
            .as_ref()
            .zip(agent)
            .is_some_and(|(of, agent)| board.map.is_hidden(agent, &of.entity, &of.field))
    };
    let what = format!("{event} {key_of}");
    if let Some(occurred) = board.occurred.get(&key, now).filter(|occurred| !hidden(occurred)) {
        let waits = waiting(state, event, key_of).map(|(item, code)| Became::Waits(item, code));
        let now = waits.unwrap_or_else(|| became(state, occurred));
        return Some(Before { what, claimed: false, deed: occurred.deed, at: occurred.at, now });
    }
    board.claim(&key, now).map(|held| Before::claimed(what, held))
}

/// The item in which it waits, and for what, also where an answer was undone.
fn waiting(state: &State, event: &str, key: &str) -> Option<(ItemNo, Code)> {
    let is = |raise: &Raise| {
        let of = occurrence::key(&state.board.map, &raise.event, &raise.attributes);
        *raise.event == *event && of.is_ok_and(|of| of.is_some_and(|of| *of == *key))
    };
    let waits = |item: &Arc<Item>| {
        waits_for(&item.case).filter(|(raise, _)| is(raise)).map(|(_, code)| (item.no, code))
    };
    state.board.items.values().find_map(waits)
}

/// Whose it is, where it does not wait.
fn became(state: &State, occurred: &Occurred) -> Became {
    if !occurred.owners.is_empty() {
        return Became::Theirs(occurred.owners.clone(), occurred.works.clone());
    }
    let Some(no) = occurred.item else { return Became::Nobodys };
    let Some(ItemAnswer::Handle { to: Some(to), .. }) =
        state.board.closed_item(no).map(|closed| &closed.answer)
    else {
        return Became::Answered(no);
    };
    let given = |raised: Seq| raised == occurred.deed;
    let works = state.board.work_of(to).filter(|work| match &work.kind {
        WorkKind::Dispatch { raised, .. } => given(*raised),
        WorkKind::Proposal { .. }
        | WorkKind::Handoff { .. }
        | WorkKind::Returned { .. }
        | WorkKind::Decision { .. }
        | WorkKind::Ruling { .. }
        | WorkKind::Notice { .. }
        | WorkKind::Changed { .. }
        | WorkKind::Free { .. }
        | WorkKind::Branch { .. }
        | WorkKind::Join { .. } => false,
    });
    Became::Theirs(vec![to.clone()], works.map(|work| work.no).collect())
}

impl Before {
    /// One that an agent claimed.
    pub(super) fn claimed(what: String, held: &ClaimHeld) -> Self {
        let now = Became::Theirs(vec![held.by.clone()], Vec::new());
        Self { what, claimed: true, deed: held.deed, at: held.at, now }
    }

    /// What the caller is told, beside in which words.
    fn told(&self) -> (Outcome, Option<Code>, Refs, String) {
        let plain = Refs::default;
        match &self.now {
            Became::Waits(no, code) => {
                let refs = Refs { item: Some(*no), ..plain() };
                (Outcome::Escalated, Some(*code), refs, format!("it waits as #{no}"))
            }
            Became::Theirs(owners, works) => {
                let refs = Refs { owners: owners.clone(), works: works.clone(), ..plain() };
                (Outcome::Recorded, None, refs, format!("it is {}'s{}", names(owners), as_work(works)))
            }
            Became::Answered(no) => {
                let refs = Refs { item: Some(*no), ..plain() };
                (Outcome::Recorded, None, refs, format!("a person answered it, #{no}"))
            }
            Became::Nobodys => (Outcome::Recorded, None, plain(), "it woke nobody".to_owned()),
        }
    }

    /// `email.received m-1 is known since deed 7: it is billing's, work 5`.
    pub(super) fn words(&self) -> String {
        let (_, _, _, became) = self.told();
        format!("{} is known since deed {}: {became}", self.what, self.deed)
    }
}

fn names(agents: &[AgentId]) -> String {
    agents.iter().map(AgentId::as_str).collect::<Vec<_>>().join(" and ")
}

/// `, work 5`.
pub(super) fn as_work(works: &[WorkNo]) -> String {
    let works: Vec<String> = works.iter().map(|no| format!(", work {no}")).collect();
    works.concat()
}

/// It is known: nobody is woken again.
pub(super) fn again(sheet: &mut Sheet<'_>, raise: &Raise, origin: &Origin, before: &Before) -> Seq {
    let (outcome, code, refs, _) = before.told();
    let mut deed = draft(sheet, raise, origin, outcome, &before.words());
    if let Body::EventRaised(event) | Body::EventEscalated(event) = &mut deed.body {
        event.occurrence = None;
        event.again = Some(before.deed);
    }
    (deed.code, deed.refs) = (code, refs);
    let item = deed.refs.item.filter(|_| outcome == Outcome::Escalated);
    let primary = sheet.push(deed);
    if let Some(no) = item {
        inbox::join(sheet, no, primary);
    }
    primary
}

/// Which occurrence it is, for the deed that makes it known.
pub(super) fn mark(state: &State, raise: &Raise, now: Time) -> Option<OccurrenceMark> {
    let key = occurrence::key(&state.board.map, &raise.event, &raise.attributes).ok().flatten()?;
    Some(OccurrenceMark { key, until: now.plus(KNOWN) })
}
