//! Conversations: a thread or an entity, whatever the outputs. One voice within the window, and who may go on after it.

use std::sync::Arc;

use crate::domain::ids::{AgentId, Seq};
use crate::domain::map::{Map, Routing};
use crate::domain::path::EntityPath;
use crate::domain::state::Board;
use crate::domain::things::{Conversation, LastPublication, Met, Work, WorkKind};
use crate::domain::time::{Span, Time};

/// How long one voice has a conversation, where the map says nothing.
pub const THREAD_WINDOW: Span = Span::from_hours(1);
/// Most conversations that one agent has at a time. Beyond it its effects are refused, and no voice is forgotten.
pub const CONVERSATIONS: usize = 30_000;

/// For how long whoever speaks there has the conversation; none on what is the team's own.
pub fn window(map: &Map, output: &str) -> Option<Span> {
    let rule = map.output(output);
    if rule.is_some_and(|rule| rule.internal) {
        return None;
    }
    let own = rule.and_then(|rule| rule.thread_window);
    own.or(map.model().thread_window).or(Some(THREAD_WINDOW))
}

/// For how long an agent waits for its turn on an output: its window, also where that opens no conversation.
pub fn turn_window(map: &Map, output: &str) -> Span {
    let own = map.output(output).and_then(|rule| rule.thread_window);
    own.or(map.model().thread_window).unwrap_or(THREAD_WINDOW)
}

/// Has the agent work about the conversation that somebody waits for?
pub fn has_work(board: &Board, agent: &AgentId, talk: &Conversation) -> bool {
    board.work_of(agent).any(|work| work.kind.asks() && is_about(work, talk, None))
}

/// Who spoke last in what this belongs to, and still has it: for the window of where it was said, not of where one answers.
pub fn voices<'a>(
    board: &'a Board,
    talk: &Conversation,
    now: Time,
) -> impl Iterator<Item = (Met, &'a LastPublication)> {
    let heard = talk.heard().into_iter();
    heard.filter_map(move |(met, key)| Some((met, board.talks.get(&key, now)?)))
}

/// May the agent go on where another spoke last? The last one hands over to the next of an event's `then`, to whom it gives a
/// task, and to whom it returns one: as long as that one has the work in hand, and it is about this conversation.
pub fn goes_on(
    board: &Board,
    agent: &AgentId,
    last: &AgentId,
    talk: &Conversation,
    cause: Option<Seq>,
) -> bool {
    last == agent
        || board.work_of(agent).any(|work| hands_on(&board.map, work, last) && is_about(work, talk, cause))
}

/// Did the work come to its agent from the one who spoke last?
fn hands_on(map: &Map, work: &Work, last: &AgentId) -> bool {
    match &work.kind {
        WorkKind::Dispatch { event, attributes, .. } => match map.route(event, attributes) {
            Routing::Owner { agent: first, then } => {
                let order: Vec<&AgentId> = std::iter::once(first).chain(then).collect();
                order
                    .windows(2)
                    .any(|pair| matches!(pair, [before, next] if *before == last && **next == work.agent))
            }
            Routing::Nobody | Routing::Several(_) => false,
        },
        WorkKind::Handoff { order, .. } => order.from == *last,
        WorkKind::Returned { history, .. } => {
            history.iter().rev().find_map(|back| back.by.agent()) == Some(last)
        }
        WorkKind::Proposal { .. }
        | WorkKind::Decision { .. }
        | WorkKind::Notice { .. }
        | WorkKind::Ruling { .. }
        | WorkKind::Changed { .. }
        | WorkKind::Free { .. }
        | WorkKind::Branch { .. }
        | WorkKind::Join { .. } => false,
    }
}

/// Is the work about the conversation: by its subject, by an attribute of its event that names the thread, or because it is
/// what led to the effect?
fn is_about(work: &Work, talk: &Conversation, cause: Option<Seq>) -> bool {
    let subject: Option<&EntityPath> = work.subject.as_ref();
    let thread: Option<&Arc<str>> = talk.thread.as_ref();
    let named = || {
        let WorkKind::Dispatch { attributes, .. } = &work.kind else { return false };
        thread.is_some_and(|thread| attributes.values().any(|value| value.plain() == **thread))
    };
    (subject.is_some() && subject == talk.subject.as_ref()) || cause == Some(work.deed) || named()
}
