//! `deeds workspaces`: the teams of agents on one server.

use clap::Subcommand;

use super::context::Context;
use super::list::{List, of};
use super::status::Status;
use super::{output, session};
use crate::api::{WorkspaceList, WorkspaceView};
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
            let found = session.client.workspaces().await?;
            let told = LIST.print(out, &session.client, &found).await?;
            let mut all_well = true;
            for one in &found.workspaces {
                if let Some(trouble) = one.trouble.as_ref().or(one.unreplicated.as_ref()) {
                    output::complain(format!("{}: {trouble}", one.workspace));
                    all_well = false;
                }
            }
            Ok(if all_well { told } else { Status::No })
        }
        Command::Create { name } => {
            let file = session.create_workspace(&name).await?;
            out.show(&serde_json::json!({ "workspace": name, "token_file": file }), || {
                output::line(format!("workspace {name} is there; open it with `deeds -w {name}`"))?;
                out.faint(format!("your token for it is in {}", file.display()))
            })?;
            Ok(Status::Done)
        }
    })
}

const LIST: List<WorkspaceList, WorkspaceView> = List {
    none: "there is no workspace",
    rows: |found| found.workspaces.iter().collect(),
    columns: &[
        of("WORKSPACE", |one| one.workspace.to_string()),
        of("DEEDS", |one| one.head.to_string()),
        of("INBOX", |one| one.items.to_string()),
        of("CONFLICTS", |one| one.alerts.to_string()),
        of("RECORDS", |one| if one.trouble.is_none() { "yes" } else { "NO" }.to_owned()),
    ],
};
