//! Those who come after: a dispatch is followed by one for the next agent of its `then` list.

use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::trigger::{Call, dispatch};
use crate::domain::ids::{Seq, WorkNo};
use crate::domain::things::{Work, WorkKind};

/// The event goes on to the next agent, because the one before has completed it, or a person has in its place.
pub(in crate::domain::decide) fn next(sheet: &mut Sheet<'_>, work: &Work, cause: Seq) -> Option<WorkNo> {
    let WorkKind::Dispatch { event, attributes, then, raised } = &work.kind else { return None };
    let (agent, rest) = then.split_first()?;
    let call = Call { event, attributes, subject: work.subject.as_ref(), raised: *raised };
    Some(dispatch(sheet, agent, &call, rest, cause))
}
