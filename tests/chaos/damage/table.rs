//! Every kind of file and folder that a data directory has.

use std::fs;
use std::path::{Path, PathBuf};

/// Below the data directory; `*` is any name or part of one.
pub(super) const ROWS: [&str; 49] = [
    "connections",
    "connections/*.json",
    "deeds.log",
    "gateway",
    "gateway/*.log",
    "home",
    "hooks",
    "hooks/*.json",
    "hooks/lock",
    "image",
    "image/*",
    "image/*/*",
    "image/*/tables/*",
    "ledgers.json",
    "lock",
    "maps",
    "maps/*.toml",
    "person",
    "restored.json",
    "seen.json",
    "served.json",
    "server.json",
    "server.sock",
    "signing.key",
    "signing.key.*",
    "signing.keys",
    "tls.crt",
    "tls.key",
    "tokens",
    "tokens/*",
    "tokens/*=guard",
    "workspaces",
    "workspaces.due",
    "workspaces/*",
    "workspaces/*/heads.signed",
    "workspaces/*/index.db",
    "workspaces/*/index.db-shm",
    "workspaces/*/index.db-wal",
    "workspaces/*/index.lost.db",
    "workspaces/*/index.lost.db-shm",
    "workspaces/*/index.lost.db-wal",
    "workspaces/*/ledger.db",
    "workspaces/*/ledger.db-head",
    "workspaces/*/ledger.db-shm",
    "workspaces/*/ledger.db-wal",
    "workspaces/*/ledger.db-wal.lost",
    "workspaces/*/snapshot",
    "workspaces/*/snapshot.past",
    "workspaces/*/snapshot.past/*.board",
];

/// The row of a place below the data directory: the longest that fits.
pub(super) fn row(place: &Path) -> Option<&'static str> {
    let place = place.to_str().unwrap();
    let rescued = place.contains(".rescued-");
    if rescued {
        return Some("*.rescued-*.jsonl");
    }
    ROWS.into_iter().filter(|row| fits(row, place)).max_by_key(|row| row.len())
}

fn fits(row: &str, place: &str) -> bool {
    let (rows, parts): (Vec<_>, Vec<_>) = (row.split('/').collect(), place.split('/').collect());
    let part = |(row, part): (&&str, &&str)| match row.split_once('*') {
        None => row == part,
        Some((start, end)) => {
            part.len() >= start.len() + end.len() && part.starts_with(start) && part.ends_with(end)
        }
    };
    rows.len() == parts.len() && rows.iter().zip(&parts).all(part)
}

/// Everything below that directory, sorted, as places below it.
pub(super) fn everything(data: &Path) -> Vec<PathBuf> {
    let (mut all, mut open) = (Vec::new(), vec![data.to_owned()]);
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.symlink_metadata().unwrap().is_dir() {
                open.push(path.clone());
            }
            all.push(path.strip_prefix(data).unwrap().to_owned());
        }
    }
    all.sort();
    all
}
