//! What is held puts into the inbox.

use std::sync::Arc;

use crate::domain::command::Publish;
use crate::domain::decide::effect::{Effect, Voice};
use crate::domain::decide::inbox::{self, NewItem};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::title;
use crate::domain::ids::{Actor, AgentId, AlertNo, ItemNo, Seq};
use crate::domain::map::Grant;
use crate::domain::state::State;
use crate::domain::things::{Case, Item, Suggestion};

/// Longest piece of a body in a title, in characters.
const TITLE: usize = 120;

/// What one agent sends to one output is alike; what nobody owns is not like what waits for approval.
pub(super) fn alike(agent: &AgentId, output: &str, unowned: bool) -> String {
    let word = if unowned { "output" } else { "approval" };
    format!("{word}|{agent}|{output}")
}

/// The very same is waiting already: a retry, not a new case.
pub(super) fn same_waiting(state: &State, agent: &AgentId, effect: Effect<'_>) -> Option<ItemNo> {
    let same = |item: &&Arc<Item>| {
        item.raised_by.agent() == Some(agent)
            && match effect {
                Effect::Act(act) => {
                    matches!(&item.case, Case::ActApproval { act: have, .. } if **have == *act)
                }
                Effect::Publication(publish) => item.case.publication().is_some_and(|have| have == publish),
            }
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
    let case = Case::UnownedOutput { publish: Box::new(publish.clone()) };
    let item = NewItem {
        why: format!("nobody publishes on {}", publish.output),
        alike: alike(agent, &publish.output, true),
        suggestion: Some(suggestion),
        ..new(sheet, agent, Effect::Publication(publish), case, cause)
    };
    open(sheet, agent, item, cause)
}

/// What a person lets go or not, and why it was held.
pub(super) fn approval(
    sheet: &mut Sheet<'_>,
    agent: &AgentId,
    effect: Effect<'_>,
    (why, over, alert): (&str, Option<&Voice>, Option<AlertNo>),
    cause: Seq,
) -> ItemNo {
    let over: Vec<Seq> = over.into_iter().map(|voice| voice.last.deed).collect();
    let plain = new(sheet, agent, effect, case(effect, over.clone(), alert), cause);
    let item = NewItem {
        evidence: over.iter().copied().chain(plain.evidence.iter().copied()).collect(),
        why: why.to_owned(),
        alike: alike(agent, effect.to(), false),
        ..plain
    };
    open(sheet, agent, item, cause)
}

/// What waits, over what others have said.
pub(super) fn case(effect: Effect<'_>, over: Vec<Seq>, alert: Option<AlertNo>) -> Case {
    match effect {
        Effect::Act(act) => Case::ActApproval { act: Box::new(act.clone()), over, alert },
        Effect::Publication(publish) => Case::Approval { publish: Box::new(publish.clone()), over, alert },
    }
}

fn new(sheet: &mut Sheet<'_>, agent: &AgentId, effect: Effect<'_>, case: Case, cause: Seq) -> NewItem {
    let said = |body| title::one_line(body).chars().take(TITLE).collect::<String>();
    let body = effect.body().map(|body| format!(": {}", said(body))).unwrap_or_default();
    let state = sheet.snapshot();
    let subject = effect.subject();
    NewItem {
        case,
        raised_by: Actor::Agent(agent.clone()),
        title: format!("{} → {}{body}", effect.word(), effect.place()),
        why: String::new(),
        unforeseen: false,
        subject: subject.cloned(),
        evidence: subject.map_or_else(|| vec![cause], |subject| inbox::evidence(&state, subject, cause)),
        alike: String::new(),
        suggestion: None,
    }
}

fn open(sheet: &mut Sheet<'_>, agent: &AgentId, item: NewItem, cause: Seq) -> ItemNo {
    let state = sheet.snapshot();
    inbox::open_in(sheet, state.board.map.queue_of(agent), item, cause)
}
