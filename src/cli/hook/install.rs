//! Writes the hooks down where Claude Code and git look for them, and takes nothing away that is there.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::Context as _;

use super::Asking;
use super::repository::{By, git as run_git};
use crate::cli::connect::{Asks, CLAUDE_CODE, Form};
use crate::cli::context::{Context, Global, read_text};
use crate::cli::output::{self, visible};
use crate::cli::program;
use crate::cli::replace::replace;
use crate::cli::status::{Status, Usage};

/// The largest settings file that is changed, and the largest hook that is looked at, in bytes.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// By these words a hook of ours is known.
const GIT_WORDS: &str = " hook git";

/// `deeds hook claude-code --print|--install`.
pub(super) fn claude_code(
    context: &Context,
    global: &Global,
    asking: &Asking,
    print: bool,
) -> anyhow::Result<Status> {
    let command = command_line(global, asking, &CLAUDE_CODE.words())?;
    let mut entries = CLAUDE_CODE.entries(&Asks::Command(command.clone()));
    if print {
        output::line(Form::Json.enter("", &mut entries).map_err(anyhow::Error::msg)?.trim_end())?;
        return Ok(Status::Done);
    }
    let folder = super::project()?.join(".claude");
    let file = folder.join("settings.json");
    let shown = visible(&file.display().to_string());
    let there = if file.exists() { read_text(&file, MAX_FILE_BYTES)? } else { String::new() };
    let wrong =
        |why| Usage::error(format!("{shown}:{why}; correct it, or put in by hand what --print prints"));
    match CLAUDE_CODE.there(&Form::Json.value(&there).map_err(wrong)?) {
        Some(same) if same == command => output::line(format!("{shown}: the hook is there already"))?,
        Some(other) => {
            output::complain(format!(
                "{shown}: there is a hook of deeds already: `{}`; to have `{}` instead, change that line",
                visible(&other),
                visible(&command)
            ));
            return Ok(Status::No);
        }
        None => {
            let text = Form::Json.enter(&there, &mut entries).map_err(wrong)?;
            fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
            replace(&file, &text).with_context(|| shown.clone())?;
            output::line(format!("{shown}: Claude Code asks deeds from its next session on"))?;
        }
    }
    afterwards(context, asking);
    Ok(Status::Done)
}

/// `deeds hook git --print|--install`.
pub(super) fn git(
    context: &Context,
    global: &Global,
    asking: &Asking,
    print: bool,
) -> anyhow::Result<Status> {
    let command = command_line(global, asking, GIT_WORDS)?;
    let script = format!(
        "#!/bin/sh\n# Deeds: are the staged files in the agent's zone? Written by `deeds hook git --install`.\nexec {command}\n"
    );
    if print {
        output::line(script.trim_end())?;
        return Ok(Status::Done);
    }
    let file = hooks_directory()?.join("pre-commit");
    let shown = visible(&file.display().to_string());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    }
    let made = OpenOptions::new().write(true).create_new(true).mode(0o777).open(&file);
    match made {
        Ok(mut new) => {
            new.write_all(script.as_bytes()).with_context(|| shown.clone())?;
            output::line(format!("{shown}: git asks deeds before each commit"))?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            // What can't be read is not ours.
            let there = read_text(&file, MAX_FILE_BYTES).unwrap_or_default();
            if !there.lines().any(|line| !line.trim_start().starts_with('#') && line.contains(GIT_WORDS)) {
                output::complain(format!(
                    "{shown}: there is a hook already, which is left alone; add this line to it, before any `exec` or `exit`:\n{} || exit $?",
                    visible(&command)
                ));
                return Ok(Status::No);
            }
            output::line(format!("{shown}: the hook is there already"))?;
        }
        Err(error) => return Err(error).with_context(|| shown),
    }
    afterwards(context, asking);
    Ok(Status::Done)
}

/// Where git looks for hooks: `core.hooksPath`, what all work trees share, or what the repository has for itself.
fn hooks_directory() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("there is no directory here")?;
    let output =
        run_git(&here, By::Directory, &["rev-parse", "--git-path", "hooks"]).context("git can't be run")?;
    if !output.status.success() {
        let said = visible(String::from_utf8_lossy(&output.stderr).trim());
        return Err(Usage::error(format!("git says: {said}; run it in a repository")));
    }
    let text = String::from_utf8(output.stdout).context("the place of git's hooks is not UTF-8")?;
    Ok(here.join(text.trim_end_matches('\n')))
}

/// What must still be done, or known.
fn afterwards(context: &Context, asking: &Asking) {
    if asking.agent.is_none() && context.config.hook_agent.is_none() {
        output::complain(
            "no agent is named: give one with --agent, DEEDS_AGENT, the setting hook.agent, or for git with `git config deeds.agent`",
        );
    }
    if asking.map.is_none() && !super::learn_map(context) {
        output::complain(
            "no map is known yet; hooks go by the first one that they see, so start `deeds` once before you rely on them",
        );
    }
}

/// The command that a hook runs, for a shell: this program, where and who as said now.
pub(super) fn command_line(global: &Global, asking: &Asking, words: &str) -> anyhow::Result<String> {
    let mut line = vec![program::name()?];
    line.extend(words.split_whitespace().map(str::to_owned));
    let mut add = |flag: &str, value: String| line.extend([flag.to_owned(), value]);
    if let Some(agent) = &asking.agent {
        add("--agent", agent.to_string());
    }
    if let Some(prefix) = &asking.prefix {
        add("--prefix", prefix.to_string());
    }
    if let Some(map) = &asking.map {
        add("--map", program::absolute(map)?);
    }
    line.extend(program::place(global)?);
    program::line(&line)
}
