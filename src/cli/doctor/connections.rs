//! What was entered into the settings of coding agents: whether it stands there, and can do what it was entered for.

use std::path::Path;

use super::finding::{Check, Finding};
use crate::cli::connect::{self, Connection, Form};
use crate::cli::context::read_text;
use crate::cli::datadir::DataDir;
use crate::cli::token::{self, Kept};

const WHAT: &str = "coding agents";
/// The largest settings file that is looked at, in bytes.
const MOST_BYTES: u64 = 16 * 1024 * 1024;

pub(super) fn checks(dir: &DataDir) -> Vec<Check> {
    let all = connect::connections(dir);
    let wrong = all.iter().filter_map(|one| match one {
        Err(place) => {
            let found = format!("{} can't be read", place.display());
            Some(Check::of(Finding::ConnectionDamaged, WHAT, found).at(place))
        }
        Ok(one) => {
            let found = format!("{}: {}", one.file.display(), gone(one)?);
            Some(Check::of(Finding::ConnectionGone, WHAT, found).at(&dir.connection_file(&one.file)))
        }
    });
    let mut checks: Vec<Check> = wrong.collect();
    if checks.is_empty() && !all.is_empty() {
        checks.push(Check::fine(WHAT, format!("what was entered stands in {} of their files", all.len())));
    }
    checks
}

/// Why what was entered does nothing any more.
fn gone(one: &Connection) -> Option<String> {
    let text = read_text(&one.file, MOST_BYTES);
    let all = text.ok().and_then(|text| Form::of(&one.file).value(&text).ok());
    let Some(all) = all else { return Some("it can't be read any more".to_owned()) };
    if let Some(entry) = one.entries.iter().find(|entry| !entry.stands(&all)) {
        return Some(format!("{} is not as it was entered", entry.name()));
    }
    if !matches!(token::kept(&one.token), Ok(Kept::Token(_))) {
        return Some(format!("{} holds no token any more", one.token.display()));
    }
    let mut programs = one.entries.iter().filter_map(|entry| entry.program());
    let program = programs.find(|program| program.starts_with('/') && !Path::new(program).is_file())?;
    Some(format!("{program} is not there any more"))
}
