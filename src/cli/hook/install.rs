//! Writes the hooks down where Claude Code and git look for them, and takes nothing away that is there.

mod settings;

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Asking;
use super::repository::{By, Repository, git as run_git};
use crate::cli::context::{Context, Global, read_text};
use crate::cli::output::{self, visible};
use crate::cli::replace::replace;
use crate::cli::status::{Status, Usage};

/// The largest settings file that is changed, and the largest hook that is looked at, in bytes.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// By these words a hook of ours is known.
const GIT_WORDS: &str = " hook git";
const CLAUDE_WORDS: &str = " hook claude-code";

/// `deeds hook claude-code --print|--install`.
pub(super) fn claude_code(context: &Context, global: &Global, asking: &Asking) -> anyhow::Result<Status> {
    let command = command_line(global, asking, CLAUDE_WORDS)?;
    if asking.print {
        output::line(settings::alone(&command)?)?;
        return Ok(Status::Done);
    }
    let here = std::env::current_dir().context("there is no directory here")?;
    let repository = Repository::around(&here, By::Directory).map_err(anyhow::Error::msg)?;
    let folder = repository.map_or(here, |repository| repository.top).join(".claude");
    let file = folder.join("settings.json");
    let shown = visible(&file.display().to_string());
    let there = if file.exists() { Some(read_text(&file, MAX_FILE_BYTES)?) } else { None };
    let merged = settings::merged(there.as_deref(), &command, CLAUDE_WORDS).map_err(|why| {
        Usage::error(format!("{shown}: {why}; correct it, or put in by hand what --print prints"))
    })?;
    match merged {
        settings::Merged::There(same) if same == command => {
            output::line(format!("{shown}: the hook is there already"))?;
        }
        settings::Merged::There(other) => {
            output::complain(format!(
                "{shown}: there is a hook of deeds already: `{}`; to have `{}` instead, change that line",
                visible(&other),
                visible(&command)
            ));
            return Ok(Status::No);
        }
        settings::Merged::New(text) => {
            fs::create_dir_all(&folder).with_context(|| folder.display().to_string())?;
            replace(&file, &text).with_context(|| shown.clone())?;
            output::line(format!("{shown}: Claude Code asks deeds from its next session on"))?;
        }
    }
    afterwards(context, asking);
    Ok(Status::Done)
}

/// `deeds hook git --print|--install`.
pub(super) fn git(context: &Context, global: &Global, asking: &Asking) -> anyhow::Result<Status> {
    let command = command_line(global, asking, GIT_WORDS)?;
    let script = format!(
        "#!/bin/sh\n# Deeds: are the staged files in the agent's zone? Written by `deeds hook git --install`.\nexec {command}\n"
    );
    if asking.print {
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
fn command_line(global: &Global, asking: &Asking, words: &str) -> anyhow::Result<String> {
    let mut line = format!("{}{words}", quoted(&program()?)?);
    let mut add = |flag: &str, value: &str| -> anyhow::Result<()> {
        write!(line, " {flag} {}", quoted(value)?)?;
        Ok(())
    };
    if let Some(agent) = &asking.agent {
        add("--agent", agent.as_str())?;
    }
    if let Some(prefix) = &asking.prefix {
        add("--prefix", prefix.as_str())?;
    }
    let files = [
        ("--map", &asking.map),
        ("--data-dir", &global.data_dir),
        ("--token-file", &global.token_file),
        ("--config", &global.config),
    ];
    for (flag, file) in files {
        if let Some(file) = file {
            add(flag, &absolute(file)?)?;
        }
    }
    if let Some(url) = &global.connect {
        add("--connect", url.as_str())?;
    }
    if let Some(workspace) = &global.workspace {
        add("--workspace", workspace.as_str())?;
    }
    if global.allow_plaintext {
        line.push_str(" --allow-plaintext");
    }
    Ok(line)
}

/// `deeds` where a shell finds this very program by that name, else where it is.
fn program() -> anyhow::Result<String> {
    let program = std::env::current_exe().context("it can't be told where this program is")?;
    let same = |found: PathBuf| fs::canonicalize(found).is_ok_and(|found| found == program);
    let on_path = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("deeds")).find(|file| file.is_file())
    });
    if on_path.is_some_and(same) {
        return Ok("deeds".to_owned());
    }
    absolute(&program)
}

fn absolute(path: &Path) -> anyhow::Result<String> {
    let path = std::path::absolute(path).with_context(|| path.display().to_string())?;
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Usage::error(format!(
            "{}: a hook can't name it, as it is not UTF-8",
            visible(&path.display().to_string())
        ))
    })
}

/// A word for a shell.
fn quoted(word: &str) -> anyhow::Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=,%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Ok(word.to_owned());
    }
    if word.contains(['\n', '\r', '\0']) {
        return Err(Usage::error(format!(
            "a hook can't name `{}`: it has a line break in it",
            visible(word)
        )));
    }
    Ok(format!("'{}'", word.replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_a_shell_as_they_are() {
        for word in ["plain/word-1", "two words", "it's $HOME `x` \"y\" \\", ""] {
            let quoted = quoted(word).unwrap();
            let echoed =
                std::process::Command::new("sh").args(["-c", &format!("printf %s {quoted}")]).output();
            assert_eq!(String::from_utf8(echoed.unwrap().stdout).unwrap(), word, "{quoted}");
        }
        assert!(quoted("a\nb").is_err());
    }
}
