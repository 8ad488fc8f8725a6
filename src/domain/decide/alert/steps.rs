//! What people do with alerts.

use crate::domain::code::Code;
use crate::domain::command::{AlertStep, AlertVerb};
use crate::domain::decide::sheet::Sheet;
use crate::domain::decide::verdict::{self, text};
use crate::domain::decide::{affected, inbox};
use crate::domain::deed::Body;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;

/// What a person does with an alert.
pub(in crate::domain::decide) fn decide(sheet: &mut Sheet<'_>, step: &AlertStep) -> Seq {
    let action = match step.step {
        AlertVerb::Acknowledge => "acknowledge",
        AlertVerb::Resolve => "resolve",
        AlertVerb::Escalate => "escalate alert",
    };
    let refused = || Body::AlertRefused(());
    if let Some(why) = verdict::too_long("note", step.note.as_deref()) {
        return sheet.refuse(refused(), action, Code::OverBound, &why);
    }
    let Some(alert) = sheet.state().board.alerts.get(&step.alert).cloned() else {
        let resolved = sheet.state().board.resolved.iter().any(|alert| alert.no == step.alert);
        let (code, why) =
            if resolved { (Code::WrongState, "is resolved") } else { (Code::NotFound, "is not known") };
        return sheet.refuse(refused(), action, code, &format!("alert #{} {why}", step.alert));
    };
    let note = step.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
    let body = match (step.step, note) {
        (AlertVerb::Acknowledge, _) => Body::AlertAcknowledged(()),
        (AlertVerb::Resolve, None) => {
            return sheet.refuse(
                refused(),
                action,
                Code::WrongState,
                "a note is needed to resolve an alert: say what was done",
            );
        }
        (AlertVerb::Resolve, Some(_)) => Body::AlertResolved(()),
        (AlertVerb::Escalate, _) => {
            if let Some(item) = alert.item.filter(|item| sheet.base().board.items.contains_key(item)) {
                let why = format!("alert #{} is in the inbox already, as #{item}", alert.no);
                return sheet.refuse(refused(), action, Code::WrongState, &why);
            }
            return inbox::open_conflict(sheet, &alert, alert.deed);
        }
    };
    let mut deed = sheet.draft(body, action, Outcome::Recorded);
    deed.subject = alert.on.as_ref().map(|on| on.entity.clone());
    deed.cause = Some(alert.deed);
    deed.reason = note.map(text);
    deed.refs.alerts = vec![alert.no];
    let resolves = matches!(deed.body, Body::AlertResolved(()));
    let primary = sheet.push(deed);
    if resolves {
        affected::after_alert(sheet, &alert, primary);
    }
    primary
}
