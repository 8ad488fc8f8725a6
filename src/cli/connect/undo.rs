//! `deeds connect --undo`: each settings file as it was, byte for byte, where nobody has changed it since; else without our
//! entries. What was made for it goes too: files, directories, the agent's token.

use std::fs;
use std::path::PathBuf;

use super::entry::Form;
use super::file::{self, look, shown};
use super::host::{Machine, Scope};
use super::plan::{broken, difference};
use super::record::{self, Record};
use super::{Command, Told};
use crate::cli::context::Context;
use crate::cli::datadir::DataDir;
use crate::cli::output::{self, visible_lines};
use crate::cli::status::Status;
use crate::cli::{session, token};
use crate::domain::command::{Command as Order, TokenStep};

/// A file's way back.
struct Back {
    record: Record,
    /// What is there now.
    was: Option<String>,
    /// What will be there.
    text: Option<String>,
    /// What somebody has changed since, and stays.
    left: Vec<String>,
}

/// Takes back what was entered here.
pub(super) fn run(context: &Context, command: &Command, machine: &Machine) -> anyhow::Result<Status> {
    let dir = context.existing_dir()?;
    let project = (command.scope() == Scope::Project).then_some(&machine.project);
    let is_meant = |record: &Record| {
        record.project.as_ref() == project
            && (command.hosts.is_empty() || command.hosts.contains(&record.host))
    };
    let records = record::all(&dir).into_iter().flatten().filter(is_meant);
    let backs = records.map(Back::of).collect::<anyhow::Result<Vec<Back>>>()?;
    if backs.is_empty() {
        output::complain(
            "nothing was entered here that could be taken back; with --user it is looked for in your own settings",
        );
        return Ok(Status::No);
    }
    tell(context, &backs)?;
    if command.dry_run || !command.may()? {
        return Ok(if command.dry_run { Status::Done } else { Status::No });
    }
    for back in &backs {
        back.write(&dir)?;
    }
    let mut folders: Vec<&PathBuf> = backs.iter().flat_map(|back| &back.record.folders).collect();
    // The innermost first.
    folders.sort_by_key(|folder| std::cmp::Reverse(folder.as_os_str().len()));
    for folder in folders {
        // One that something else is in by now stays.
        fs::remove_dir(folder).unwrap_or_default();
    }
    end_tokens(context, &dir, &backs);
    Ok(Status::Done)
}

impl Back {
    fn of(record: Record) -> anyhow::Result<Self> {
        let was = look(&record.file)?;
        let (text, left) = match &was {
            Some(was) if *was == record.after => (record.before.clone(), Vec::new()),
            Some(was) => {
                let out = Form::of(&record.file).take_out(was, &record.entries, record.before.as_deref());
                let (text, left) = out.map_err(|why| broken(&record.file, &why))?;
                // A file that was made for this and has nothing else in it by now.
                let is_left = record.before.is_some() || !["", "{}"].contains(&text.trim());
                (is_left.then_some(text), left)
            }
            None => (None, Vec::new()),
        };
        Ok(Self { record, was, text, left })
    }

    fn write(&self, dir: &DataDir) -> anyhow::Result<()> {
        let Self { record, was, text, .. } = self;
        match (was, text) {
            (Some(was), Some(text)) if was != text => file::write(&record.file, Some(was), text)?,
            (Some(was), None) => file::remove(&record.file, was)?,
            (Some(_) | None, _) => {}
        }
        record.forget(dir)
    }
}

fn tell(context: &Context, backs: &[Back]) -> anyhow::Result<()> {
    fn row(Back { record, was, text, left }: &Back) -> Told<'_> {
        let difference = (was != text).then(|| difference(&record.file, was.as_deref(), text.as_deref()));
        Told { host: &record.host, file: &record.file, difference, left: Some(left) }
    }
    let rows: Vec<Told<'_>> = backs.iter().map(row).collect();
    context.out.show(&rows, || {
        for (row, back) in rows.iter().zip(backs) {
            let file = shown(row.file);
            match (&row.difference, &back.was) {
                (Some(difference), _) => output::line(visible_lines(difference.trim_end()))?,
                (None, Some(_)) => output::line(format!("{file}: nothing of it is there any more"))?,
                (None, None) => output::line(format!("{file}: it is not there any more"))?,
            }
            if back.was.as_ref().is_some_and(|was| *was != back.record.after) {
                output::line(format!("{file}: it was changed since; only what was entered is taken out"))?;
            }
            for name in &back.left {
                output::line(format!("{file}: {name} is not as it was entered, and stays"))?;
            }
        }
        Ok(())
    })
}

/// Ends the tokens that were made for what is gone, where nothing else that was entered needs them.
fn end_tokens(context: &Context, dir: &DataDir, backs: &[Back]) {
    let needed: Vec<PathBuf> = record::all(dir).into_iter().flatten().map(|record| record.token).collect();
    let mut files: Vec<&PathBuf> =
        backs.iter().filter(|back| back.record.made).map(|back| &back.record.token).collect();
    files.sort();
    files.dedup();
    for file in files.into_iter().filter(|file| !needed.contains(file)) {
        let Ok(kept) = token::read(file) else { continue };
        let mut own = context.clone();
        own.config.workspace = Some(kept.workspace.clone());
        let ended = session::with_client(&own, async |client| {
            client.ask(&Order::Token(TokenStep::Revoke { token: kept.id.clone() })).await?;
            Ok(Status::Done)
        });
        match ended {
            Ok(_) => fs::remove_file(file).unwrap_or_default(),
            Err(error) => output::complain(format!(
                "the token in {} is good still: {error:#}; `deeds tokens revoke {}` ends it",
                shown(file),
                kept.id
            )),
        }
    }
}
