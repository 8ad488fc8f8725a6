//! `deeds hook`: guards for coding agents, which ask before a change whether the file is in the agent's zone.
//!
//! `host` (for every host whose dialect `crate::hook` has) and `git` read what is about to change and say the answer in the form
//! that their caller takes; `targets` says what a call reaches (`links` the other names of a file, `pushed` what commits
//! change), `judge` decides, by `zones`, which gives the answer from a map, and `memory`, which knows what was seen and refused
//! before. `known` finds the map without ever starting a server, `served` is the guard that a server has itself, `repository` says which file of
//! which repository a path is, `install` writes the hooks down. Whose a field is, the domain decides.

mod capture;
mod git;
mod host;
mod install;
mod judge;
mod known;
mod links;
mod memory;
mod pushed;
mod repository;
mod served;
mod targets;
mod zones;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};

use self::repository::{By, Repository};
pub(in crate::cli) use self::served::{Settings, guard};
use super::context::{Context, Global};
use super::session;
use super::status::Status;
use crate::client::Client;
use crate::config::HookDefault;
use crate::domain::ids::AgentId;
use crate::domain::path::EntityPath;
use crate::hook::{CLAUDE_CODE, CODEX, GEMINI};

/// Any bytes as what a hook is told: by every host, by git of what changes, by git of what is pushed.
#[cfg(any(test, fuzzing))]
pub(crate) fn any_call(bytes: &[u8]) {
    host::any_call(bytes);
    git::read(bytes).map(drop).unwrap_or_default();
}

/// The hooks.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Answer Claude Code, before it uses a tool, whether what it would change is the agent's to change
    #[command(
        after_help = "Examples:\n  deeds connect claude-code --agent docs-writer            token, tools and hooks, for the repository here\n  deeds hook claude-code --install --agent docs-writer     the hook alone, into .claude/settings.json\n  deeds hook claude-code --print --agent docs-writer       the same, to put where you like\n  deeds hook claude-code --agent docs-writer < call.json   as Claude Code runs it\n\nReads a call from standard input, and only ever restricts: it prints deny where something is not the agent's to change or\nhidden from it, ask where that can't be told, and else nothing, so that Claude Code goes by its own permissions and asks its\nuser as always. Where the map only observes, the user is warned instead (systemMessage); what is hidden stays so.\nFiles of edits, patches, shell commands and MCP tools are looked at; a subagent is the agent <agent>/<its kind>, or <its kind>,\nwhere the map names that. A file is files/<path in the repository> on the map, unless hook.prefix says otherwise.\nWithout a server it goes by the map that was seen last, and says so. Where it can't decide, hook.default says what goes:\nask, deny, or allow, which warns and leaves it to Claude Code.\nExit status 0 with every answer, 2 if there is none, which Claude Code takes as no."
    )]
    ClaudeCode(Hosted),
    /// Answer Codex before it uses a tool
    #[command(
        after_help = "Examples:\n  deeds connect codex --agent docs-writer              token, tools and hooks\n  deeds hook codex --agent docs-writer < call.json     as Codex runs it\n\nAs `deeds hook claude-code`, see there. Codex can't be told to ask: a question is a no that says who may do it."
    )]
    Codex(Asking),
    /// Answer Gemini CLI before it uses a tool
    #[command(
        after_help = "Examples:\n  deeds connect gemini --agent docs-writer             token, tools and hooks\n  deeds hook gemini --agent docs-writer < call.json    as Gemini CLI runs it\n\nAs `deeds hook claude-code`, see there. A hook of Gemini CLI can't ask: a question is a no that says who may do it."
    )]
    Gemini(Asking),
    /// Tell the form of a call without its contents, for a report
    #[command(
        after_help = "Examples:\n  deeds hook capture < call.json\n  deeds hook capture --to calls.jsonl     as a hook of any host: a line for each call\n\nKeys, kinds and lengths are told, and the names of tools and events; no path, no command, no text."
    )]
    Capture(capture::Capture),
    /// Check what is staged, before git commits it
    #[command(
        after_help = "Examples:\n  deeds hook git --install --agent docs-writer     as .git/hooks/pre-commit\n  git config deeds.agent docs-writer               another way to say who commits here\n  deeds hook git --agent docs-writer               check now what is staged\n  deeds hook git --agent docs-writer --range origin/main..HEAD    every commit of a branch, for CI\n  deeds hook git --agent docs-writer --pre-receive                as a server's pre-receive hook, which nobody leaves out\n\nExit status 0 if all of it is the agent's, 1 if something is not, 2 used wrongly, 3 failed; git commits only on 0.\nWhere it can't decide, hook.default does; ask counts as deny."
    )]
    Git(Git),
}

impl Command {
    /// Whether a host waits for its answer, to whom any other exit status than that of a no may be consent.
    pub(super) fn guards(&self) -> bool {
        match self {
            Self::ClaudeCode(Hosted { print, install, .. }) => !print && !install,
            Self::Codex(_) | Self::Gemini(_) => true,
            Self::Git(_) | Self::Capture(_) => false,
        }
    }
}

/// What of a repository is looked at.
#[derive(Debug, Args)]
pub(crate) struct Git {
    #[command(flatten)]
    hosted: Hosted,
    /// Check every commit of a push: the old and new objects and the ref come on standard input, as git's pre-receive says them
    #[arg(long, conflicts_with_all = ["range", "print", "install"])]
    pre_receive: bool,
    /// Check the commits of a range, as A..B, for CI
    #[arg(long, value_name = "A..B", conflicts_with_all = ["print", "install"])]
    range: Option<String>,
}

/// Who asks, and by which map.
#[derive(Debug, Clone, Args)]
pub(crate) struct Asking {
    /// The agent that makes the change
    #[arg(long, value_name = "ID")]
    agent: Option<AgentId>,
    /// Where the repository's files are on the map [default: files]
    #[arg(long, value_name = "PATH")]
    prefix: Option<EntityPath>,
    /// Go by this map file, and ask no server
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
}

/// The same, for a hook that writes itself down.
#[derive(Debug, Args)]
pub(crate) struct Hosted {
    #[command(flatten)]
    asking: Asking,
    /// Print what --install would write
    #[arg(long, conflicts_with = "install")]
    print: bool,
    /// Install the hook for the repository here; what is there already is kept
    #[arg(long)]
    install: bool,
}

impl Asking {
    fn agent(&self, context: &Context) -> Option<AgentId> {
        self.agent.clone().or_else(|| context.config.hook_agent.clone())
    }

    fn prefix<'a>(&'a self, context: &'a Context) -> &'a EntityPath {
        self.prefix.as_ref().unwrap_or(&context.config.hook_prefix)
    }

    fn map(&self) -> Option<&Path> {
        self.map.as_deref()
    }
}

/// Runs it.
pub(super) fn run(context: &Context, global: &Global, command: Command) -> anyhow::Result<Status> {
    match command {
        Command::ClaudeCode(Hosted { asking, print, install }) if print || install => {
            install::claude_code(context, global, &asking, print)
        }
        Command::ClaudeCode(Hosted { asking, .. }) => host::run(context, &CLAUDE_CODE, &asking),
        Command::Codex(asking) => host::run(context, &CODEX, &asking),
        Command::Gemini(asking) => host::run(context, &GEMINI, &asking),
        Command::Capture(to) => capture::run(&to),
        Command::Git(Git { hosted: Hosted { asking, print, install }, .. }) if print || install => {
            install::git(context, global, &asking, print)
        }
        Command::Git(asked) => git::run(context, &asked),
    }
}

/// Keeps the map in force as the one seen last, where hooks find it when no server runs. Commands that have to do with
/// the map do so last, when they have said what they have to say; of one that looks at the past nothing is kept.
pub(super) async fn remember_map(context: &Context, client: &Client) {
    if client.looks_at().is_some() {
        return;
    }
    // Who can't keep it has lost nothing else; hooks say that they know no map.
    if let Ok(view) = client.map(None).await
        && let Err(error) = known::keep(context, client.token(), &view)
    {
        tracing::warn!(error = format!("{error:#}"), "the map could not be kept for hooks");
    }
}

/// The line of a shell that asks as that agent, by those words.
pub(super) fn line(global: &Global, words: &str, agent: &AgentId) -> anyhow::Result<String> {
    let asking = Asking { agent: Some(agent.clone()), prefix: None, map: None };
    install::command_line(global, &asking, words)
}

/// The top of the repository here; where there is none, the directory.
pub(super) fn project() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("there is no directory here")?;
    // Without git there are no repositories.
    let repository = Repository::around(&here, By::Directory).ok().flatten();
    Ok(repository.map_or(here, |repository| repository.top))
}

/// Why nothing can be decided where no agent is named.
fn no_agent() -> String {
    "it is not known which agent this is; name it with --agent (in an address, `?agent=`), DEEDS_AGENT or the setting hook.agent"
        .to_owned()
}

/// In words that nothing was decided, and what goes for that.
fn undecided(why: &str, default: HookDefault) -> String {
    format!("can't decide: {why}. The setting hook.default says {} to that", default.name())
}

/// Sees the map in force, and makes the guard's own token; starts a server for that if none runs, so that hooks know both from the
/// beginning. Where
/// there is no team yet, none is made.
fn learn_map(context: &Context) -> bool {
    let there = || context.existing_dir().ok()?.workspaces().ok();
    if context.config.connect.is_none() && there().is_none_or(|workspaces| workspaces.is_empty()) {
        return false;
    }
    let learned = session::with_session(context, async |session| {
        let client = &session.client;
        known::keep(context, client.token(), &client.map(None).await?)?;
        session.provide_guard(context).await?;
        Ok(Status::Done)
    });
    learned.is_ok()
}
