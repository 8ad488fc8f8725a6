//! `deeds workspaces`: the teams of agents on one server.

use clap::Subcommand;

use super::context::Context;
use super::status::Status;
use super::{output, session};
use crate::domain::ids::WorkspaceId;

/// What is done with workspaces; a list if nothing is said.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Those that you may know of
    List,
    /// Make one, with an empty map that you are admin of
    Create {
        /// Its name: a-z, 0-9 and -
        name: WorkspaceId,
    },
}

/// Runs it.
pub(super) fn run(context: &Context, command: Option<Command>) -> anyhow::Result<Status> {
    let out = context.out;
    session::with_session(context, async |session| match command.unwrap_or(Command::List) {
        Command::List => {
            let list = session.client.workspaces().await?;
            if out.json {
                output::json(&list)?;
                return Ok(Status::Done);
            }
            let row = |one: &crate::api::WorkspaceView| {
                vec![
                    one.workspace.to_string(),
                    one.head.to_string(),
                    one.items.to_string(),
                    one.alerts.to_string(),
                ]
            };
            let rows: Vec<_> = list.workspaces.iter().map(row).collect();
            out.table(&["WORKSPACE", "DEEDS", "INBOX", "CONFLICTS"], &rows)?;
            Ok(Status::Done)
        }
        Command::Create { name } => {
            let file = session.create_workspace(&name).await?;
            if out.json {
                output::json(&serde_json::json!({ "workspace": name, "token_file": file }))?;
            } else {
                output::line(format!("workspace {name} is there; open it with `deeds -w {name}`"))?;
                out.faint(format!("your token for it is in {}", file.display()))?;
            }
            Ok(Status::Done)
        }
    })
}
