//! What goes out, RULES §10.1: one rule for every effect outside, whichever door it is asked for at. What an act and a
//! publication are answered is theirs.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::verdict::GoesFirst;
use super::write::stale_on;
use super::{KNOWN, MOST_KNOWN, held, lease, verdict};
use crate::domain::code::Code;
use crate::domain::command::{Act, Publish};
use crate::domain::deed::Refs;
use crate::domain::ids::{AgentId, Seq, Version};
use crate::domain::key::key;
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::rule::zone::Whose;
use crate::domain::rule::{basis, contradiction, conversation, output as rule, target};
use crate::domain::state::{Board, State};
use crate::domain::things::{
    Case, Conversation, FieldChange, Item, LastPublication, Met, WaitingPublication, WorkKind,
};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Something that an agent does outside, as it was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Effect<'a> {
    /// The agent does it itself, once it may.
    Act(&'a Act),
    /// It is done by being recorded.
    Publication(&'a Publish),
}

/// What stands in the way of it.
pub(super) struct Stop {
    pub(super) code: Code,
    pub(super) outcome: Outcome,
    pub(super) why: String,
    pub(super) fields: Vec<FieldChange>,
    pub(super) refs: Refs,
    /// When and by what the way gets free, where another goes first.
    pub(super) free: Option<Free>,
    /// What another agent said, with which it collides.
    pub(super) over: Option<Voice>,
}

/// What another agent said in the same conversation.
#[derive(Debug, Clone)]
pub(super) struct Voice {
    pub(super) last: LastPublication,
    /// What both named.
    pub(super) met: Met,
}

/// What an act that waits is woken by.
pub(super) type Free = (Option<Time>, Vec<FieldPath>);

pub(super) fn stop(code: Code, outcome: Outcome, why: impl Into<String>) -> Stop {
    let (fields, refs) = (Vec::new(), Refs::default());
    Stop { code, outcome, why: why.into(), fields, refs, free: None, over: None }
}

impl Stop {
    /// Why it would not have gone out, where a workspace only observes: others read that deed, so that it says nothing of a field
    /// on which it depends who goes first, or what is to be settled.
    pub(super) fn observed(&self, state: &State, agent: &AgentId, subject: Option<&EntityPath>) -> String {
        match subject {
            Some(subject) if self.code == Code::Stale => {
                verdict::seen_stale(state, agent, subject, &self.fields)
            }
            Some(subject) if self.code == Code::Deferred => GoesFirst::plainly(&self.refs.owners, subject),
            Some(subject) if self.code == Code::Contradicted => unsettled(subject),
            Some(_) | None => self.why.clone(),
        }
    }
}

impl<'a> Effect<'a> {
    /// What waits for a person's approval in the item.
    pub(super) fn waiting_in(item: &'a Item) -> Option<Self> {
        match &item.case {
            Case::Approval { publish, .. } => Some(Self::Publication(publish)),
            Case::ActApproval { act, .. } => Some(Self::Act(act)),
            Case::UnownedField { .. }
            | Case::HeldField { .. }
            | Case::ZoneOffer { .. }
            | Case::UnownedTarget { .. }
            | Case::UnownedOutput { .. }
            | Case::Escalation { .. }
            | Case::Conflict { .. }
            | Case::MapOverdue { .. }
            | Case::UnownedEvent { .. }
            | Case::TriggerCollision { .. }
            | Case::Loop { .. }
            | Case::UnmappedCall { .. }
            | Case::UnknownOutcome { .. }
            | Case::GivenUp { .. }
            | Case::Stuck { .. } => None,
        }
    }

    /// Where it goes.
    pub(super) fn to(self) -> &'a Arc<str> {
        match self {
            Self::Act(act) => &act.target,
            Self::Publication(publish) => &publish.output,
        }
    }

    /// The caller's word for it.
    pub(super) fn word(self) -> &'a str {
        match self {
            Self::Act(act) => &act.action,
            Self::Publication(publish) => publish.word(),
        }
    }

    pub(super) fn thread(self) -> Option<&'a Arc<str>> {
        match self {
            Self::Act(act) => act.thread.as_ref(),
            Self::Publication(publish) => publish.thread.as_ref(),
        }
    }

    /// The entity it is said to be about.
    pub(super) fn subject(self) -> Option<&'a EntityPath> {
        match self {
            Self::Act(act) => Some(&act.subject),
            Self::Publication(publish) => publish.subject.as_ref(),
        }
    }

    /// The entity it is about: where none is named, the thread stands for it.
    pub(super) fn about(self) -> Option<Cow<'a, EntityPath>> {
        let thread = || self.thread()?.parse().ok().map(Cow::Owned);
        self.subject().map(Cow::Borrowed).or_else(thread)
    }

    pub(super) fn reads(self) -> &'a BTreeMap<FieldPath, Version> {
        match self {
            Self::Act(act) => &act.depends_on,
            Self::Publication(publish) => &publish.depends_on,
        }
    }

    pub(super) fn reason(self) -> Option<&'a Arc<str>> {
        match self {
            Self::Act(act) => act.reason.as_ref(),
            Self::Publication(publish) => publish.reason.as_ref(),
        }
    }

    /// What is said, where that is known.
    pub(super) fn body(self) -> Option<&'a Value> {
        match self {
            Self::Act(_) => None,
            Self::Publication(publish) => Some(&publish.body),
        }
    }

    /// `slack/billing, thread inv-7`.
    pub(super) fn place(self) -> String {
        let thread = self.thread().map(|thread| format!(", thread {thread}")).unwrap_or_default();
        format!("{}{thread}", self.to())
    }

    /// What it meets another voice in: `thread inv-7`, or the entity.
    pub(super) fn talk(self, met: Met) -> String {
        let entity = || self.about().map(|about| about.to_string());
        let thread = || self.thread().map(|thread| format!("thread {thread}"));
        let named = match met {
            Met::Thread => thread().or_else(entity),
            Met::Entity => entity().or_else(thread),
        };
        named.unwrap_or_else(|| self.to().to_string())
    }

    /// The conversation that it goes out on: anything that is published, and acts on what is an output.
    pub(super) fn conversation(self, state: &State, now: Time) -> Option<Conversation> {
        let is_output = rule::is_one(&state.board.map, self.to()) || matches!(self, Self::Publication(_));
        let window = conversation::window(&state.board.map, self.to());
        is_output.then(|| Conversation {
            thread: self.thread().map(verdict::cut),
            subject: self.about().map(Cow::into_owned),
            until: window.map(|window| now.plus(window)),
        })
    }

    fn cause(self) -> Option<Seq> {
        match self {
            Self::Act(act) => act.cause,
            Self::Publication(publish) => publish.cause,
        }
    }

    /// Is it still the agent's to do?
    pub(super) fn is_its(self, state: &'a State, agent: &AgentId) -> bool {
        self.whose(state, agent) == Whose::Own
    }

    fn whose(self, state: &'a State, agent: &AgentId) -> Whose<'a> {
        match self {
            Self::Act(act) => target::whose(&state.board.map, agent, &act.target),
            Self::Publication(publish) => rule::whose(&state.board.map, agent, &publish.output),
        }
    }
}

/// Did a person freeze what it is about, or where it goes?
pub(super) fn frozen(state: &State, agent: &AgentId, effect: Effect<'_>) -> Option<String> {
    let about = effect.about();
    let target = || effect.to().parse::<FieldPath>().ok();
    about
        .and_then(|about| verdict::frozen(state, agent, &about))
        .or_else(|| verdict::frozen(state, agent, &target()?.entity))
}

/// The same as people are told.
pub(super) fn frozen_for_people(state: &State, effect: Effect<'_>) -> Option<String> {
    let target = effect.to().parse::<FieldPath>().ok().map(|path| path.entity);
    let mut entities = effect.about().map(Cow::into_owned).into_iter().chain(target);
    let stopped = |entity: EntityPath| {
        let stop = state.board.frozen.get(&entity)?;
        Some(format!("{entity} was frozen by {}: {}", stop.by, stop.reason))
    };
    entities.find_map(stopped)
}

/// The first that stands in the way: zone, lease, turn, what it must be and was based on, who goes first, who else spoke in the
/// conversation, and whether a person approves. Once a turn has passed, nobody is waited for.
pub(super) fn check(
    state: &State,
    agent: &AgentId,
    effect: Effect<'_>,
    now: Time,
    passed: bool,
) -> Option<Stop> {
    check_zone(state, agent, effect)
        .or_else(|| check_sight(state, agent, effect))
        .or_else(|| check_lease(state, agent, effect, now))
        .or_else(|| check_turn(state, agent, effect, now).filter(|_| !passed))
        .or_else(|| check_needs(state, agent, effect))
        .or_else(|| check_base(state, agent, effect, now))
        .or_else(|| check_states(state, agent, effect))
        .or_else(|| check_voices(state, agent, effect, now))
        .or_else(|| check_approval(state, effect))
}

/// What must hold at the moment of approval as much as when it was asked for.
pub(super) fn recheck(state: &State, agent: &AgentId, effect: Effect<'_>, now: Time) -> Option<Stop> {
    check_sight(state, agent, effect)
        .or_else(|| check_lease(state, agent, effect, now))
        .or_else(|| check_base(state, agent, effect, now))
        .or_else(|| check_states(state, agent, effect))
}

/// Whether an act that waits may be asked for again: it is its turn, nobody goes first, and no contradiction stops it.
pub(super) fn is_free(state: &State, agent: &AgentId, act: &Act, now: Time) -> bool {
    check_turn(state, agent, Effect::Act(act), now).is_none()
        && verdict::goes_first(state, agent, &act.action, &act.subject, now).is_none()
        && check_states(state, agent, Effect::Act(act)).is_none()
}

/// Whether the agent has too many conversations open, or turns that are known, to begin another, in words.
pub(super) fn too_many_voices(
    state: &State,
    agent: &AgentId,
    effect: Effect<'_>,
    now: Time,
) -> Option<String> {
    let talk = effect.conversation(state, now)?;
    let open = state.board.talks.count(agent, now);
    if talk.until.is_some() && open >= conversation::CONVERSATIONS {
        return Some(format!(
            "{agent} has {open} conversations under way; wait until their windows are over"
        ));
    }
    // Also where nobody has a conversation: an output of the team's own may have an order.
    let turns = state.board.turns.count(agent, now);
    (turns >= MOST_KNOWN)
        .then(|| format!("{agent} has taken turns on {turns} threads within {}", KNOWN.rough()))
}

/// Whoever is in the agent's way in the conversation. An agent whose turn it is, or whose turn has passed, goes on after the
/// others of the order that spoke on the same output.
fn in_the_way<'a>(
    state: &'a State,
    agent: &AgentId,
    effect: Effect<'_>,
    now: Time,
) -> Option<(Met, &'a LastPublication)> {
    let (map, to) = (&state.board.map, effect.to());
    let there = |last: &LastPublication| last.output.as_ref().is_none_or(|output| output == to);
    let before = |last: &&LastPublication| there(last) && rule::in_order(map, to, agent, &last.by);
    voices(state, agent, effect, now).into_iter().find(|(_, last)| !before(last))
}

/// Those who spoke in the conversation last and still have it, other than the agent, and have not handed it over.
pub(super) fn voices<'a>(
    state: &'a State,
    agent: &AgentId,
    effect: Effect<'_>,
    now: Time,
) -> Vec<(Met, &'a LastPublication)> {
    let board = &state.board;
    let (Some(window), Some(talk)) =
        (conversation::window(&board.map, effect.to()), effect.conversation(state, now))
    else {
        return Vec::new();
    };
    // What went out before conversations were kept is known by output and thread.
    let before = effect.thread().and_then(|thread| board.threads.get(&key(&[effect.to(), thread])));
    let before = before.filter(|last| now < last.at.plus(window)).map(|last| (Met::Thread, last));
    let mut voices: Vec<(Met, &LastPublication)> =
        conversation::voices(board, &talk, now).chain(before).collect();
    voices.retain(|(_, last)| !conversation::goes_on(board, agent, &last.by, &talk, effect.cause()));
    voices
}

/// The last one whose turn it was on its thread; on the output as a whole where it is on none.
fn last_in_turn<'a>(board: &'a Board, effect: Effect<'_>, now: Time) -> Option<&'a LastPublication> {
    let to = effect.to();
    match effect.thread() {
        Some(thread) => board.last_there(&key(&[to, thread]), now),
        None => board.last_there(&key(&[to]), now),
    }
}

/// An act goes to an output of the agent, or to a path in its zone; a publication to an output.
fn check_zone(state: &State, agent: &AgentId, effect: Effect<'_>) -> Option<Stop> {
    match effect.whose(state, agent) {
        Whose::Own => None,
        Whose::Of(owner) => {
            let why = format!("{} belongs to {owner}", effect.to());
            let refs = Refs { owners: vec![owner.clone()], ..Refs::default() };
            Some(Stop { refs, ..stop(Code::NotOwner, Outcome::Refused, why) })
        }
        Whose::Nobodys => {
            let why = match effect {
                Effect::Act(act) => format!("nobody owns the target {}", act.target),
                Effect::Publication(publish) => format!("nobody publishes on {}", publish.output),
            };
            Some(stop(Code::Unowned, Outcome::Escalated, why))
        }
    }
}

/// Something of what it is about is for the agent to see.
fn check_sight(state: &State, agent: &AgentId, effect: Effect<'_>) -> Option<Stop> {
    // Also where the thread stands for it, and whether there is such an entity or not.
    let about = effect.about().filter(|about| verdict::unseen(state, agent, about))?;
    Some(stop(Code::Hidden, Outcome::Refused, verdict::unseen_words(&about, agent)))
}

/// Neither another's lease nor a person's hand is on where it goes.
fn check_lease(state: &State, agent: &AgentId, effect: Effect<'_>, now: Time) -> Option<Stop> {
    let path = effect.to().parse::<FieldPath>().ok()?;
    if let Some(why) = lease::of_another(state, agent, &path, now) {
        return Some(stop(Code::Leased, Outcome::Refused, why));
    }
    let why = held::on_path(&state.board, agent, &path, now)?;
    Some(stop(Code::Held, Outcome::Refused, why))
}

/// An agent of the order waits for its turn, as long as the window; another has none.
pub(super) fn check_turn(state: &State, agent: &AgentId, effect: Effect<'_>, now: Time) -> Option<Stop> {
    let map = &state.board.map;
    if !rule::takes_turns(map, effect.to()) || was_woken(state, agent, effect) {
        return None;
    }
    let last = last_in_turn(&state.board, effect, now).map(|last| &last.by);
    let at_it = |earlier: &AgentId| is_at_it(state, earlier, effect, now);
    let before = rule::turn(map, effect.to(), last, agent, at_it).err()?;
    let order = map.output(effect.to()).map(|rule| verdict::named(&rule.order)).unwrap_or_default();
    let last = last.map_or_else(|| "nobody".to_owned(), ToString::to_string);
    let next: Vec<&str> = before.agents.iter().map(|agent| agent.as_str()).collect();
    let why = format!("{} goes along {order}; {last} was last, {} may", effect.place(), next.join(" or "));
    if !before.has_turn {
        return Some(stop(Code::NotYourTurn, Outcome::Refused, why));
    }
    let until = now.plus(conversation::turn_window(map, effect.to()));
    let owners = before.agents.into_iter().cloned().collect();
    let refs = Refs { owners, until: Some(until), ..Refs::default() };
    let free = Some((Some(until), Vec::new()));
    Some(Stop { refs, free, ..stop(Code::NotYourTurn, Outcome::Deferred, why) })
}

/// An act that waited for its turn, whose agent asks again as it was told to.
fn was_woken(state: &State, agent: &AgentId, effect: Effect<'_>) -> bool {
    let Effect::Act(act) = effect else { return false };
    state.board.work_of(agent).any(|work| match &work.kind {
        WorkKind::Free { act: woken, .. } => {
            let what =
                |act: &Act| (act.target.clone(), act.thread.clone(), act.subject.clone(), act.action.clone());
            what(woken) == what(act)
        }
        WorkKind::Proposal { .. }
        | WorkKind::Decision { .. }
        | WorkKind::Ruling { .. }
        | WorkKind::Notice { .. }
        | WorkKind::Dispatch { .. }
        | WorkKind::Handoff { .. }
        | WorkKind::Returned { .. }
        | WorkKind::Changed { .. }
        | WorkKind::Branch { .. }
        | WorkKind::Join { .. } => false,
    })
}

/// Is an agent that comes earlier at the thread: has it work about it, or waits what it would say there?
fn is_at_it(state: &State, earlier: &AgentId, effect: Effect<'_>, now: Time) -> bool {
    let board = &state.board;
    let same = |other: Effect<'_>| {
        other.to() == effect.to()
            && other.thread() == effect.thread()
            && (effect.thread().is_some() || other.about() == effect.about())
    };
    let held = |item: &Arc<Item>| {
        item.raised_by.agent() == Some(earlier) && Effect::waiting_in(item).is_some_and(same)
    };
    let queued = |waiting: &Arc<WaitingPublication>| {
        waiting.agent == *earlier && same(Effect::Publication(&waiting.publish))
    };
    let talk = effect.conversation(state, now);
    talk.is_some_and(|talk| conversation::has_work(board, earlier, &talk))
        || board.queued.values().any(queued)
        || board.items.values().any(held)
}

/// What the map wants known before this goes out is named, with its version.
fn check_needs(state: &State, agent: &AgentId, effect: Effect<'_>) -> Option<Stop> {
    let about = effect.about();
    let missing = basis::missing(&state.board.map, (effect.word(), about.as_deref()), |path| {
        effect.reads().contains_key(path)
    });
    let names: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let field = |path: &FieldPath| verdict::unread(state, agent, path);
    let fields: Vec<FieldChange> = missing.iter().map(field).collect();
    let why = format!("{} goes out on the basis of {}; it was not read", effect.word(), names.join(", "));
    (!missing.is_empty()).then(|| Stop { fields, ..stop(Code::NoBasis, Outcome::Refused, why) })
}

fn check_base(state: &State, agent: &AgentId, effect: Effect<'_>, now: Time) -> Option<Stop> {
    let about = effect.about();
    let reads = verdict::outdated_reads(state, Some(agent), effect.reads());
    if let Some(first) = reads.first().and_then(|read| read.entity.clone()) {
        let why = stale_on(effect.subject().unwrap_or(&first), &reads);
        return Some(Stop { fields: reads, ..stop(Code::Stale, Outcome::Stale, why) });
    }
    let subject = about.as_deref()?;
    if let Some(gone) = state.entities.get(subject).and_then(|entity| entity.gone.as_ref()) {
        let why = if verdict::hides_whole(state, agent, subject) {
            format!("{subject} is gone")
        } else {
            format!("{subject} is gone since {} by {}", gone.at, gone.by)
        };
        return Some(stop(Code::Tombstone, Outcome::Stale, why));
    }
    let first = verdict::goes_first(state, agent, effect.word(), subject, now)?;
    let refs = Refs { owners: first.to, until: first.until, based_on: first.told, ..Refs::default() };
    let free = Some((first.free_at, first.watches));
    Some(Stop { refs, free, ..stop(Code::Deferred, Outcome::Deferred, first.why) })
}

/// No contradiction for which it waits is open about it, RULES §10.7.
fn check_states(state: &State, agent: &AgentId, effect: Effect<'_>) -> Option<Stop> {
    let about = effect.about()?;
    let board = &state.board;
    let (rule, print) = contradiction::stopping(&board.map, (effect.word(), &about), |print| {
        board.fingerprints.contains_key(print)
    })?;
    let alert = board.fingerprints.get(print.as_str()).and_then(|no| board.alerts.get(no))?;
    let paths = alert.sides.iter().filter_map(|side| side.path.as_ref());
    let mut watches: Vec<FieldPath> = paths.cloned().collect();
    watches.sort_unstable();
    watches.dedup();
    let hidden = watches.iter().any(|path| board.map.is_hidden(agent, &path.entity, &path.field));
    let why = if hidden {
        unsettled(&about)
    } else {
        let paths: Vec<String> = watches.iter().map(ToString::to_string).collect();
        let between = paths.join(" and ");
        format!("{} waits while {between} contradict each other ({} #{})", effect.word(), rule.name, alert.no)
    };
    let told = if hidden { Vec::new() } else { watches.clone() };
    let refs = Refs { based_on: told, ..Refs::default() };
    Some(Stop { refs, free: Some((None, watches)), ..stop(Code::Contradicted, Outcome::Deferred, why) })
}

fn unsettled(about: &EntityPath) -> String {
    format!("it waits until it is settled what is true of {about}")
}

fn check_voices(state: &State, agent: &AgentId, effect: Effect<'_>, now: Time) -> Option<Stop> {
    let (met, last) = in_the_way(state, agent, effect, now)?;
    let ago = now.since(last.at).rough();
    let why = format!("{} spoke on {} {ago} ago, in deed {}", last.by, effect.talk(met), last.deed);
    let refs = Refs { owners: vec![last.by.clone()], ..Refs::default() };
    Some(Stop {
        refs,
        over: Some(Voice { last: last.clone(), met }),
        ..stop(Code::Collision, Outcome::Escalated, why)
    })
}

fn check_approval(state: &State, effect: Effect<'_>) -> Option<Stop> {
    let why = format!("a person approves what goes out on {}", effect.to());
    rule::needs_approval(&state.board.map, effect.to())
        .then(|| stop(Code::NeedsApproval, Outcome::Escalated, why))
}
