//! Several commands of one caller, all or nothing: each sees what those before it did.

use super::dispatch;
use super::sheet::Sheet;
use crate::domain::code::Code;
use crate::domain::command::{COMMANDS_PER_BATCH, CommandKind, Place, Together};
use crate::domain::deed::{BatchFailure, Body};
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;

const ACTION: &str = CommandKind::Together.row().word;

/// Decides them in order; the first that does not go through undoes all.
pub(super) fn decide(sheet: &mut Sheet<'_>, together: &Together) -> Seq {
    let refused = || Body::BatchRefused(Box::new(BatchFailure { index: 0, outcome: Outcome::Refused }));
    if together.commands.is_empty() || together.commands.len() > COMMANDS_PER_BATCH {
        let why = format!("{} commands together; send 1 to {COMMANDS_PER_BATCH}", together.commands.len());
        return sheet.refuse(refused(), ACTION, Code::OverBound, &why);
    }
    let mut parts = Vec::with_capacity(together.commands.len());
    // Asked of all before the first is decided: a refusal must not leave the deeds of those before it.
    if let Some(index) = together.commands.iter().position(|command| command.row().place == Place::Alone) {
        let why = format!("command {index} can't be a part: only writes, acts, escalations and work can");
        return sheet.refuse(refused(), ACTION, Code::NotAllowed, &why);
    }
    for (index, command) in together.commands.iter().enumerate() {
        let Some(part) = dispatch(sheet, command) else { continue };
        let outcome = sheet.outcome(part);
        if !matches!(outcome, Outcome::Committed | Outcome::Allowed | Outcome::Recorded | Outcome::Opened) {
            return fail(sheet, part, index, outcome);
        }
        parts.push(part);
    }
    let mut deed = sheet.draft(Body::BatchCommitted(()), ACTION, Outcome::Committed);
    deed.because(format!("{} commands", parts.len()));
    deed.refs.parts = parts;
    sheet.push(deed)
}

/// Nothing of it happened; the answer carries what the failing command would have been told.
fn fail(sheet: &mut Sheet<'_>, part: Seq, index: usize, outcome: Outcome) -> Seq {
    let failed = sheet.deed(part).cloned();
    sheet.start_over();
    let failure = BatchFailure { index: index as u64, outcome };
    let kept = if outcome == Outcome::Stale { Outcome::Stale } else { Outcome::Refused };
    let mut deed = sheet.draft(Body::BatchRefused(Box::new(failure)), ACTION, kept);
    deed.code = Some(Code::TogetherFailed);
    if let Some(failed) = failed {
        let why = failed.reason.as_deref().unwrap_or("no reason given");
        let code = failed.code.map(|code| format!(" ({code})")).unwrap_or_default();
        deed.because(format!("command {index} was {}{code}: {why}", outcome.as_str()));
        deed.subject = failed.subject;
        deed.fields = failed.fields;
    }
    sheet.push(deed)
}
