//! What an answer would do, before it is given: `decide` itself, run dry, and its deeds put into words. No rule is here.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Answer, decide, held, ruling, trigger, zone};
use crate::domain::code::Code;
use crate::domain::command::{Answered, Command, ItemStep, ItemVerb, Principal, Proof, Request};
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, AgentId, ItemNo, Seq};
use crate::domain::map::difference;
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::reply::Reply;
use crate::domain::rule::{reviewer, signing};
use crate::domain::state::{Board, State};
use crate::domain::things::{Case, Granted, Item, ItemAnswer, Work, WorkKind};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Most items alike of which a preview works out whether the same answer would settle them.
const ALIKE: usize = 128;
/// Most deeds that a preview lists; how many there are is said.
pub const FORESEEN: usize = 64;
/// Most sentences.
const SENTENCES: usize = 16;

/// The consequences of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// It is decided on everything up to this deed.
    pub seq: Seq,
    /// The map's version now and after.
    pub map: Option<(u64, u64)>,
    /// What changes in the map.
    pub changes: Vec<String>,
    /// Why it can't be given: what it overlaps with, what has changed, or what is missing.
    pub obstacle: Option<String>,
    /// The same as a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The present owner, where the obstacle is one: a transfer would take it from there.
    pub owner: Option<AgentId>,
    /// Waiting items alike that the same answer would settle.
    pub settles: Vec<ItemNo>,
    /// Who is told: those of the item itself, then those of each of `settles`, were it settled too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tells: Vec<Tells>,
    /// What a rule would have closed on arrival: items that wait, and answered ones as far as they are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub closes: Vec<Closes>,
    /// What will be true afterwards.
    pub then: Vec<String>,
    /// The deeds that it would record, the first of them.
    pub deeds: Vec<Foreseen>,
    /// How many these are.
    pub count: usize,
}

/// An item whose input a rule would have closed on arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Closes {
    /// Its number.
    pub item: ItemNo,
    /// The case in one line.
    pub title: Arc<str>,
    /// Whether it waits still.
    pub open: bool,
    /// How often it came.
    pub times: u64,
}

/// Somebody whom an answer tells of an item: an agent by its work stream, a person by the item that comes to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Tells {
    /// The item that it is about.
    pub item: ItemNo,
    /// Who is told.
    pub who: Actor,
}

/// A deed that an answer would record.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Foreseen {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Arc<str>,
    /// Who.
    pub by: Actor,
    /// The entity it is about.
    pub subject: Option<EntityPath>,
    /// How it comes out.
    pub outcome: Outcome,
    /// Why not, where it is not done.
    pub code: Option<Code>,
    /// The reason in words.
    pub reason: Option<Arc<str>>,
}

impl Foreseen {
    /// What is told of a deed.
    pub fn of(deed: &Deed) -> Self {
        Self {
            kind: Arc::from(deed.body.type_name()),
            by: deed.actor.clone(),
            subject: deed.subject.clone(),
            outcome: deed.outcome,
            code: deed.code,
            reason: deed.reason.clone(),
        }
    }
}

/// An answer about to be given to an item as it is now.
#[derive(Debug, Clone, Copy)]
pub struct Supposed<'a> {
    /// Who would give it.
    pub by: &'a Principal,
    /// To what.
    pub item: &'a Item,
    /// Which.
    pub answer: &'a ItemAnswer,
    /// Items alike that it would settle too.
    pub include: &'a [ItemNo],
}

/// What the answer would do, given to what is there now.
pub fn preview(state: &State, supposed: &Supposed<'_>, now: Time) -> Preview {
    let Some((reply, deeds)) = supposed.decide(state, supposed.include, now) else {
        // A key is what gets an answer of before, and there is none.
        return Preview { seq: state.head(), ..Preview::default() };
    };
    let mut preview = Preview {
        seq: state.head(),
        deeds: deeds.iter().take(FORESEEN).map(Foreseen::of).collect(),
        count: deeds.len(),
        ..Preview::default()
    };
    if !reply.is_done() {
        let revised = deeds.iter().any(|deed| matches!(deed.body, Body::ItemRevised(_)));
        preview.then.push(if revised {
            format!("nothing goes out; #{} shows the other publication from then on", supposed.item.no)
        } else {
            "nothing changes".to_owned()
        });
        preview.obstacle = Some(reply.message.as_deref().unwrap_or("it would be refused").to_owned());
        preview.code = reply.code;
        preview.owner = reply.owners.first().cloned();
        return preview;
    }
    let mut after = state.clone();
    for deed in &deeds {
        after.fold(deed);
    }
    let (before, after) = (&state.board, &after.board);
    if before.map_version != after.map_version {
        preview.map = Some((before.map_version.0, after.map_version.0));
        let changes = difference(before.map.model(), after.map.model());
        preview.changes = changes.iter().map(ToString::to_string).collect();
    }
    preview.tells = told_by(before, supposed, &deeds);
    let (settles, alerts, theirs) = supposed.settles(state, &deeds, now);
    let included = supposed.include;
    let more =
        theirs.into_iter().filter(|told| settles.contains(&told.item) && !included.contains(&told.item));
    preview.tells.extend(more);
    preview.settles = settles;
    preview.closes = supposed.closes(state);
    preview.then = sentences(state, supposed, &deeds);
    if let Some(why) = signing::asks_of_answer(before, supposed.item, supposed.answer) {
        preview
            .then
            .push(format!("{why}: your ssh-agent signs what is shown here, and may want its key touched"));
    }
    if alerts > 0 {
        let alerts =
            if alerts == 1 { "1 more alert is".to_owned() } else { format!("{alerts} more alerts are") };
        preview.then.push(format!("answered together with those alike, {alerts} resolved"));
    }
    preview
}

impl Supposed<'_> {
    fn decide(&self, state: &State, include: &[ItemNo], now: Time) -> Option<(Reply, Vec<Deed>)> {
        let answered = Answered {
            answer: self.answer.clone(),
            version: self.item.version,
            digest: self.item.digest(),
            include: include.to_vec(),
        };
        let step = ItemStep { item: self.item.no, step: ItemVerb::Answer(answered) };
        let request =
            Request { proof: Proof::Supposed, ..Request::new(self.by.clone(), Command::Item(step)) };
        let decision = decide(state, &request, now);
        match decision.answer {
            Answer::Reply(reply) => Some((*reply, decision.deeds)),
            Answer::Replay(_) => None,
        }
    }

    /// Those alike that end by the same answer, given to all of them at once, and how many alerts more than without
    /// them. One that stands in the way of the others is left out, and one whose input would only wait again.
    fn settles(&self, state: &State, alone: &[Deed], now: Time) -> (Vec<ItemNo>, usize, Vec<Tells>) {
        let Some(person) = self.by.actor.person() else { return (Vec::new(), 0, Vec::new()) };
        let who = (person, self.by.class);
        let theirs = |other: &&Arc<Item>| reviewer::may_answer(&state.board, other, who, now).is_ok();
        let alike = state.board.settled_like(self.item, self.answer.is_of_scope()).filter(theirs).take(ALIKE);
        let mut alike: Vec<&Item> = alike.map(AsRef::as_ref).collect();
        while !alike.is_empty() {
            let numbers: Vec<ItemNo> = alike.iter().map(|item| item.no).collect();
            let Some((reply, deeds)) = self.decide(state, &numbers, now) else { break };
            if reply.is_done() {
                let ends = |item: &&&Item| !input_of(item, &deeds).is_some_and(waits);
                let settled = alike.iter().filter(ends).map(|item| item.no).collect();
                let more = resolved(&deeds).count().saturating_sub(resolved(alone).count());
                return (settled, more, told_by(&state.board, self, &deeds));
            }
            match numbers.iter().position(|no| reply.item == Some(*no)) {
                Some(at) => drop(alike.remove(at)),
                None => break,
            }
        }
        (Vec::new(), 0, Vec::new())
    }
}

/// Who is told by these deeds, and of which item, each once: agents to whom work comes, and who answers for what is opened.
fn told_by(board: &Board, supposed: &Supposed<'_>, deeds: &[Deed]) -> Vec<Tells> {
    let mut tells: Vec<Tells> = Vec::new();
    for deed in deeds {
        let first = supposed.item.no;
        let (item, who) = if let Some(work) = queued(deed) {
            let of = if let WorkKind::Decision { item, .. } = &work.kind { *item } else { first };
            (of, Actor::Agent(work.agent.clone()))
        } else if let Body::ItemOpened(opened) = &deed.body {
            (first, Actor::Person(reviewer::queue(&board.map, opened).owner.clone()))
        } else {
            continue;
        };
        if who != supposed.by.actor && !tells.iter().any(|told| told.item == item && told.who == who) {
            tells.push(Tells { item, who });
        }
    }
    tells
}

impl Supposed<'_> {
    /// What the rule of this answer would have closed, had it been there: the item itself, and whatever else is the same case.
    fn closes(&self, state: &State) -> Vec<Closes> {
        let rule = matches!(self.answer, ItemAnswer::OutOfScope { rule: true, .. });
        if !rule || matches!(self.item.case, Case::Conflict { .. }) {
            return Vec::new();
        }
        let told = |item: &Arc<Item>, open: bool| Closes {
            item: item.no,
            title: Arc::clone(&item.title),
            open,
            times: item.joined + 1,
        };
        let board = &state.board;
        let same = |item: &&Arc<Item>| item.no == self.item.no || self.item.is_settled_like(item, false);
        let past = board.closed.iter().map(|closed| &closed.item).filter(same).map(|item| told(item, false));
        let open = board.items.values().filter(same).map(|item| told(item, true));
        past.chain(open).take(FORESEEN).collect()
    }
}

fn resolved(deeds: &[Deed]) -> impl Iterator<Item = &Deed> {
    deeds.iter().filter(|deed| matches!(deed.body, Body::AlertResolved(())))
}

fn waits(deed: &Deed) -> bool {
    matches!(deed.outcome, Outcome::Proposed | Outcome::Escalated)
}

/// The deed of an item's stored input, decided again.
fn input_of<'d>(item: &Item, deeds: &'d [Deed]) -> Option<&'d Deed> {
    let told = deeds.iter().filter_map(queued).find_map(|work| {
        let WorkKind::Decision { item: no, result, .. } = &work.kind else { return None };
        result.as_ref().filter(|_| *no == item.no).map(|result| result.deed)
    });
    let is_event = |deed: &&Deed| {
        deed.cause == Some(item.deed)
            && matches!(deed.body, Body::EventRaised(_) | Body::EventEscalated(_) | Body::EventRefused(_))
    };
    let by_number = |seq| deeds.iter().find(|deed| deed.seq == seq);
    // Nobody is told of an event that no agent raised.
    told.and_then(by_number).or_else(|| deeds.iter().find(is_event))
}

fn queued(deed: &Deed) -> Option<&Work> {
    if let Body::WorkQueued(work) = &deed.body { Some(work) } else { None }
}

/// The agent that is told of the answer to an item, if one is.
fn told<'d>(item: &Item, deeds: &'d [Deed]) -> Option<&'d AgentId> {
    let mut works = deeds.iter().filter_map(queued);
    let of = |work: &&Work| matches!(work.kind, WorkKind::Decision { item: no, .. } if no == item.no);
    works.find(|work| of(work) && item.raised_by.agent() == Some(&work.agent)).map(|work| &work.agent)
}

/// The agent that gets the stored input of an item as work.
fn given_back<'w>(item: &Item, work: &'w Work) -> Option<&'w AgentId> {
    let WorkKind::Decision { item: no, input: Some(_), .. } = &work.kind else { return None };
    (*no == item.no).then_some(&work.agent)
}

/// What will be true afterwards, deed by deed.
fn sentences(state: &State, supposed: &Supposed<'_>, deeds: &[Deed]) -> Vec<String> {
    let (item, answer) = (supposed.item, supposed.answer);
    let mut then = vec![first(item, answer, deeds)];
    // What an approval sends is said already.
    let input = input_of(item, deeds).filter(|_| !item.case.is_approval());
    then.extend(input.map(|input| of_input(item, input, deeds)));
    if let (None, ItemAnswer::Expand { .. } | ItemAnswer::Transfer { .. }) = (input, answer) {
        then.extend(told(item, deeds).map(|agent| format!("{agent} is told of the answer")));
        then.extend(
            deeds
                .iter()
                .filter_map(queued)
                .filter_map(|work| given_back(item, work))
                .map(|agent| format!("{agent} gets the stored input as work")),
        );
    }
    let others = supposed.include.iter().filter_map(|no| state.board.items.get(no));
    let others: Vec<(&Item, &Deed)> =
        others.filter_map(|other| Some((&**other, input_of(other, deeds)?))).collect();
    let inputs: Vec<Seq> = others.iter().map(|(_, input)| *input).chain(input).map(|deed| deed.seq).collect();
    then.extend(deeds.iter().filter_map(|deed| follows(item, answer, deed, &inputs)));
    then.extend(
        others.iter().map(|(other, input)| format!("#{}: {}", other.no, of_input(other, input, deeds))),
    );
    let more = then.len().saturating_sub(SENTENCES);
    if more > 0 {
        then.truncate(SENTENCES);
        then.push(format!("and {more} more"));
    }
    then
}

/// What the answer itself comes to.
fn first(item: &Item, answer: &ItemAnswer, deeds: &[Deed]) -> String {
    let told = told(item, deeds);
    if let Some(words) = zone::in_words(item, answer) {
        return words;
    }
    match answer {
        ItemAnswer::Expand { agent, grant, .. } => {
            let grown = deeds.iter().any(|deed| matches!(deed.body, Body::ScopeExpanded(_)));
            let words = Granted { agent: agent.clone(), grant: grant.clone() }.to_string();
            if grown { words } else { format!("{words} already; the map stays as it is") }
        }
        ItemAnswer::Transfer { pattern, from, to, .. } => {
            format!("{to} owns {pattern}; {from} no longer writes it and proposes instead")
        }
        ItemAnswer::Handle { reply, .. } => match (told, &item.raised_by) {
            (Some(agent), _) => {
                let with = if reply.is_some() { ", with your reply" } else { "" };
                format!("{agent} is told that you handled it{with}; its scope stays as it is")
            }
            (None, Actor::Person(person)) => {
                format!("every scope stays as it is, and no agent is told: {person} raised it")
            }
            (None, _) => {
                "every scope stays as it is, and no agent is told: Deeds found it, none asked".to_owned()
            }
        },
        ItemAnswer::Ruling { right, value, .. } => ruled(right.as_deref(), value.as_ref(), deeds),
        ItemAnswer::OutOfScope { .. } => classified(item, told, deeds),
        ItemAnswer::SendOn { .. } => sent_on(told, deeds),
        ItemAnswer::Approve { .. } if !item.case.is_approval() => held::approved_words(item),
        ItemAnswer::Reject { .. } if !item.case.is_approval() => "the field stays as it is".to_owned(),
        ItemAnswer::Approve { .. } => match (&item.case, told) {
            (Case::ActApproval { .. }, Some(agent)) => {
                format!("{agent} may go ahead, and is told its act's number; that can't be taken back")
            }
            (_, _) => "it goes out as it is; it can't be taken back".to_owned(),
        },
        ItemAnswer::ApproveEdited { .. } => "it goes out with your text; it can't be taken back".to_owned(),
        ItemAnswer::Reject { .. } => "it does not go out".to_owned(),
    }
}

/// Who has the task next, for which attempt, and who is told.
fn sent_on(told: Option<&AgentId>, deeds: &[Deed]) -> String {
    let on =
        deeds.iter().find_map(|deed| if let Body::TaskSentOn(on) = &deed.body { Some(on) } else { None });
    let goes = on.map_or_else(String::new, |on| {
        format!("{} goes to {}, attempt {} of {}", on.id, on.order.to, on.attempt, on.max_attempts)
    });
    told.map_or_else(|| goes.clone(), |told| format!("{goes}; {told} is told"))
}

/// What is right from now on, and who is told.
fn ruled(right: Option<&str>, value: Option<&Value>, deeds: &[Deed]) -> String {
    let works = deeds.iter().filter_map(queued);
    let told =
        works.filter(|work| matches!(work.kind, WorkKind::Ruling { .. })).map(|work| work.agent.clone());
    let told: Vec<AgentId> = told.collect();
    let whom =
        if told.is_empty() { "nobody is told".to_owned() } else { named(&told, " and ") + " are told" };
    let drawn = deeds.iter().any(|deed| matches!(deed.body, Body::ConclusionDrawn(_)));
    let held = if drawn { "; what is concluded from now on is held against it" } else { "" };
    format!("{}; {whom}{held}", ruling::words(right, value, None))
}

fn classified(item: &Item, told: Option<&AgentId>, deeds: &[Deed]) -> String {
    let rule = deeds.iter().any(|deed| matches!(deed.body, Body::RuleAdded(_)));
    if let (Some(raise), true) = (trigger::event_of(&item.case), rule) {
        return format!(
            "this very {}, with the same attributes, is closed on arrival from now on",
            raise.event
        );
    }
    match told {
        None => {
            let what = trigger::event_of(&item.case).map_or(item.case.word(), |raise| &raise.event);
            format!("no agent is told; the next {what} like this comes here again")
        }
        Some(agent) if rule => {
            let about = item.subject.as_ref().map(|subject| format!(" about {subject}")).unwrap_or_default();
            format!("{agent} is told; this very input{about} is closed on arrival from now on")
        }
        Some(agent) => format!("{agent} is told; the next input like this comes here again"),
    }
}

/// How a stored input comes out when it is decided again.
fn of_input(item: &Item, input: &Deed, deeds: &[Deed]) -> String {
    let by = &item.raised_by;
    let event = trigger::event_of(&item.case).map(|raise| &raise.event);
    let what = event.map_or("input", |event| event);
    if input.code == Some(Code::Paused) {
        return format!("{by} is paused: the stored {what} is not decided, {by} is told to send it again");
    }
    if input.code == Some(Code::TokenEnded) {
        return format!(
            "the tokens of {by} were revoked: the stored {what} is not decided, {by} is told to send it again"
        );
    }
    let owners = named(&input.refs.owners, ", ");
    match (input.outcome, event) {
        (Outcome::Recorded, Some(event)) if input.refs.owners.is_empty() => {
            format!("the stored {event} is recorded; nobody is woken by it")
        }
        (Outcome::Recorded, Some(event)) => format!("the stored {event} goes to {owners} at once"),
        (Outcome::Committed | Outcome::Allowed, _) => {
            format!("the stored {what} of {by} is decided again at once: {}", input.outcome.as_str())
        }
        (Outcome::Proposed, _) => format!("the stored {what} becomes a proposal to {owners}"),
        (Outcome::Escalated, _) => {
            let opened =
                |deed: &Deed| matches!(deed.body, Body::ItemOpened(_)) && deed.cause == Some(input.seq);
            let new = deeds.iter().any(opened);
            let how = if new { "comes back as a new item" } else { "joins an item that waits" };
            format!("the stored {what} {how}: {}", reason(input))
        }
        (outcome, _) => {
            format!(
                "the stored {what} is decided again at once and not done, {}: {}",
                outcome.as_str(),
                reason(input)
            )
        }
    }
}

fn named(agents: &[AgentId], between: &str) -> String {
    agents.iter().map(AgentId::as_str).collect::<Vec<_>>().join(between)
}

fn reason(deed: &Deed) -> &str {
    deed.reason.as_deref().unwrap_or("no reason is given")
}

/// What else follows, where people should know.
fn follows(item: &Item, answer: &ItemAnswer, deed: &Deed, inputs: &[Seq]) -> Option<String> {
    if let Body::AlertResolved(()) = deed.body {
        let no = deed.refs.alerts.first().filter(|_| deed.refs.item == Some(item.no))?;
        let with = if deed.reason.as_ref() == answer.note() { " with your note" } else { "" };
        return Some(format!("alert #{no} is resolved{with}"));
    }
    if let Body::TaskClosed(task) = &deed.body {
        let told = named(&deed.refs.owners, " and ");
        return Some(format!("task {task} is closed, and {told} are told"));
    }
    if let Body::AlertOpened(alert) = &deed.body {
        return Some(format!("alert #{} is opened: {}", alert.no, alert.title));
    }
    if let Body::EventRaised(raised) = &deed.body {
        let words = || format!("{} is raised, for {}", raised.event, named(&deed.refs.owners, ", "));
        return (!inputs.contains(&deed.seq)).then(words);
    }
    let work = queued(deed)?;
    let WorkKind::Dispatch { event, .. } = &work.kind else { return None };
    match (answer, &item.case) {
        (ItemAnswer::Handle { to: Some(to), .. }, Case::GivenUp { .. }) if *to == work.agent => {
            Some(format!("this {event} goes to {to}, and on from there"))
        }
        (ItemAnswer::Handle { to: Some(to), .. }, _) if *to == work.agent => {
            Some(format!("this {event} goes to {to}; the next one comes here again"))
        }
        (ItemAnswer::Handle { .. }, Case::GivenUp { work: done }) => {
            Some(format!("{event} goes on to {}, as if {} had completed it", work.agent, done.agent))
        }
        _ => None,
    }
}
