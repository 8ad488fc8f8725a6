//! Publications by who may not, and two agents on one thread.

use super::{Finding, raise, raise_with_item, side};
use crate::domain::command::Publish;
use crate::domain::decide::effect::Effect;
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AlertNo, Seq};
use crate::domain::path::FieldPath;
use crate::domain::things::{AlertKind, LastPublication};

/// A publication on an output that belongs to another agent.
pub(in crate::domain::decide) fn not_owner_output(
    sheet: &mut Sheet<'_>,
    publish: &Publish,
    primary: Seq,
) -> Option<AlertNo> {
    let deed = sheet.deed(primary)?;
    let (actor, done) = (deed.actor.clone(), !deed.outcome.is_refusal());
    let owner = deed.refs.owners.first().cloned()?;
    let on = publish.subject.clone().map(FieldPath::whole);
    let wanted = format!("{} → {}", publish.word(), publish.output);
    let outcome = if done { "published, not the owner" } else { "stopped, not the owner" };
    let at = sheet.time;
    let finding = Finding {
        kind: AlertKind::NotOwner,
        same: format!("{}|{actor}", publish.output),
        title: format!("{actor} publishes on {}, which belongs to {owner}", publish.output),
        sides: vec![
            side(&Actor::Agent(owner), None, on.as_ref(), at, (None, "owner")),
            side(&actor, Some(primary), on.as_ref(), at, (Some(&wanted), outcome)),
        ],
        on,
        first_cause: None,
        count: 1,
    };
    raise(sheet, finding, primary)
}

/// A second voice in a conversation within its window. Its approval is the item.
pub(in crate::domain::decide) fn output_collision(
    sheet: &mut Sheet<'_>,
    effect: Effect<'_>,
    last: &LastPublication,
    primary: Seq,
) -> Option<AlertNo> {
    let deed = sheet.deed(primary)?;
    let (actor, done) = (deed.actor.clone(), deed.verdict.is_some());
    let on = effect.subject().cloned().map(FieldPath::whole);
    let first = Actor::Agent(last.by.clone());
    let outcome = if done { "published, would be held" } else { "held" };
    let why = effect.reason().map(|why| &**why);
    let mut second = side(&actor, Some(primary), on.as_ref(), sheet.time, (why, outcome));
    second.value = effect.body().cloned();
    let finding = Finding {
        kind: AlertKind::OutputCollision,
        same: effect.talk(),
        title: format!("{first} and {actor} both speak on {}", effect.talk()),
        sides: vec![side(&first, Some(last.deed), on.as_ref(), last.at, (None, "published")), second],
        on,
        first_cause: Some(last.deed),
        count: 1,
    };
    raise_with_item(sheet, finding, primary)
}
