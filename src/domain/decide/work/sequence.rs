//! Those who come after: a dispatch is followed by one for the next agent of its `then` list.

use crate::domain::command::WorkStep;
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::trigger::{Call, dispatch_after};
use crate::domain::ids::{Seq, WorkNo};
use crate::domain::things::{Before, Work, WorkKind};

/// The event goes on to the next agent, with what the one before completed it with; or because a person has in its place.
pub(in crate::domain::decide) fn next(
    sheet: &mut Sheet<'_>,
    work: &Work,
    done: Option<&WorkStep>,
    cause: Seq,
) -> Option<WorkNo> {
    let WorkKind::Dispatch { event, attributes, then, raised, before: _ } = &work.kind else { return None };
    let (agent, rest) = then.split_first()?;
    let call = Call { event, attributes, subject: work.subject.as_ref(), raised: *raised };
    let said = done.filter(|step| step.result.is_some() || step.note.is_some());
    let before = said.map(|step| Before {
        by: work.agent.clone(),
        result: step.result.clone(),
        note: step.note.clone(),
    });
    Some(dispatch_after(sheet, agent, &call, rest, before, cause))
}
