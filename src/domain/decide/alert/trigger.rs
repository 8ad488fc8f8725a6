//! More than one agent for the same event.

use super::{Finding, raise, raise_with_item, side};
use crate::domain::command::Claim;
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AgentId, AlertNo, Seq};
use crate::domain::path::{EntityPath, FieldPath};
use crate::domain::things::{AlertKind, ClaimHeld};

/// Several agents answer an event, and no route decides. The caller opens the item with the event in it.
pub(in crate::domain::decide) fn listeners_collide(
    sheet: &mut Sheet<'_>,
    event: &str,
    subject: Option<&EntityPath>,
    agents: &[&AgentId],
    primary: Seq,
) -> Option<AlertNo> {
    let on = subject.cloned().map(FieldPath::whole);
    let told =
        (Some(event), if sheet.base().board.enforces() { "not woken" } else { "woken, as were others" });
    let at = sheet.time;
    let one = |agent: &&AgentId| side(&Actor::Agent((*agent).clone()), Some(primary), on.as_ref(), at, told);
    let sides = agents.iter().map(one).collect();
    let names: Vec<&str> = agents.iter().map(|agent| agent.as_str()).collect();
    let finding = Finding {
        kind: AlertKind::TriggerCollision,
        same: format!("{event}|{}", names.join(",")),
        title: format!("{} all answer {event}", names.join(", ")),
        sides,
        first_cause: sheet.deed(primary).and_then(|deed| deed.cause).or(Some(primary)),
        on,
        count: 1,
    };
    raise_with_item(sheet, finding, primary)
}

/// An agent claimed what is another's.
pub(in crate::domain::decide) fn claims_collide(
    sheet: &mut Sheet<'_>,
    claim: &Claim,
    owner: &AgentId,
    held: Option<&ClaimHeld>,
    primary: Seq,
) -> Option<AlertNo> {
    let actor = sheet.deed(primary)?.actor.clone();
    let on = claim.subject.clone().map(FieldPath::whole);
    let what = format!("{} {}", claim.event, claim.key);
    let first = (Some(what.as_str()), if held.is_some() { "claimed it first" } else { "owner" });
    let second = if sheet.base().board.enforces() { "refused" } else { "allowed, not the owner" };
    let (at, now) = (held.map_or(sheet.time, |held| held.at), sheet.time);
    let sides = vec![
        side(&Actor::Agent(owner.clone()), held.map(|held| held.deed), on.as_ref(), at, first),
        side(&actor, Some(primary), on.as_ref(), now, (Some(&what), second)),
    ];
    let finding = Finding {
        kind: AlertKind::TriggerCollision,
        same: format!("{}|{owner},{actor}", claim.event),
        title: format!("{actor} claims {what}, which is {owner}'s"),
        sides,
        first_cause: held.map(|held| held.deed).or(claim.cause),
        on,
        count: 1,
    };
    raise(sheet, finding, primary)
}
