//! Budgets, RULES §16.1: what an agent may have kept for its sake, whatever others do, and what all of them may together.

use super::alert;
use super::sheet::Sheet;
use crate::domain::code::Code;
use crate::domain::command::{Keeps, Override};
use crate::domain::deed::{Body, Deed, Family, Touches};
use crate::domain::ids::{Actor, AgentId, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::state::{Board, KeysBound, State};
use crate::domain::things::{Allowance, Allowed, Limits, Severity, TokenClass, Usage};
use crate::domain::time::Span;

/// How near to its limit an agent is looked at closely: what one command may add, and more.
const NEAR: Usage = Usage { bytes: 4 * 1024 * 1024, open: 512 };
/// When whoever was refused may ask again, where nobody can say it better.
const AGAIN: Span = Span::from_secs(60);
/// Of what an agent may have open, one in so many may be alerts; of critical ones, twice as many.
const ALERTS: u64 = 4;

/// One of the two things that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Measure {
    Bytes,
    Open,
}

impl Measure {
    const ALL: [Self; 2] = [Self::Bytes, Self::Open];

    fn of(self, usage: Usage) -> u64 {
        match self {
            Self::Bytes => usage.bytes,
            Self::Open => usage.open,
        }
    }

    fn words(self, count: u64) -> String {
        match self {
            Self::Bytes => format!("{} KiB", count.div_ceil(1024)),
            Self::Open => format!("{count} open things"),
        }
    }
}

/// What one agent may have kept, whatever the others have.
pub(super) fn own(board: &Board, agent: &AgentId, limits: &Limits) -> Usage {
    let may = limits.with(allowance(board, agent));
    Usage { bytes: may.bytes, open: may.open }
}

fn allowance(board: &Board, agent: &AgentId) -> Allowance {
    board.agents.get(agent).map(|facts| facts.allowance).unwrap_or_default()
}

/// What is an agent's even where the others have taken all they can: half of the workspace in equal parts, for the agents of
/// the map.
fn floor(board: &Board, agent: &AgentId, limits: &Limits) -> Usage {
    if board.map.agent(agent).is_none() {
        return Usage::default();
    }
    let parts = 2 * (board.map.model().agents.len() as u64).max(1);
    let own = own(board, agent, limits);
    Usage {
        bytes: own.bytes.min(limits.workspace.bytes / parts),
        open: own.open.min(limits.workspace.open / parts),
    }
}

/// Why an agent can have no more kept than it has, in words.
fn excess(board: &Board, agent: &AgentId, limits: &Limits, measure: Measure) -> Option<String> {
    let kept = measure.of(board.usage(agent));
    let most = measure.of(own(board, agent, limits));
    if kept > most {
        let (kept, most) = (measure.words(kept), measure.words(most));
        return Some(format!("{kept} would be kept for {agent}, which may have {most}"));
    }
    if kept <= measure.of(floor(board, agent, limits)) {
        return None;
    }
    let all = measure.of(limits.workspace);
    // The parts are half of it at most: while less than the other half is kept, nobody needs to be asked.
    if measure.of(board.usage_of_all()) <= all / 2 {
        return None;
    }
    let floors: u64 =
        board.map.model().agents.iter().map(|one| measure.of(floor(board, &one.id, limits))).sum();
    let beyond = board
        .agents
        .keys()
        .map(|one| measure.of(board.usage(one)).saturating_sub(measure.of(floor(board, one, limits))));
    (beyond.sum::<u64>() > all.saturating_sub(floors)).then(|| {
        let all = measure.words(all);
        format!("the agents of this workspace may have {all} kept, and {agent} has its own part of it")
    })
}

/// Refuses what would keep more for its caller's sake than may be; what keeps nothing goes through always. None where it
/// stands as it was decided.
pub(super) fn hold(sheet: &mut Sheet<'_>, keeps: Keeps) -> Option<String> {
    let agent = sheet.principal.actor.agent().cloned()?;
    let limits = sheet.limits;
    if keeps == Keeps::Nothing {
        return None;
    }
    if let Some(why) = crowded(sheet, keeps, &agent) {
        return Some(why);
    }
    let plain = |family| matches!(family, Family::Write | Family::Entity);
    if sheet.deeds().iter().all(|deed| plain(deed.body.row().family)) {
        return None;
    }
    let board = &sheet.base().board;
    let before = board.usage(&agent);
    let least = floor(board, &agent, &limits);
    if before.bytes + NEAR.bytes <= least.bytes && before.open + NEAR.open <= least.open {
        return None;
    }
    let after = &sheet.state().board;
    let now = after.usage(&agent);
    let mut grown = Measure::ALL.into_iter().filter(|measure| measure.of(now) > measure.of(before));
    grown.find_map(|measure| excess(after, &agent, &limits, measure))
}

/// Why no more values can be set by agents, in words: how many entities there are, how large all is, how large what the agent has
/// for itself.
fn crowded(sheet: &mut Sheet<'_>, keeps: Keeps, agent: &AgentId) -> Option<String> {
    if keeps != Keeps::Values {
        return None;
    }
    let limits = sheet.limits;
    let all = |state: &State| {
        let volume = &state.volume;
        [volume.entities, volume.bytes, volume.scratch_of(agent.as_str())]
    };
    let most = [limits.entities, limits.values, limits.scratch];
    let near = [NEAR.open, NEAR.bytes, NEAR.bytes];
    let before = all(sheet.base());
    let is_near = before.iter().zip(near).zip(most).any(|((kept, near), most)| kept + near > most);
    let sets = |deed: &Deed| matches!(deed.body.row().touches, Touches::Fields);
    if !is_near || !sheet.deeds().iter().any(sets) {
        return None;
    }
    let after = all(sheet.state());
    let words = [
        format!("{} entities may be in this workspace", limits.entities),
        format!("values of {} may be in this workspace", Measure::Bytes.words(limits.values)),
        format!("values of {} may be in the scratch of {agent}", Measure::Bytes.words(limits.scratch)),
    ];
    let mut over = before.into_iter().zip(after).zip(most).zip(words);
    over.find_map(|(((before, after), most), words)| (after > before && after > most).then_some(words))
}

/// Turns the caller away: with the first time comes an alert.
pub(super) fn refuse(sheet: &mut Sheet<'_>, body: Body, word: &'static str, why: &str) -> Seq {
    let primary = sheet.refuse(body, word, Code::OverBudget, why);
    let again = sheet.now.plus(AGAIN);
    if let Some(deed) = sheet.deed_mut(primary) {
        deed.refs.until = Some(again);
    }
    if let Some(agent) = sheet.principal.actor.agent().cloned() {
        alert::over_budget(sheet, &agent, ("over", why), primary);
    }
    primary
}

/// Tells that an agent has used three quarters of what it may, before it stands still.
pub(super) fn warn(sheet: &mut Sheet<'_>, cause: Seq) {
    let Some(agent) = sheet.principal.actor.agent().cloned() else { return };
    let board = &sheet.base().board;
    let (kept, most) = (board.usage(&agent), own(board, &agent, &sheet.limits));
    let near = |measure: &Measure| measure.of(kept) >= measure.of(most) / 4 * 3;
    let (volume, limits) = (&sheet.base().volume, sheet.limits);
    if volume.entities >= limits.entities / 4 * 3 || volume.bytes >= limits.values / 4 * 3 {
        let (kept, most) = (Measure::Bytes.words(volume.bytes), Measure::Bytes.words(limits.values));
        let why = format!(
            "this workspace has {} entities with {kept}; {} with {most} may be there",
            volume.entities, limits.entities
        );
        alert::over_volume(sheet, &why, cause);
    }
    let Some(measure) = Measure::ALL.into_iter().find(near) else { return };
    let (kept, most) = (measure.words(measure.of(kept)), measure.words(measure.of(most)));
    let why = format!("{kept} are kept for {agent}, which may have {most}");
    alert::over_budget(sheet, &agent, ("near", &why), cause);
}

/// How many keys of a caller may be kept: at most, and even where the workspace has all that it may.
pub(super) fn keys(state: &State, actor: &Actor, limits: &Limits) -> KeysBound {
    let all = limits.keys;
    let Some(agent) = actor.agent() else { return KeysBound { own: all / 4, floor: all / 4, all } };
    let own = limits.with(allowance(&state.board, agent)).keys;
    let part = all / 2 / state.board.map.model().agents.len().max(1) as u64;
    KeysBound { own, floor: if state.board.map.agent(agent).is_some() { own.min(part) } else { 0 }, all }
}

/// Whether one more alert that an agent sets off is shown as such, beside those that are open.
pub(super) fn has_room_for_alert(
    board: &Board,
    agent: &AgentId,
    limits: &Limits,
    severity: Severity,
) -> bool {
    let part = if severity >= Severity::Critical { ALERTS / 2 } else { ALERTS };
    let open = board.accounts.alerts_of(agent);
    let all = board.alerts.len() as u64;
    open < own(board, agent, limits).open / part
        && (all < limits.workspace.open / part || open < floor(board, agent, limits).open / part)
}

/// An admin lets an agent have more kept, or as much as the settings say again.
pub(super) fn allow(sheet: &mut Sheet<'_>, agent: &AgentId, allowance: Allowance, step: &Override) -> Seq {
    let action = "allow";
    let refused = || Body::OverrideRefused(());
    if sheet.principal.class != TokenClass::Admin {
        let why = "admins say how much may be kept for an agent";
        return sheet.refuse(refused(), action, Code::NotAllowed, why);
    }
    let board = &sheet.base().board;
    if !board.agents.contains_key(agent) && board.map.agent(agent).is_none() {
        let why = format!("no agent {agent} is in the map or ever acted");
        return sheet.refuse(refused(), action, Code::NotFound, &why);
    }
    let body = Body::AgentAllowed(Box::new(Allowed { agent: agent.clone(), allowance }));
    let mut deed = sheet.draft(body, action, Outcome::Recorded);
    deed.because(&step.reason);
    sheet.push(deed)
}
