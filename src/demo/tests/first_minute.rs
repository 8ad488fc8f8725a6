//! What can be seen of each team within a minute: conflicts, answers, deeds, cases.

use super::{SOURCES, play_one};
use crate::domain::{deed::Outcome, state::AlertKind};

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
}

const WANTED: [Wanted; 3] = [
    Wanted {
        workspace: "northwind",
        alerts: &[
            AlertKind::Contradiction,
            AlertKind::StaleRead,
            AlertKind::NotOwner,
            AlertKind::TriggerCollision,
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
        ],
        deeds: &[
            "deeds.event.raised",
            "deeds.event.escalated",
            "deeds.claim.granted",
            "deeds.claim.refused",
            "deeds.work.taken",
            "deeds.work.completed",
        ],
        cases: &["unowned event", "conflict", "unmatched input", "unowned field"],
    },
    Wanted {
        workspace: "tallyfern",
        alerts: &[AlertKind::StaleRead, AlertKind::PingPong, AlertKind::NotOwner, AlertKind::Contradiction],
        words: &["stale", "deferred", "held-open", "unowned", "not-owner", "escalated"],
        deeds: &["deeds.handoff.refused", "deeds.conclusion.drawn", "deeds.event.raised"],
        cases: &["conflict", "unmatched input"],
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
        missing.extend(
            kinds.chain(words).chain(deeds).chain(cases).map(|what| format!("{workspace}: no {what}")),
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
