//! What can be seen of each team within a minute: conflicts, answers, deeds, cases.

use super::{SOURCES, play_one};
use crate::domain::deed::Body;
use crate::domain::outcome::Outcome;
use crate::domain::things::AlertKind;

/// More than a person would answer in five minutes.
const MOST_ITEMS: usize = 15;

/// What must be seen of a team in its first minute.
struct Wanted {
    workspace: &'static str,
    alerts: &'static [AlertKind],
    /// Outcomes and codes of what was asked.
    words: &'static [&'static str],
    deeds: &'static [&'static str],
    cases: &'static [&'static str],
    /// Kinds of work that came into a stream.
    works: &'static [&'static str],
}

const WANTED: [Wanted; 3] = [
    Wanted {
        workspace: "northwind",
        alerts: &[
            AlertKind::Contradiction,
            AlertKind::StaleRead,
            AlertKind::NotOwner,
            AlertKind::TriggerCollision,
            AlertKind::OutputCollision,
            AlertKind::Overdue,
        ],
        words: &[
            "proposed",
            "escalated",
            "stale",
            "deferred",
            "constant",
            "backward",
            "unowned",
            "not-owner",
            "claim-taken",
            "needs-approval",
        ],
        deeds: &[
            "deeds.event.raised",
            "deeds.event.escalated",
            "deeds.claim.granted",
            "deeds.claim.refused",
            "deeds.output.published",
            "deeds.output.held",
            "deeds.review.delayed",
            "deeds.work.taken",
            "deeds.work.completed",
        ],
        cases: &["approval", "unowned event", "conflict", "unmatched input", "unowned field"],
        works: &["dispatch", "proposal"],
    },
    Wanted {
        workspace: "tallyfern",
        alerts: &[
            AlertKind::StaleRead,
            AlertKind::PingPong,
            AlertKind::NotOwner,
            AlertKind::NotConverging,
            AlertKind::Contradiction,
        ],
        words: &[
            "stale",
            "deferred",
            "held-open",
            "unowned",
            "not-owner",
            "escalated",
            "incomplete",
            "not-converging",
        ],
        deeds: &[
            "deeds.handoff.offered",
            "deeds.handoff.refused",
            "deeds.handoff.returned",
            "deeds.handoff.escalated",
            "deeds.fan-out.opened",
            "deeds.branch.ended",
            "deeds.fan-out.joined",
            "deeds.conclusion.drawn",
            "deeds.act.woken",
            "deeds.event.raised",
        ],
        cases: &["task stuck", "approval", "conflict", "unmatched input"],
        works: &["handoff", "returned", "branch", "join", "free", "dispatch"],
    },
    Wanted {
        workspace: "solo",
        alerts: &[
            AlertKind::StaleRead,
            AlertKind::NotOwner,
            AlertKind::PingPong,
            AlertKind::Contradiction,
            AlertKind::LeaseLapsed,
        ],
        words: &[
            "stale",
            "deferred",
            "unowned",
            "not-owner",
            "escalated",
            "proposed",
            "leased",
            "lease-over",
            "not-your-turn",
            "out-of-attempts",
        ],
        deeds: &[
            "deeds.lease.granted",
            "deeds.lease.lapsed",
            "deeds.work.failed",
            "deeds.work.exhausted",
            "deeds.work.taken",
        ],
        cases: &["work given up", "conflict", "unmatched input"],
        works: &["dispatch", "changed", "notice", "proposal"],
    },
];

#[tokio::test]
async fn every_case_happens_within_the_first_minute() {
    let mut missing = Vec::new();
    for (source, wanted) in SOURCES.iter().zip(&WANTED) {
        let workspace = wanted.workspace;
        assert_eq!(source.workspace, workspace);
        let (played, world) = play_one(source, 60).await;
        let world = world.borrow();
        let have: Vec<_> = world.state.board.alerts.values().map(|alert| alert.kind).collect();
        let said = |word: &&str| {
            played.iter().any(|step| {
                step.outcome.as_str() == *word || step.code.is_some_and(|code| code.as_str() == *word)
            })
        };
        let items: Vec<_> = world.state.board.items.values().collect();
        let seen = |name: &&str| world.deeds.iter().any(|deed| deed.body.type_name() == *name);
        let kinds = wanted.alerts.iter().filter(|kind| !have.contains(kind)).map(|kind| kind.as_str());
        let words = wanted.words.iter().filter(|word| !said(word)).copied();
        let deeds = wanted.deeds.iter().filter(|name| !seen(name)).copied();
        let cases =
            wanted.cases.iter().filter(|case| !items.iter().any(|item| item.case.word() == **case)).copied();
        let queued: Vec<&str> =
            world
                .deeds
                .iter()
                .filter_map(|deed| {
                    if let Body::WorkQueued(work) = &deed.body { Some(work.kind.word()) } else { None }
                })
                .collect();
        let works = wanted.works.iter().filter(|word| !queued.contains(word)).copied();
        missing.extend(
            kinds
                .chain(words)
                .chain(deeds)
                .chain(cases)
                .chain(works)
                .map(|what| format!("{workspace}: no {what}")),
        );
        assert!(items.len() <= MOST_ITEMS, "{workspace}: {} items", items.len());
        assert!(
            items.iter().any(|item| world.state.board.alike(item).count() >= 2),
            "{workspace}: nothing alike"
        );
        let committed = played.iter().filter(|step| step.outcome == Outcome::Committed).count();
        assert!(committed >= 15, "{workspace}: {committed} committed");
    }
    assert!(missing.is_empty(), "{missing:#?}");
}
