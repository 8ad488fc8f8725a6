//! `deeds restore FILE`: the ledgers of a backup into an empty data directory. The whole file is read and compared with
//! its manifest before anything is written, and every chain is verified before anything is in its place.

use std::fs::{self, File};
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;

use super::archive::{self, Manifest, Part, Sum};
use super::{Draft, report};
use crate::cli::context::Context;
use crate::cli::datadir::{DataDir, RESTORED};
use crate::cli::output::{self, bar};
use crate::cli::status::{Status, Usage};
use crate::cli::verify::verified;
use crate::coordinator::Clock;
use crate::domain::ids::WorkspaceId;
use crate::ledger::{Kept, Store, export};

/// What an export begins with.
const EXPORT: &[u8] = b"{\"ledger\":";

/// Where the backup lies.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds restore deeds-2026-11-20.tar --data-dir /var/lib/deeds\n\nThe data directory must have no workspace yet. Tokens that agents hold go on working, since ledgers keep their hashes; your\nown is made anew when you start `deeds` there. The secret that signs heads is in no backup: put `signing.key` back from where\nyou keep it, or begin with another (`deeds checkpoint rotate --lost`). Never let two servers go on from one backup: their histories would differ."
)]
pub(crate) struct Command {
    /// A file that `deeds backup` wrote; or an export of one ledger, by `deeds log --export jsonl` or by a server whose ledger was
    /// taken away
    file: PathBuf,
}

/// Runs it.
pub(crate) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let shown = command.file.display().to_string();
    if context.config.connect.is_some() {
        return Err(Usage::error(
            "a backup is restored where the ledgers will lie: run it there, without --connect",
        ));
    }
    let open = || {
        let file = File::open(&command.file);
        file.map_err(|error| Usage::error(format!("{shown}: {error}; name a backup that you may read")))
    };
    let exported = is_export(open()?)?;
    let whole = open()?;
    let shown_bar = bar(whole.metadata().map_or(0, |about| about.len()), "{bytes} read");
    let input = BufReader::new(shown_bar.wrap_read(whole));
    if exported {
        if !export::verify(input).with_context(|| shown.clone())?.tells_end {
            output::complain(format!("{shown}: {}", export::OPEN_END));
        }
    } else {
        archive::read(input, |_| Ok(io::sink())).map(drop).with_context(|| shown.clone())?;
    }
    shown_bar.finish_and_clear();

    let dir = context.open_dir()?;
    let place = dir.path().display().to_string();
    let Some(_lock) = dir.try_lock()? else {
        anyhow::bail!(
            "{place}: another deeds serves this directory; end it, or name another with --data-dir"
        );
    };
    if let Some(there) = dir.workspaces()?.first() {
        return Err(Usage::error(format!(
            "{place}: the workspace {there} is here already; name an empty directory with --data-dir"
        )));
    }
    let draft = Draft::at(dir.path().join(Store::RESTORING));
    let manifest = if exported { rebuild(&open, &draft) } else { unpack(BufReader::new(open()?), &draft) };
    let manifest = manifest.with_context(|| shown.clone())?;
    verify(&manifest, &draft.store).with_context(|| shown.clone())?;
    // The keys first: where they don't get there, it can all be done again.
    bring_keys(&draft.store, dir.store())?;
    for part in &manifest.ledgers {
        draft.store.note_end(&part.workspace)?;
    }
    remember(&dir, &command.file, &manifest)?;
    if let Some(home) = &manifest.home {
        dir.store().say_home(home)?;
    }
    // The ledgers last, at once: who is killed before that does it again, and after that it is done.
    dir.store().restore(&draft.store)?;
    if !context.out.json {
        context.out.faint(format!("restored into {place}; every chain holds"))?;
    }
    if let Some(secret) = dir.store().signing().lost() {
        output::complain(format!(
            "heads are not signed here until {} is put there from where you keep it (mode 600), or `deeds checkpoint rotate --lost` begins with another key; `deeds verify --checkpoints` goes by what was signed before",
            secret.display()
        ));
    }
    report(context.out, &manifest)
}

/// Whether it is what `deeds log --export jsonl` writes, and a server whose ledger was taken away; else it should be a backup.
fn is_export(file: File) -> io::Result<bool> {
    let mut first = Vec::with_capacity(EXPORT.len());
    file.take(EXPORT.len() as u64).read_to_end(&mut first)?;
    Ok(first == EXPORT)
}

/// Makes the ledger of an export again, in the draft.
fn rebuild(open: &impl Fn() -> anyhow::Result<File>, draft: &Draft) -> anyhow::Result<Manifest> {
    // As with a backup.
    fs::remove_dir_all(&draft.path).unwrap_or_default();
    let export::Exported { identity, head, .. } = export::verify(BufReader::new(open()?))?;
    let workspace: WorkspaceId = identity.workspace.parse()?;
    let mut ledger = draft.store.rebuild(&workspace, &identity)?;
    export::read_all(BufReader::new(open()?), |deed| ledger.take(deed).map_err(|error| error.to_string()))?;
    ledger.finish()?;
    let file = Sum::of(&draft.store.path(Kept::Ledger(&workspace)))?;
    let part = Part {
        workspace: workspace.clone(),
        ledger: identity.source(),
        deeds: head.seq,
        hash: head.hash.to_string(),
        file,
        heads: None,
    };
    Ok(Manifest::new(Clock::System.now(), Some(workspace), vec![part], None))
}

/// Most ledgers that are named there: it is a small file, and the backup has all.
const MOST_REMEMBERED: usize = 8;

/// What the directory came from, for whoever looks at it later: `deeds doctor` tells it.
fn remember(dir: &DataDir, file: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    let file = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let ledgers = manifest.ledgers.iter().take(MOST_REMEMBERED).map(
        |part| serde_json::json!({ "workspace": part.workspace, "deeds": part.deeds, "hash": part.hash }),
    );
    let ledgers: Vec<_> = ledgers.collect();
    let restored = serde_json::json!({
        "restored": Clock::System.now(),
        "from": file,
        "made": manifest.made,
        "more": manifest.ledgers.len() - ledgers.len(),
        "ledgers": ledgers,
    });
    Ok(DataDir::replace(&dir.path().join(RESTORED), &format!("{restored}\n"))?)
}

/// The public keys that signed heads, beside the ledgers; others that are there already are left alone.
fn bring_keys(from: &Store, to: &Store) -> anyhow::Result<()> {
    let (brought, there) = (from.path(Kept::Keys), to.path(Kept::Keys));
    if !there.exists() || !brought.exists() {
        from.copy_signed(Kept::Keys, to)?;
        return Ok(());
    }
    if fs::read(&brought)? == fs::read(&there)? {
        return Ok(());
    }
    Err(Usage::error(format!(
        "{}: the keys of another server are here; take them away, or name an empty directory with --data-dir",
        there.display()
    )))
}

/// Writes every ledger into the draft, each to its disk.
pub(super) fn unpack(input: BufReader<File>, draft: &Draft) -> anyhow::Result<Manifest> {
    // What a restore that was killed has left; that there may be nothing is no matter.
    fs::remove_dir_all(&draft.path).unwrap_or_default();
    let manifest = archive::read(input, |kept| draft.store.coming(kept).map_err(io::Error::other))?;
    for (kept, _) in manifest.files() {
        File::open(draft.store.path(kept))?.sync_all()?;
    }
    Ok(manifest)
}

/// Every chain, from its first deed to the one that the manifest names.
pub(super) fn verify(manifest: &Manifest, draft: &Store) -> anyhow::Result<()> {
    for part in &manifest.ledgers {
        let verified = verified(draft, &part.workspace)?;
        let found = (verified.identity.source(), verified.head.seq, verified.head.hash.to_string());
        let same_workspace = verified.identity.workspace == part.workspace.as_str();
        if !same_workspace || found != (part.ledger.clone(), part.deeds, part.hash.clone()) {
            anyhow::bail!(
                "the ledger of {} is not the one that the manifest names; use another copy of the backup",
                part.workspace
            );
        }
    }
    Ok(())
}
