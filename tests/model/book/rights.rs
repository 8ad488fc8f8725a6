//! What nobody gets by a way around (RULES §2.7, §12.4, §12.5, §13.1): a grant that its case is not about, an exception lifted by
//! no admin, an override outside the zones of one's queues, a commit of an agent that was shut out.

use super::Look;
use crate::zones::covers;
use deeds::domain::command::{Command, OverrideVerb};
use deeds::domain::deed::{Body, ScopeChange};
use deeds::domain::ids::{AgentId, PersonId};
use deeds::domain::map::Grant;
use deeds::domain::path::FieldName;
use deeds::domain::things::{Case, TokenClass};

pub(super) fn look(look: &Look<'_>) {
    let deed = look.deed;
    if let Body::ScopeExpanded(change) = &deed.body {
        expanded(look, change);
    }
    if let (Command::Override(asked), Some(person)) = (&look.request.command, deed.actor.person())
        && !deed.outcome.is_refusal()
        && look.request.principal.class == TokenClass::Reviewer
        && look.model.governance_owner.as_ref() != Some(person)
    {
        let named =
            |queue: &deeds::domain::map::Queue| queue.owner == *person || queue.deputies.contains(person);
        let one = look.model.queues.iter().any(named);
        let own_hand = matches!(asked.step, OverrideVerb::Release { .. });
        assert!(one || own_hand, "named on no queue: {deed:?}");
        if let OverrideVerb::Pause { agent } | OverrideVerb::Resume { agent } = &asked.step {
            assert!(is_of(look, agent, person), "another queue's agent: {deed:?}");
        }
    }
    if let (Body::WriteCommitted(()), Some(agent), Command::Item(_)) =
        (&deed.body, deed.actor.agent(), &look.request.command)
        && !super::calls::has_happened(deed)
    {
        let own = |name: &str, class| class == TokenClass::Agent && name == agent.as_str();
        let mut tokens =
            look.before.access.tokens.values().filter(|one| own(&one.token.name, one.token.class)).peekable();
        let out = tokens.peek().is_some() && tokens.all(|one| one.revoked.is_some());
        assert!(!out, "decided for an agent that was shut out: {deed:?}");
    }
}

/// Whether the person is named on the queue that the agent's inputs go to.
fn is_of(look: &Look<'_>, agent: &AgentId, person: &PersonId) -> bool {
    let agent = look.model.agents.iter().find(|one| one.id == *agent);
    let named = agent.and_then(|agent| agent.escalates_to.as_ref());
    let queue = look.model.queues.iter().find(|queue| Some(&queue.name) == named);
    let queue = queue.unwrap_or_else(|| &look.model.queues[0]);
    queue.owner == *person || queue.deputies.contains(person)
}

fn expanded(look: &Look<'_>, change: &ScopeChange) {
    let deed = look.deed;
    let admin = look.request.principal.class == TokenClass::Admin;
    assert!(!change.lifted || admin, "an exception lifted by no admin: {deed:?}");
    let Command::Item(step) = &look.request.command else { return };
    let Some(item) = look.before.board.items.get(&step.item) else { return };
    let covered = match (&item.case, &change.grant) {
        (Case::UnownedField { write, .. }, Grant::Write(pattern)) => {
            let fields = write.changes.keys().map(FieldName::as_str).chain([""]);
            fields.into_iter().any(|field| covers(pattern.as_str(), write.entity.as_str(), field))
        }
        (Case::UnownedOutput { publish }, Grant::Output(output)) => *output == *publish.output,
        (Case::UnownedEvent { raise } | Case::TriggerCollision { raise, .. }, Grant::Trigger(event)) => {
            *event == *raise.event
        }
        (Case::UnownedTarget { act }, Grant::Output(output)) => *output == *act.target,
        (Case::UnmappedCall { call, .. }, Grant::Tool(row)) => *row.name == *call.mark.tool,
        (Case::UnownedTarget { .. }, Grant::Write(_)) | (Case::Escalation { .. }, _) => true,
        _ => false,
    };
    assert!(covered, "the case is about something else: {deed:?}");
}
