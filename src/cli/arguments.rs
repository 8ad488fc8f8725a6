//! The tree of commands as people type it. What they share is the [context](super::context); what each does stands where
//! its arguments do.

use clap::{Parser, Subcommand};

use super::context::{ConsoleFlags, Global};
use super::then::Then;
use super::{
    agent, agents, alerts, away, backup, checkpoint, clock, connect, console, demo, doctor, entity, fan_outs,
    gateway, handoffs, hook, import, inbox, join, keys, leases, ledger, log, man, map, mcp, outputs,
    overrides, readiness, rehearse, replay, report, review, serve, single, tokens, trace, verify, who_owns,
    work, workspaces,
};

const EXAMPLES: &str = "\
Examples:
  deeds                                   open the console; a server for agents runs inside it
  deeds demo                              the same on three sample teams at work
  deeds inbox list                        what waits for a person's decision
  deeds log 'outcome:refused since:2h'    what was refused in the last two hours
  deeds who-owns 'crm/contact/acme#status'
  deeds --connect http://host:4170 --token-file ~/token

Exit status: 0 done, 1 the answer is no, 2 used wrongly, 3 could not reach or failed.
Settings: flags go before DEEDS_* in the environment, those before the configuration file.";

/// Who may write what in a team of agents: decided, recorded and shown.
#[derive(Debug, Parser)]
#[command(name = "deeds", version, about = "Who may write what in a team of agents: decided, recorded and shown", after_help = EXAMPLES, max_term_width = 110)]
#[command(subcommand_negates_reqs = true, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    /// What all commands take.
    #[command(flatten)]
    pub(crate) global: Global,
    /// What the console takes.
    #[command(flatten)]
    pub(crate) console: ConsoleFlags,
    /// The command; the console without one.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Three sample teams at work, and the console on them
    Demo(demo::Command),
    /// The server alone, until it is asked to stop
    Serve(serve::Command),
    /// The decisions that people owe: list, show, answer, undo
    #[command(subcommand)]
    Inbox(inbox::Command),
    /// The ledger: filtered, followed, exported
    Log(log::Command),
    /// What happened to a record or a field; what led to a deed, and what it led to
    Trace(trace::Command),
    /// What a record holds, now or at an earlier time
    Entity(entity::Command),
    /// Who may write a field, who answers for it, what it holds now
    WhoOwns(who_owns::Command),
    /// Detected conflicts: list, acknowledge, resolve, send to the inbox
    #[command(args_conflicts_with_subcommands = true)]
    Alerts {
        #[command(flatten)]
        then: Then,
        #[command(subcommand)]
        command: Option<alerts::Command>,
    },
    /// A conflict step by step: both sides, the fields changing, and what another map would have said
    Replay(replay::Command),
    /// What was recorded under a wrong clock, set right
    #[command(subcommand)]
    Clock(clock::Command),
    /// Sessions over a queue: status, start, end
    Review {
        #[command(subcommand)]
        command: Option<review::Command>,
    },
    /// Say that you are away: your deputies answer at once meanwhile
    Away(away::Away),
    /// Say that you are back
    Back(away::Back),
    /// Change fields of a record, as an agent
    Write(agent::Write),
    /// Ask whether a side effect may go ahead, as an agent; say how it ended
    Act(agent::Act),
    /// Publish on an output, as an agent
    Publish(agent::Publish),
    /// Tell a person what an agent can't decide
    Escalate(agent::Escalate),
    /// What an agent is shown of a record
    Read(agent::Read),
    /// Who did what on a record lately
    Activity(agent::Activity),
    /// What waits in the agents' work streams, for whoever looks; agents take, complete, accept, decline, fail and return it
    Work(work::Command),
    /// Say that something happened; the agent that it wakes gets it as work
    Raise(single::Raise),
    /// Ask whether an event that an agent heard of by itself is its to handle
    Claim(single::Claim),
    /// Tasks that go from agent to agent: list, show, give
    Handoffs {
        #[command(subcommand)]
        command: Option<handoffs::Command>,
    },
    /// Independent pieces of work at once: list, show, start
    FanOuts {
        #[command(subcommand)]
        command: Option<fan_outs::Command>,
    },
    /// Bounded-time locks: list, acquire, renew, release, transfer
    Leases {
        #[command(subcommand)]
        command: Option<leases::Command>,
    },
    /// Where agents publish: list, publish
    Outputs {
        #[command(subcommand)]
        command: Option<outputs::Command>,
    },
    /// Tell what an agent found out
    Conclude(single::Conclude),
    /// What a team did in some days, as Markdown: decisions, refusals, contested fields, changes of the map
    Report(report::Command),
    /// Who acts here: liveness, owner, zone, what was stopped, gates
    Agents(agents::Command),
    /// How far each agent and the team are; with --with, whether more agents may join
    Readiness(readiness::Command),
    /// Weeks of a team in seconds: its agents and people under a simulated clock, and what becomes of it
    Rehearse(rehearse::Command),
    /// The ownership map: check a file, show the map in force, plan and apply a new one, record a review
    #[command(subcommand)]
    Map(map::Command),
    /// Step in: freeze, pause, set, revert, unlock; each with a reason
    #[command(subcommand)]
    Override(overrides::Command),
    /// Who may come in: invite people, create, list and revoke tokens
    #[command(subcommand)]
    Tokens(tokens::Command),
    /// The SSH keys that people sign decisions with: list, add, confirm, revoke
    Keys {
        #[command(subcommand)]
        command: Option<keys::Command>,
    },
    /// Make your own token from an invitation, and keep it
    Join(join::Join),
    /// The teams on one server: list, create
    Workspaces {
        #[command(subcommand)]
        command: Option<workspaces::Command>,
    },
    /// The tools of Deeds for an agent that speaks MCP, on standard input and output
    Mcp(mcp::Command),
    /// Enter Deeds into the settings of the coding agents here: its tools, gateways and guards; and take it back
    Connect(connect::Command),
    /// Guards for coding agents: whether a change to a file is in the agent's zone
    #[command(subcommand)]
    Hook(hook::Command),
    /// An MCP server behind the map: each call of its tools is decided first
    Gateway(gateway::Command),
    /// Take in another system's history
    #[command(subcommand)]
    Import(import::Command),
    /// Verify the ledger's hash chain, from the database or from an export
    Verify(verify::Command),
    /// Where the ledger ends, signed, for others to keep; the keys that sign
    Checkpoint(checkpoint::Command),
    /// Copy every ledger into one file, also while a server runs
    Backup(backup::Command),
    /// Bring a backup into an empty data directory, and verify it
    Restore(backup::RestoreCommand),
    /// Where the ledger does not hold what was seen in it: accept the loss, confirm the history
    #[command(subcommand)]
    Ledger(ledger::Command),
    /// What is wrong here, and the mend
    Doctor(doctor::Command),
    /// Print the manual pages
    Man(man::Command),
    /// Print one frame of the console as text
    Screen(console::ScreenCommand),
    /// Print shell completions
    #[command(
        after_help = "Examples:\n  deeds completions bash > ~/.local/share/bash-completion/completions/deeds\n  deeds completions zsh > \"${fpath[1]}/_deeds\"\n  deeds completions fish > ~/.config/fish/completions/deeds.fish"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

impl Arguments {
    /// What the console is told: before the command, and after it where the command opens one.
    pub(crate) fn console_flags(&self) -> ConsoleFlags {
        match &self.command {
            Some(Command::Demo(demo)) => demo.console.over(&self.console),
            Some(_) | None => self.console.clone(),
        }
    }
}
