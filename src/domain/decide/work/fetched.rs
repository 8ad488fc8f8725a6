//! A person's yes that its agent comes to fetch: where what it lets go ahead is based on what has changed since, it is not
//! good any more (RULES §10.3).

use std::sync::Arc;

use crate::domain::code::Code;
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::{act, propose};
use crate::domain::deed::Body;
use crate::domain::ids::WorkNo;
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldPath;
use crate::domain::things::{OpenAct, Work, WorkKind, WorkResult};

/// The work that the agent has by taking this one: the same, or, where it lets an act go ahead whose basis is old, the
/// word that it may not any more.
pub(super) fn as_it_is_now(sheet: &mut Sheet<'_>, no: WorkNo) -> WorkNo {
    let state = sheet.snapshot();
    let Some(work) = state.board.works.get(&no).filter(|_| state.board.enforces()) else { return no };
    let WorkKind::Decision { result: Some(result), .. } = &work.kind else { return no };
    let open = result.act.and_then(|no| state.board.acts.get(&no));
    match open.and_then(|open| Some((open, act::outdated(&state, open).next()?))) {
        Some((open, path)) => take_back(sheet, work, open, path),
        None => no,
    }
}

/// The act ends before it began, and its agent is told so in place of the yes.
fn take_back(sheet: &mut Sheet<'_>, work: &Work, act: &OpenAct, path: &FieldPath) -> WorkNo {
    let WorkKind::Decision { item, answer, note, .. } = &work.kind else { return work.no };
    let item = *item;
    let action = format!("{} failed", act.action);
    let mut deed = sheet.follow_up(Body::ActFailed(()), action, Outcome::Stale, Some(act.deed));
    deed.subject = Some(act.subject.clone());
    deed.code = Some(Code::Stale);
    let no = act.no;
    deed.because(format!(
        "what act {no} was based on has changed since #{item} was answered: it may not go ahead"
    ));
    deed.refs.act = Some(no);
    deed.refs.owners = vec![act.agent.clone()];
    let ended = sheet.push(deed);
    let mut deed = sheet.follow_up(Body::WorkWithdrawn(()), "withdraw", Outcome::Recorded, Some(ended));
    deed.subject.clone_from(&work.subject);
    deed.because(format!("the answer to #{item} came too late for act {no}"));
    deed.refs.works = vec![work.no];
    deed.refs.owners = vec![act.agent.clone()];
    sheet.push(deed);
    let result = Some(WorkResult { outcome: Outcome::Stale, deed: ended, act: None });
    let answer = Arc::clone(answer);
    let kind = WorkKind::Decision {
        item,
        answer,
        note: note.clone(),
        reply: None,
        result,
        granted: None,
        input: None,
    };
    let told = sheet.state().board.next.work;
    let title =
        format!("#{item} was answered too late: {path} has changed since; read again, then ask again");
    let told_work = Work::new(told, act.agent.clone(), kind, title, (sheet.now, sheet.next_seq()));
    propose::queue(sheet, told_work.about(work.subject.clone()), Some(ended));
    told
}
