//! What happened in a demo that nobody watched.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::cli::output::{self, Output};
use crate::client::Client;
use crate::demo::Played;
use crate::domain::ids::WorkspaceId;
use crate::domain::outcome::Outcome;
use crate::domain::things::AlertKind;

/// Counts while the teams are played.
#[derive(Debug, Default)]
pub(super) struct Summary {
    outcomes: BTreeMap<&'static str, BTreeMap<Outcome, u64>>,
}

#[derive(Debug, Serialize)]
struct TeamSummary {
    workspace: WorkspaceId,
    deeds: u64,
    asked: BTreeMap<Outcome, u64>,
    inbox: usize,
    alerts: BTreeMap<AlertKind, u64>,
}

impl Summary {
    /// Counts one thing that an agent did.
    pub(super) fn add(&mut self, played: &Played) {
        *self.outcomes.entry(played.workspace).or_default().entry(played.outcome).or_insert(0) += 1;
    }

    /// Prints it, with what the workspaces have now.
    pub(super) async fn tell(&self, out: Output, reviewers: &[(WorkspaceId, Client)]) -> anyhow::Result<()> {
        let mut teams = Vec::with_capacity(reviewers.len());
        for (workspace, client) in reviewers {
            let board = client.board().await?.board;
            let mut alerts = BTreeMap::new();
            for alert in board.alerts.values() {
                *alerts.entry(alert.kind).or_insert(0) += 1;
            }
            teams.push(TeamSummary {
                workspace: workspace.clone(),
                deeds: board.head.0,
                asked: self.outcomes.get(workspace.as_str()).cloned().unwrap_or_default(),
                inbox: board.items.len(),
                alerts,
            });
        }
        if out.json {
            return output::json(&teams);
        }
        let rows: Vec<_> = teams.iter().map(row).collect();
        out.table(&["WORKSPACE", "DEEDS", "ASKED", "INBOX", "CONFLICTS"], &rows)
    }
}

fn row(team: &TeamSummary) -> Vec<String> {
    let asked: Vec<String> =
        team.asked.iter().map(|(outcome, count)| format!("{count} {}", outcome.as_str())).collect();
    let alerts: Vec<String> =
        team.alerts.iter().map(|(kind, count)| format!("{count} {}", kind.as_str())).collect();
    vec![
        team.workspace.to_string(),
        team.deeds.to_string(),
        asked.join(", "),
        team.inbox.to_string(),
        alerts.join(", "),
    ]
}
