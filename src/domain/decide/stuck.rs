//! Inbox items of what ended without an end: work that is out of attempts.

use super::{
    inbox::{self, NewItem},
    sheet::Sheet,
};
use crate::domain::{
    ids::{Actor, ItemNo, Seq},
    state::{Case, Work, WorkKind},
};

/// Work that is out of attempts, with the history of them.
pub(super) fn given_up(sheet: &mut Sheet<'_>, work: &Work, cause: Seq) -> ItemNo {
    let state = sheet.snapshot();
    let last = work.history.last();
    let note = last.and_then(|last| last.note.as_deref()).map(|note| format!(": {note}")).unwrap_or_default();
    let how = last.map_or("lapsed", |last| &last.how);
    let what = match &work.kind {
        WorkKind::Dispatch { event, .. } => event,
        WorkKind::Proposal { .. }
        | WorkKind::Decision { .. }
        | WorkKind::Notice { .. }
        | WorkKind::Handoff { .. }
        | WorkKind::Returned { .. }
        | WorkKind::Branch { .. }
        | WorkKind::Join { .. }
        | WorkKind::Changed { .. }
        | WorkKind::Free { .. } => work.kind.word(),
    };
    let mut evidence = vec![work.deed];
    evidence.extend(work.history.iter().map(|attempt| attempt.deed));
    let item = NewItem {
        case: Case::GivenUp { work: Box::new(work.clone()) },
        raised_by: Actor::Agent(work.agent.clone()),
        title: work.title.to_string(),
        why: format!("{} attempts, none completed it; the last one {how}{note}", work.attempts),
        unforeseen: false,
        subject: work.subject.clone(),
        evidence,
        alike: format!("given-up|{}|{what}", work.agent),
        suggestion: None,
    };
    inbox::open_for(sheet, &state, &work.agent, item, cause)
}
