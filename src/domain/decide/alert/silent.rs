//! Work waits, and its agent gives no sign of life.

use super::{Finding, raise, side};
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AlertNo, Seq};
use crate::domain::path::FieldPath;
use crate::domain::things::{AlertKind, Work};
use crate::domain::time::Time;

/// An agent that nobody hears of lets its work wait since then.
pub(in crate::domain::decide) fn silent_agent(
    sheet: &mut Sheet<'_>,
    work: &Work,
    since: Time,
    cause: Seq,
) -> Option<AlertNo> {
    let on = work.subject.clone().map(FieldPath::whole);
    let agent = Actor::Agent(work.agent.clone());
    let waits = side(&agent, Some(work.deed), on.as_ref(), since, (Some(&work.title), "waiting"));
    let finding = Finding {
        kind: AlertKind::SilentAgent,
        same: format!("{}", work.agent),
        title: format!("{} gives no sign of life while work waits: {}", work.agent, work.title),
        on,
        sides: vec![waits],
        first_cause: Some(work.deed),
        count: 1,
    };
    raise(sheet, finding, cause)
}
