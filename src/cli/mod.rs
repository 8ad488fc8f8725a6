//! The command line: what people type and what they are shown, and `session`, which attaches to a running server or starts one.
//!
//! `main` reads the arguments, `run` is one match, `status` says which exit status an end has. Rules and requests
//! live behind the client; here is only what people type and what they are shown.

mod agent;
mod agents;
mod alerts;
mod arguments;
mod away;
mod backup;
mod checkpoint;
mod clock;
mod connect;
mod console;
mod context;
mod datadir;
mod deeds;
mod demo;
mod doctor;
mod entity;
mod fan_outs;
mod gateway;
mod handoffs;
mod hook;
mod import;
mod inbox;
mod join;
mod keys;
mod leases;
mod ledger;
mod list;
mod log;
mod man;
mod map;
mod mcp;
mod output;
mod outputs;
mod overrides;
mod program;
mod readiness;
mod rehearse;
mod replace;
mod replay;
mod reply;
mod report;
mod review;
mod serve;
mod session;
mod signals;
mod single;
mod status;
mod then;
mod token;
mod tokens;
mod trace;
mod value;
mod verify;
mod who_owns;
mod work;
mod workspaces;

#[cfg(any(test, fuzzing))]
pub(crate) use backup::any_backup;
#[cfg(any(test, fuzzing))]
pub(crate) use hook::any_call;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory as _, Parser as _};
use context::Context;

use crate::config::Config;
use crate::server::Guard;

pub(crate) use arguments::{Arguments, Command};
pub(crate) use status::Status;

/// The guard that a server on a data directory has.
///
/// # Errors
/// When there is no such directory.
pub fn guard(directory: &Path, config: &Config) -> anyhow::Result<Arc<dyn Guard>> {
    let dir = datadir::DataDir::however(directory, config.engine()?)?;
    Ok(hook::guard(&dir, &config.into()))
}

/// Parses the arguments, runs, and says how it ended.
pub fn main() -> ExitCode {
    // Whatever is written from here on, backups and exports too, is its owner's alone.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help that can't be printed has nowhere to say so.
            error.print().unwrap_or_default();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(status::USED_WRONGLY));
        }
    };
    let guards = matches!(&arguments.command, Some(Command::Hook(command)) if command.guards());
    match run(arguments) {
        Ok(status) => status.into(),
        Err(error) if guards => {
            output::complain(format!("{error:#}"));
            ExitCode::from(status::USED_WRONGLY)
        }
        Err(error) if status::is_broken_pipe(&error) => Status::Done.into(),
        Err(error) => {
            output::complain(format!("{error:#}"));
            ExitCode::from(status::code(&error))
        }
    }
}

/// Runs one command.
///
/// # Errors
/// When it was used wrongly, could not reach what it needs, or failed; `status::code` tells which.
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<Status> {
    let context = Context::new(&arguments.global, &arguments.console_flags())?;
    match arguments.command {
        None => console::run(&context),
        Some(Command::Demo(command)) => demo::run(&context, &command),
        Some(Command::Serve(command)) => serve::run(&context, command),
        Some(Command::Inbox(command)) => inbox::run(&context, command),
        Some(Command::Log(command)) => log::run(&context, &command),
        Some(Command::Trace(command)) => trace::run(&context, &command),
        Some(Command::Entity(command)) => entity::run(&context, &command),
        Some(Command::WhoOwns(command)) => who_owns::run(&context, &command),
        Some(Command::Alerts { command, then }) => alerts::run(&context, command, then),
        Some(Command::Clock(command)) => clock::run(&context, command),
        Some(Command::Write(command)) => agent::write(&context, &command),
        Some(Command::Act(command)) => agent::act(&context, command),
        Some(Command::Publish(command)) => agent::publish(&context, command),
        Some(Command::Escalate(command)) => agent::escalate(&context, command),
        Some(Command::Read(command)) => agent::read(&context, &command),
        Some(Command::Activity(command)) => agent::activity(&context, &command),
        Some(Command::Work(command)) => work::run(&context, command),
        Some(Command::Raise(raise)) => reply::ask(&context, &raise.command()?),
        Some(Command::Claim(claim)) => reply::ask(&context, &claim.command()?),
        Some(Command::Handoffs { command }) => handoffs::run(&context, command),
        Some(Command::FanOuts { command }) => fan_outs::run(&context, command),
        Some(Command::Leases { command }) => leases::run(&context, command),
        Some(Command::Outputs { command }) => outputs::run(&context, command),
        Some(Command::Conclude(conclude)) => reply::ask(&context, &conclude.command()?),
        Some(Command::Away(away)) => reply::ask(&context, &away.command()),
        Some(Command::Back(back)) => reply::ask(&context, &back.command()),
        Some(Command::Review { command }) => review::run(&context, command),
        Some(Command::Report(command)) => report::run(&context, &command),
        Some(Command::Agents(command)) => agents::run(&context, &command),
        Some(Command::Rehearse(command)) => rehearse::run(&context, &command),
        Some(Command::Replay(command)) => replay::run(&context, &command),
        Some(Command::Readiness(command)) => readiness::run(&context, &command),
        Some(Command::Map(command)) => map::run(&context, command),
        Some(Command::Override(command)) => overrides::run(&context, command),
        Some(Command::Ledger(command)) => ledger::run(&context, command),
        Some(Command::Keys { command }) => keys::run(&context, command.unwrap_or(keys::Command::List)),
        Some(Command::Tokens(command)) => tokens::run(&context, command),
        Some(Command::Join(join)) => join::run(&context, &join),
        Some(Command::Workspaces { command }) => workspaces::run(&context, command),
        Some(Command::Mcp(command)) => mcp::run(&context, &command),
        Some(Command::Connect(command)) => connect::run(&context, &arguments.global, &command),
        Some(Command::Hook(command)) => hook::run(&context, &arguments.global, command),
        Some(Command::Gateway(command)) => gateway::run(&context, &command),
        Some(Command::Import(command)) => import::run(&context, &command),
        Some(Command::Checkpoint(command)) => checkpoint::run(&context, &command),
        Some(Command::Verify(command)) => verify::run(&context, &command),
        Some(Command::Backup(command)) => backup::run(&context, &command),
        Some(Command::Restore(command)) => backup::restore(&context, &command),
        Some(Command::Doctor(command)) => doctor::run(&context, &command),
        Some(Command::Man(command)) => man::run(Arguments::command(), &command),
        Some(Command::Screen(command)) => console::screen(&context, &command),
        Some(Command::Completions { shell }) => {
            clap_complete::generate(shell, &mut Arguments::command(), "deeds", &mut std::io::stdout());
            Ok(Status::Done)
        }
    }
}
