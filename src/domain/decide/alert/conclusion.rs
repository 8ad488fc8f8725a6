//! Agents that answer the same question about the same entity differently.

use super::{Finding, raise};
use crate::domain::command::Conclude;
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AgentId, AlertNo, Seq};
use crate::domain::path::FieldPath;
use crate::domain::rule::ruling;
use crate::domain::state::State;
use crate::domain::things::{AlertKind, AlertSide, CONCLUDED, Concluded, question_key};

/// Does what the agent concluded differ from what others concluded last?
pub(in crate::domain::decide) fn conclusions_differ(
    sheet: &mut Sheet<'_>,
    before: &State,
    conclude: &Conclude,
    agent: &AgentId,
    primary: Seq,
) -> Option<AlertNo> {
    let key = question_key(&conclude.subject, &conclude.question);
    let voices = before.board.conclusion(&key, sheet.now)?;
    let is_own = |voice: &Concluded| voice.by.agent() == Some(agent);
    let others = ruling::against(voices.iter(), is_own, &conclude.answer);
    let first = others.first()?;
    let on = FieldPath::whole(conclude.subject.clone());
    let mine = Concluded {
        by: Actor::Agent(agent.clone()),
        answer: conclude.answer.clone(),
        at: sheet.time,
        deed: primary,
        reason: conclude.reason.clone(),
        ruling: false,
    };
    let sides = others.iter().copied().chain([&mine]).map(|voice| side_of(voice, &on)).collect();
    let question = conclude.question.split_whitespace().collect::<Vec<_>>().join(" ");
    let finding = Finding {
        kind: AlertKind::Contradiction,
        same: format!("{}|{}", question.to_lowercase(), conclude.subject),
        title: format!(
            "{question}, {}: {} says {}, and {agent} says {}",
            conclude.subject,
            first.by,
            short(&first.answer.plain()),
            short(&conclude.answer.plain())
        ),
        first_cause: Some(first.deed),
        on: Some(on),
        sides,
        count: 1,
    };
    raise(sheet, finding, primary)
}

/// How much of an answer a title shows, in characters; the sides have all of it.
const SHOWN: usize = 60;

/// The beginning of an answer, for a title.
pub(in crate::domain::decide) fn short(answer: &str) -> String {
    let mut letters = answer.chars();
    let shown: String = letters.by_ref().take(SHOWN).collect();
    if letters.next().is_some() { format!("{shown}…") } else { shown }
}

fn side_of(voice: &Concluded, on: &FieldPath) -> AlertSide {
    AlertSide {
        actor: voice.by.clone(),
        deed: Some(voice.deed),
        path: Some(on.clone()),
        read: None,
        wrote: None,
        value: Some(voice.answer.clone()),
        at: voice.at,
        why: voice.reason.clone(),
        outcome: CONCLUDED.into(),
    }
}
