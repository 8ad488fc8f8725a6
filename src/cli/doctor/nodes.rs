//! What the database that keeps the ledgers tells of nodes: its clock, and whether the others reach the server here.

use super::finding::{Check, Finding};
use crate::cli::datadir::DataDir;
use crate::cli::session;
use crate::coordinator::Clock;
use crate::server::ClocksApart;

pub(super) fn checks(dir: &DataDir) -> anyhow::Result<Vec<Check>> {
    const WHAT: &str = "nodes";
    let Some(nodes) = dir.store().nodes() else { return Ok(Vec::new()) };
    let before = Clock::System.now();
    // That it can't be asked is told of the ledgers.
    let Ok(seen) = session::runtime()?.block_on(nodes.look()) else { return Ok(Vec::new()) };
    let apart = ClocksApart::told(before, seen.now, Clock::System.now());
    let clock = apart.map(|apart| Check::of(Finding::ClockApart, "clock", apart.to_string()));
    let here = dir.serving().filter(|serving| serving.standalone);
    let is_unreached = here.is_some_and(|here| {
        seen.nodes.iter().any(|node| *node.instance == here.instance && node.address.is_empty())
    });
    let found = format!("{} are on this database", seen.nodes.len());
    let reached = if is_unreached && seen.nodes.len() > 1 {
        Check::of(Finding::NodeUnreached, WHAT, format!("{found}, and can't reach the one here"))
    } else {
        Check::fine(WHAT, found)
    };
    Ok(clock.into_iter().chain([reached]).collect())
}
