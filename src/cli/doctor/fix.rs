//! `deeds doctor --fix`: mends what needs no decision. A ledger is never touched, nothing is taken away that is not made anew,
//! and what a server that runs would be disturbed by is left to it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;

use super::finding::{Check, Fix, make_private};
use crate::cli::context::Context;
use crate::cli::output;
use crate::cli::session::{self, Session};
use crate::cli::status::Usage;

/// Mends what can be; says what was done, a line each.
///
/// # Errors
/// When the system refuses, or something can only be mended while no server runs here, and one does.
pub(super) fn fix(context: &Context, checks: &[Check]) -> anyhow::Result<Vec<String>> {
    let mut done = Vec::new();
    for place in places(checks, Fix::Private) {
        make_private(place).with_context(|| place.display().to_string())?;
        done.push(format!("{} is yours alone now", place.display()));
    }
    if let Some(kept) = of(checks, Fix::Keep).next() {
        let (what, found) = (&kept.what, &kept.found);
        output::complain(format!("{what}: {found}\nNothing is taken away or started while that is so."));
        return Ok(done);
    }
    let by_start: Vec<&Check> = of(checks, Fix::Start).collect();
    let removed: Vec<&Path> = places(checks, Fix::Remove).collect();
    if by_start.is_empty() && removed.is_empty() {
        return Ok(done);
    }
    remove(context, &removed, &mut done)?;
    // A start ends what is left over, makes anew what was taken away, and ends in order.
    session::runtime()?.block_on(async {
        Session::open(context).await?.end().await;
        anyhow::Ok(())
    })?;
    done.extend(
        by_start.into_iter().map(|check| format!("{}: a start saw to it: {}", check.what, check.found)),
    );
    Ok(done)
}

fn remove(context: &Context, places: &[&Path], done: &mut Vec<String>) -> anyhow::Result<()> {
    let dir = context.existing_dir()?;
    let Some(lock) = dir.try_lock()? else {
        return Err(Usage::error(
            "a server runs on this directory: it mends what it can by itself; for the rest stop it, then run this again",
        ));
    };
    for place in places {
        let is_folder = fs::symlink_metadata(place).is_ok_and(|about| about.is_dir());
        match if is_folder { fs::remove_dir_all(place) } else { fs::remove_file(place) } {
            Ok(()) => done.push(format!("{} is taken away, and made anew", place.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| place.display().to_string()),
        }
    }
    drop(lock);
    Ok(())
}

fn of(checks: &[Check], fix: Fix) -> impl Iterator<Item = &Check> {
    checks.iter().filter(move |check| check.finding.is_some_and(|finding| finding.fix() == fix))
}

fn places(checks: &[Check], fix: Fix) -> impl Iterator<Item = &Path> {
    of(checks, fix).flat_map(|check| &check.places).map(std::path::PathBuf::as_path)
}
