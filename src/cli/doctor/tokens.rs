//! The secrets that are kept here: readable by their owner alone, and tokens that still open what they were made for.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::finding::{Check, Finding};
use crate::api::TokenText;
use crate::cli::datadir::{DataDir, read_small};
use crate::cli::token;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{TokenId, WorkspaceId};
use crate::domain::things::Token;

const WHAT: &str = "tokens";
/// What a deed that makes a token has among its first bytes, where it says its type.
const MAKES_TOKEN: &[u8] = b"deeds.token.created";
const TYPE_WITHIN: usize = 512;

/// The tokens that a ledger knows, also those that have ended.
pub(super) type Known = BTreeMap<TokenId, Token>;

/// Takes down the tokens that a deed makes.
pub(super) fn take(known: &mut Known, bytes: &[u8]) {
    let start = bytes.get(..TYPE_WITHIN.min(bytes.len())).unwrap_or_default();
    if !start.windows(MAKES_TOKEN.len()).any(|part| part == MAKES_TOKEN) {
        return;
    }
    if let Ok(Body::TokenCreated(token)) = Deed::decode(bytes).map(|deed| deed.body) {
        known.insert(token.id.clone(), *token);
    }
}

/// Whoever reads a token's file is whom it names.
pub(super) fn open(dir: &DataDir) -> Check {
    let secrets = ["signing.key", "tls.key"].map(|name| dir.path().join(name));
    let files = files(dir).into_iter().chain(secrets);
    let (mut count, mut open) = (0, Vec::new());
    for file in files {
        let Ok(about) = fs::metadata(&file) else { continue };
        count += 1;
        if about.permissions().mode() & 0o077 != 0 {
            open.push(file);
        }
    }
    match open.first() {
        None => Check::fine(WHAT, format!("{count} secrets kept here, readable by you alone")),
        Some(one) => {
            let found = format!("others may read {} of {count}, such as {}", open.len(), one.display());
            let check = Check::of(Finding::SecretsOpen, WHAT, found);
            open.iter().fold(check, |check, file| check.at(file))
        }
    }
}

fn files(dir: &DataDir) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir.tokens_path()).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(|path| path.is_file()).collect();
    files.sort();
    files
}

/// Workspaces for which whose directory it is has no token here, while a server runs, which alone could make one.
pub(super) fn missing(dir: &DataDir) -> Option<Check> {
    let person = dir.person().filter(|_| matches!(dir.is_free(), Ok(false)))?;
    let file = |workspace: WorkspaceId| dir.token_file(&workspace, person.as_str());
    let there = dir.workspaces().unwrap_or_default().into_iter().map(file);
    let gone: Vec<PathBuf> = there.filter(|file| !file.exists()).collect();
    let first = gone.first()?;
    let others = match gone.len() - 1 {
        0 => " is".to_owned(),
        more => format!(" and {more} others are"),
    };
    let found =
        format!("{}{others} not there, and a server runs that was started without it", first.display());
    Some(Check::of(Finding::TokenMissing, WHAT, found).at(first))
}

/// Files in which there is no token any more, or one that the ledger does not know. `known` has those of these workspaces whose
/// ledgers were read.
pub(super) fn damaged(
    dir: &DataDir,
    workspaces: &[WorkspaceId],
    known: &BTreeMap<WorkspaceId, Known>,
) -> Vec<Check> {
    let own: Vec<PathBuf> = dir
        .person()
        .into_iter()
        .flat_map(|person| workspaces.iter().map(move |workspace| dir.token_file(workspace, person.as_str())))
        .collect();
    files(dir).iter().filter_map(|file| wrong(file, known).map(|why| told(file, &own, &why))).collect()
}

fn told(file: &Path, own: &[PathBuf], why: &str) -> Check {
    let is_own = own.iter().any(|own| own == file);
    let finding = if is_own { Finding::TokenDamaged } else { Finding::OtherTokenDamaged };
    Check::of(finding, WHAT, format!("{} {why}", file.display())).at(file)
}

/// Why what is in the file opens nothing.
fn wrong(file: &Path, known: &BTreeMap<WorkspaceId, Known>) -> Option<String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let text = read_small(file).unwrap_or_default();
    if name.ends_with("=certificate") {
        let is_pin = text.parse::<crate::api::Fingerprint>().is_ok();
        return (!is_pin).then(|| "holds no certificate's fingerprint any more".to_owned());
    }
    if crate::cli::datadir::is_left_over(&name) {
        return None;
    }
    let Ok(token) = token::parse(&text, "") else { return Some("holds no token any more".to_owned()) };
    if name.starts_with("remote.") {
        return None;
    }
    if !name.starts_with(&format!("{}.", token.workspace)) {
        return Some(format!("holds a token of the workspace {}", token.workspace));
    }
    let ledger = known.get(&token.workspace);
    let is_known = ledger.is_none_or(|ledger| opens(ledger.get(&token.id), &token));
    (!is_known).then(|| "holds a token that its workspace does not know".to_owned())
}

fn opens(known: Option<&Token>, kept: &TokenText) -> bool {
    known.is_some_and(|token| token.class == kept.class && token.hash == kept.hash_text())
}
