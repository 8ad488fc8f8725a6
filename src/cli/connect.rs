//! `deeds connect`: Deeds entered into the settings of the coding agents that are here, each in its own form, and taken back.
//!
//! `host` is the table of coding agents, `entry` what is entered and how it is found again, `plan` what would be changed,
//! `file` the settings files of others, `record` what was entered where, `undo` the way back. Nothing but names of files is
//! entered: secrets stay in the data directory.

mod claude_code;
mod codex;
mod entry;
mod file;
mod gemini;
mod host;
mod in_json;
mod in_toml;
mod plan;
mod record;
mod undo;
mod vscode;

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use serde::Serialize;

use self::host::{GUARD_TOKEN, HOSTS, Hooks, Host, Machine, Scope};
use self::plan::{Plan, Wanted};
use self::record::Record;
use super::context::{Context, Global};
use super::datadir::DataDir;
use super::output::{self, visible_lines};
use super::session::{self, Session};
use super::status::{Status, Usage};
use super::{hook, program};
use crate::domain::ids::AgentId;
use crate::domain::things::TokenClass;

pub(in crate::cli) use claude_code::HOOKS as CLAUDE_CODE;
pub(in crate::cli) use entry::Form;
pub(in crate::cli) use host::{Asks, SERVER};
pub(in crate::cli) use record::{Record as Connection, all as connections};

/// What is connected, or taken back.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[command(
    after_help = "Examples:\n  deeds connect                                     every coding agent that is found here, in the project's settings\n  deeds connect claude-code --agent coder           that one, as that agent of the map\n  deeds connect claude-code --hooks http            its hooks ask the server here, and start no program\n  deeds connect codex --gateway files --yes         its MCP server `files` goes behind the map, too\n  deeds connect --undo                              everything as it was\n\nShows what it would change, and asks. Enters an MCP server (`deeds mcp`), hooks that ask before each tool (`deeds hook`),\nand gateways for servers that are there (`deeds gateway`); makes the token that they sign in with, in your data directory.\nWhat is there already stays as it is written. `deeds doctor` checks from then on that the entries stand.\nExit status 1 if no coding agent is found, or the answer is no."
)]
pub(crate) struct Command {
    /// The coding agents; all that are found, without one
    #[arg(value_name = "CODING-AGENT", value_parser = PossibleValuesParser::new(HOSTS.map(|host| host.word)))]
    hosts: Vec<String>,
    /// Which agent of the map it is; without it the setting hook.agent, or the only one that there is
    #[arg(long, value_name = "ID", conflicts_with = "undo")]
    agent: Option<AgentId>,
    /// Put an MCP server that is there behind the map, under the name that it has there
    #[arg(long, value_name = "NAME", conflicts_with = "undo")]
    gateway: Vec<String>,
    /// Enter these alone
    #[arg(long, value_name = "WHAT", conflicts_with = "undo")]
    only: Option<Only>,
    /// What hooks ask: the command, or the server of the data directory here, which must run then
    #[arg(long, value_name = "HOW", default_value = "command", conflicts_with = "undo")]
    hooks: How,
    /// In your own settings, for all projects, rather than in those of the project here
    #[arg(long)]
    user: bool,
    /// Take back what was entered
    #[arg(long)]
    undo: bool,
    /// Do it without asking
    #[arg(long)]
    yes: bool,
    /// Only show what would be changed
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
}

/// A part of what can be entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    /// The MCP server, and gateways
    Mcp,
    /// The hooks
    Hooks,
}

/// How hooks ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum How {
    /// They run `deeds hook`
    Command,
    /// They ask a server; Claude Code alone does that
    Http,
}

/// What would be changed in a file, or was.
#[serde_with::skip_serializing_none]
#[derive(Serialize)]
struct Told<'a> {
    host: &'a str,
    file: &'a PathBuf,
    /// None where everything stands already.
    difference: Option<String>,
    /// What somebody has changed since, and stays.
    left: Option<&'a [String]>,
}

impl Command {
    fn scope(&self) -> Scope {
        if self.user { Scope::User } else { Scope::Project }
    }

    fn by_http(&self) -> bool {
        self.hooks == How::Http
    }

    /// Whether it may be done; an error where nobody can be asked.
    fn may(&self) -> anyhow::Result<bool> {
        let mut err = std::io::stderr();
        if self.yes {
            return Ok(true);
        }
        if !std::io::stdin().is_terminal() || !err.is_terminal() {
            return Err(Usage::error(
                "nobody can be asked here, and nothing was written; say --yes to do it, or --dry-run to look",
            ));
        }
        write!(err, "Write this? [yes/no] ")?;
        err.flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(["yes", "y"].contains(&answer.trim().to_lowercase().as_str()))
    }
}

/// Runs it.
pub(super) fn run(context: &Context, global: &Global, command: &Command) -> anyhow::Result<Status> {
    let machine = Machine::here()?;
    if command.undo {
        return undo::run(context, command, &machine);
    }
    let mut hosts: Vec<&'static Host> = command.hosts.iter().filter_map(|word| Host::named(word)).collect();
    if hosts.is_empty() {
        hosts = HOSTS.iter().filter(|host| host.is_found(&machine)).collect();
    }
    if hosts.is_empty() {
        let known: Vec<&str> = HOSTS.iter().map(|host| host.title).collect();
        output::complain(format!(
            "no coding agent is found on this machine or in this project, of {}; name one to connect it all the same",
            known.join(", ")
        ));
        return Ok(Status::No);
    }
    session::with_session(context, async |session| {
        Box::pin(connect(context, global, command, &machine, &hosts, session)).await
    })
}

/// The line of a shell by which hooks that ask a server have the guard's token: it stands in no settings.
fn token_line(context: &Context) -> anyhow::Result<String> {
    let file = session::guard_token(context).context("there is no token of the guard")?;
    let file = program::line(&[program::absolute(&file)?])?;
    Ok(format!("export {GUARD_TOKEN}=\"$(sed 's/^Authorization: Bearer //' {file})\""))
}

/// Enters what is wanted.
async fn connect(
    context: &Context,
    global: &Global,
    command: &Command,
    machine: &Machine,
    hosts: &[&'static Host],
    session: &Session,
) -> anyhow::Result<Status> {
    let dir = match session.local_dir() {
        Some(dir) => dir.clone(),
        None => context.open_dir()?,
    };
    let who = Who::of(context, command, session).await?;
    let plans = plans(context, global, command, machine, hosts, session, (&dir, &who))?;
    tell(context, &plans)?;
    let changes = plans.iter().any(|plan| plan.text.is_some());
    if command.dry_run || (changes && !command.may()?) {
        return Ok(if command.dry_run { Status::Done } else { Status::No });
    }
    // What stands already needs a token that is good, too.
    let is_new = who.is_given || session.agent_token(&who.token, &who.agent).await?.1;
    session.provide_guard(context).await?;
    hook::remember_map(context, &session.client).await;
    let before: Vec<Record> = record::all(&dir).into_iter().flatten().collect();
    let made = !who.is_given && (is_new || before.iter().any(|one| one.made && one.token == who.token));
    let mut written = BTreeSet::new();
    for plan in plans.iter().filter(|plan| plan.text.is_some()) {
        write(&dir, plan, &who, (command.scope() == Scope::Project).then_some(&machine.project), made)?;
        written.insert(plan.host.word);
    }
    for host in hosts.iter().filter(|host| written.contains(host.word) && !context.out.json) {
        context.out.faint(format!("{} is connected as {}: {}", host.title, who.agent, host.then))?;
        if host.hooks.is_some() && command.by_http() {
            context.out.faint(format!("start it with the guard's token: {}", token_line(context)?))?;
        }
    }
    Ok(Status::Done)
}

/// Who acts in the coding agents, and by which token.
struct Who {
    agent: AgentId,
    /// The token's file.
    token: PathBuf,
    /// Somebody has named that file; it is nothing of ours.
    is_given: bool,
}

impl Who {
    async fn of(context: &Context, command: &Command, session: &Session) -> anyhow::Result<Self> {
        if session.client.token().class == TokenClass::Agent {
            let me = session.client.whoami().await?;
            let file = context.token_file.clone().or_else(|| context.config.token_file.clone());
            let (Some(agent), Some(file)) = (me.actor.agent().cloned(), file) else {
                return Err(Usage::error(
                    "the token is an agent's and comes from the environment; name it in a file, with --token-file",
                ));
            };
            if command.agent.as_ref().is_some_and(|asked| *asked != agent) {
                return Err(Usage::error(format!(
                    "the token is {agent}'s; leave --agent out, or name that one's token"
                )));
            }
            return Ok(Self { agent, token: std::path::absolute(file)?, is_given: true });
        }
        let asked = command.agent.clone().or_else(|| context.config.hook_agent.clone());
        let model = session.client.map(None).await?.model;
        let named: Vec<&AgentId> = model.agents.iter().map(|agent| &agent.id).collect();
        let agent = match (asked, named.as_slice()) {
            (Some(agent), _) => {
                if !named.contains(&&agent) {
                    output::complain(format!("the map has no agent {agent} yet: nothing is in its zone"));
                }
                agent
            }
            (None, [only]) => (*only).clone(),
            (None, named) => {
                let names: Vec<&str> = named.iter().map(|agent| agent.as_str()).collect();
                let names = if names.is_empty() { "none yet".to_owned() } else { names.join(", ") };
                return Err(Usage::error(format!(
                    "say which agent of the map it is, with --agent; there are: {names}"
                )));
            }
        };
        let token = session.agent_file(context, &agent)?;
        Ok(Self { agent, token, is_given: false })
    }
}

fn plans(
    context: &Context,
    global: &Global,
    command: &Command,
    machine: &Machine,
    hosts: &[&'static Host],
    session: &Session,
    (dir, who): (&DataDir, &Who),
) -> anyhow::Result<Vec<Plan>> {
    let config = &context.config;
    // Hooks have the guard's own token, where there may be one.
    let global = Global {
        data_dir: config.data_dir.clone(),
        connect: config.connect.clone(),
        workspace: session
            .local_dir()
            .map_or_else(|| Some(session.client.token().workspace.clone()), |_| config.workspace.clone()),
        allow_plaintext: config.allow_plaintext,
        token_file: who.is_given.then(|| who.token.clone()),
        ..global.clone()
    };
    let asks = |hooks: &Hooks| match command.only {
        Some(Only::Mcp) => Ok(None),
        Some(Only::Hooks) | None if command.by_http() => {
            asks_server(hooks, command.scope(), machine, session, who).map(Some)
        }
        Some(Only::Hooks) | None => {
            hook::line(&global, &hooks.words(), &who.agent).map(|line| Some(Asks::Command(line)))
        }
    };
    let wanted = Wanted {
        machine,
        scope: command.scope(),
        program: program::name()?,
        place: program::place(&Global {
            token_file: Some(who.token.clone()),
            workspace: None,
            ..global.clone()
        })?,
        tools: command.only != Some(Only::Hooks),
        gateways: &command.gateway,
        asks: &asks,
    };
    let (mut all, mut found) = (Vec::new(), BTreeSet::new());
    for host in hosts {
        let (plans, gateways) = Plan::all(dir, host, &wanted)?;
        all.extend(plans);
        found.extend(gateways);
    }
    match command.gateway.iter().find(|name| !found.contains(*name)) {
        Some(name) => {
            Err(Usage::error(format!("none of the settings that were looked at has an MCP server `{name}`")))
        }
        None => Ok(all),
    }
}

/// What hooks are told to ask the server here. What they can't ask so, or can't say, is told before anything is written.
fn asks_server(
    hooks: &Hooks,
    scope: Scope,
    machine: &Machine,
    session: &Session,
    who: &Who,
) -> anyhow::Result<Asks> {
    let no = |why: &str| Err(Usage::error(format!("{why}; leave --hooks out, and they run the command")));
    if !hooks.by_http {
        return no(&format!("hooks of {} ask no server", hooks.dialect.host));
    }
    if !session.is_attached() || who.is_given {
        return no(
            "hooks ask a server that runs on a data directory here (`deeds serve`), under the guard's own token",
        );
    }
    let project = match scope {
        Scope::Project => machine.project.display().to_string(),
        // Where it is started, as shells say it.
        Scope::User => "$PWD".to_owned(),
    };
    if scope == Scope::Project && !project.chars().all(|c| c.is_ascii_graphic() && c != '$' || c == ' ') {
        return no("a header can't say where this project is");
    }
    Ok(Asks::Server { url: hooks.address(session.client.base_url(), &who.agent)?, project })
}

fn tell(context: &Context, plans: &[Plan]) -> anyhow::Result<()> {
    let told = |plan: &Plan| plan.text.as_ref().map(|_| plan.difference());
    let rows: Vec<Told<'_>> = plans
        .iter()
        .map(|plan| Told { host: plan.host.word, file: &plan.file, difference: told(plan), left: None })
        .collect();
    context.out.show(&rows, || {
        for row in &rows {
            match &row.difference {
                Some(difference) => output::line(visible_lines(difference.trim_end()))?,
                None => output::line(format!("{}: stands already", file::shown(row.file)))?,
            }
        }
        Ok(())
    })
}

/// Writes a settings file, and before that what is needed to take it back.
fn write(dir: &DataDir, plan: &Plan, who: &Who, project: Option<&PathBuf>, made: bool) -> anyhow::Result<()> {
    let Some(text) = &plan.text else { return Ok(()) };
    let before = record::read(&dir.connection_file(&plan.file)).ok();
    let mut folders = file::missing_folders(&plan.file);
    folders.extend(before.iter().flat_map(|before| before.folders.clone()));
    let record = Record {
        host: plan.host.word.to_owned(),
        agent: who.agent.clone(),
        file: plan.file.clone(),
        project: project.cloned(),
        before: plan.base.clone(),
        after: text.clone(),
        entries: plan.entries.clone(),
        folders,
        token: who.token.clone(),
        made,
    };
    record.keep(dir)?;
    file::write(&plan.file, plan.was.as_deref(), text).inspect_err(|_| {
        // What was not written need not be taken back; that it may be looked for is no matter.
        match before {
            Some(before) => before.keep(dir),
            None => record.forget(dir),
        }
        .unwrap_or_default();
    })
}
