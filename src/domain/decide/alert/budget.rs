//! An agent keeps as much as it may, or sets off more alerts than anybody reads.

use super::{Finding, fingerprint, open_alert, side};
use crate::domain::decide::sheet::Sheet;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, AgentId, AlertNo, Seq};
use crate::domain::things::{AlertKind, AlertSide};

/// Tells it once: as long as that alert is open, no other is opened and none counts up.
pub(in crate::domain::decide) fn over_budget(
    sheet: &mut Sheet<'_>,
    agent: &AgentId,
    (what, why): (&str, &str),
    cause: Seq,
) {
    let same = format!("{agent}|{what}");
    once(sheet, AlertKind::OverBudget, (same, why.to_owned()), Some(agent), cause);
}

/// The same of all values of the workspace, which are nobody's own.
pub(in crate::domain::decide) fn over_volume(sheet: &mut Sheet<'_>, why: &str, cause: Seq) {
    once(sheet, AlertKind::OverBudget, ("|values".to_owned(), why.to_owned()), None, cause);
}

/// Counts an alert that is not shown.
pub(super) fn suppress(sheet: &mut Sheet<'_>, agent: Option<&AgentId>, cause: Seq) {
    let who = agent.map_or("nobody", AgentId::as_str);
    let (same, title) = (who.to_owned(), format!("alerts of {who} suppressed"));
    once(sheet, AlertKind::Suppressed, (same, title), agent, cause);
    sheet.suppressed += 1;
}

/// Says how many were not shown: the alert that was opened for it, or the deed that set them off.
pub(in crate::domain::decide) fn say_suppressed(sheet: &mut Sheet<'_>, primary: Seq) {
    let count = std::mem::take(&mut sheet.suppressed);
    if count == 0 {
        return;
    }
    let opens =
        |deed: &&Deed| matches!(&deed.body, Body::AlertOpened(alert) if alert.kind == AlertKind::Suppressed);
    let opened = sheet.deeds().iter().find(opens).map(|deed| deed.seq);
    let Some(deed) = sheet.deed_mut(opened.unwrap_or(primary)) else { return };
    if let Body::AlertOpened(alert) = &mut deed.body {
        alert.count = count;
    } else {
        deed.decided.get_or_insert_default().suppressed = Some(count);
    }
}

/// The open alert of that kind about that; opened where there is none.
fn once(
    sheet: &mut Sheet<'_>,
    kind: AlertKind,
    (same, title): (String, String),
    agent: Option<&AgentId>,
    cause: Seq,
) -> AlertNo {
    let board = &sheet.state().board;
    let open = board.fingerprints.get(fingerprint(kind, &same).as_str()).copied();
    if let Some(open) = open.filter(|no| board.alerts.contains_key(no)) {
        return open;
    }
    let sides: Vec<AlertSide> = agent
        .map(|agent| {
            let actor = Actor::Agent(agent.clone());
            side(&actor, Some(cause), None, sheet.time, (Some(&title), kind.as_str()))
        })
        .into_iter()
        .collect();
    let finding = Finding { kind, same, on: None, title, sides, first_cause: None, count: 0 };
    open_alert(sheet, finding, cause, false)
}
