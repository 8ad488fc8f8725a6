//! What a held publication puts into the inbox.

use std::sync::Arc;

use crate::domain::command::Publish;
use crate::domain::decide::inbox::{self, NewItem};
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AgentId, AlertNo, ItemNo, Seq};
use crate::domain::map::Grant;
use crate::domain::state::State;
use crate::domain::things::{Case, Item, LastPublication, Suggestion};

/// Longest piece of a body in a title, in characters.
const TITLE: usize = 120;

/// Publications of one agent on one output are alike; those that nobody owns are not like those that wait for approval.
pub(super) fn alike(agent: &AgentId, publish: &Publish, unowned: bool) -> String {
    let word = if unowned { "output" } else { "approval" };
    format!("{word}|{agent}|{}", publish.output)
}

/// The very same publication is waiting already: a retry, not a new case.
pub(super) fn same_waiting(state: &State, agent: &AgentId, publish: &Publish) -> Option<ItemNo> {
    let same = |item: &&Arc<Item>| {
        item.raised_by.agent() == Some(agent) && item.case.publication().is_some_and(|have| have == publish)
    };
    state.board.items.values().find(same).map(|item| item.no)
}

/// An output that nobody publishes on.
pub(super) fn unowned(sheet: &mut Sheet<'_>, agent: &AgentId, publish: &Publish, cause: Seq) -> ItemNo {
    let suggestion = Suggestion {
        agent: agent.clone(),
        grant: Grant::Output(publish.output.to_string()),
        reason: Arc::from(format!("{agent} asked for it, and nobody else publishes there")),
    };
    let item = NewItem {
        case: Case::UnownedOutput { publish: Box::new(publish.clone()) },
        why: format!("nobody publishes on {}", publish.output),
        alike: alike(agent, publish, true),
        suggestion: Some(suggestion),
        ..new(sheet, agent, publish, cause)
    };
    open(sheet, agent, item, cause)
}

/// A publication that a person lets out or not, and why it was held.
pub(super) fn approval(
    sheet: &mut Sheet<'_>,
    agent: &AgentId,
    publish: &Publish,
    (why, over, alert): (&str, Option<&LastPublication>, Option<AlertNo>),
    cause: Seq,
) -> ItemNo {
    let over: Vec<Seq> = over.into_iter().map(|last| last.deed).collect();
    let plain = new(sheet, agent, publish, cause);
    let item = NewItem {
        evidence: over.iter().copied().chain(plain.evidence.iter().copied()).collect(),
        case: Case::Approval { publish: Box::new(publish.clone()), over, alert },
        why: why.to_owned(),
        alike: alike(agent, publish, false),
        ..plain
    };
    open(sheet, agent, item, cause)
}

fn new(sheet: &mut Sheet<'_>, agent: &AgentId, publish: &Publish, cause: Seq) -> NewItem {
    let body: String = inbox::one_line(&publish.body).chars().take(TITLE).collect();
    let state = sheet.snapshot();
    NewItem {
        case: Case::UnownedOutput { publish: Box::new(publish.clone()) },
        raised_by: Actor::Agent(agent.clone()),
        title: format!("{} → {}: {body}", publish.word(), super::place(publish)),
        why: String::new(),
        unforeseen: false,
        subject: publish.subject.clone(),
        evidence: publish
            .subject
            .as_ref()
            .map_or_else(|| vec![cause], |subject| inbox::evidence(&state, subject, cause)),
        alike: String::new(),
        suggestion: None,
    }
}

fn open(sheet: &mut Sheet<'_>, agent: &AgentId, item: NewItem, cause: Seq) -> ItemNo {
    let state = sheet.snapshot();
    inbox::open_in(sheet, state.board.map.queue_of(agent), item, cause)
}
