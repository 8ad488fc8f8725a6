//! `deeds map init`: a first map for the workspace one is in, which can be applied as it is.

use std::path::PathBuf;

use clap::Args;

use super::write_new;
use crate::cli::context::Context;
use crate::cli::status::{Status, Usage};
use crate::cli::{output, session};
use crate::domain::ids::{PersonId, WorkspaceId};

/// Where it goes.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds map init                 writes map.toml\n  deeds map init team.toml\n\nA file that is there already is left as it is, and so is a workspace that has a map of its own."
)]
pub(crate) struct Arguments {
    /// The new file
    #[arg(default_value = "map.toml")]
    file: PathBuf,
}

/// Asks which workspace it is and who asks, and writes the file.
pub(super) fn run(context: &Context, arguments: &Arguments) -> anyhow::Result<Status> {
    let out = context.out;
    session::with_client(context, async |client| {
        let me = client.whoami().await?;
        let map = client.map(None).await?;
        if !map.model.agents.is_empty() {
            let shown = arguments.file.display();
            return Err(Usage::error(format!(
                "{} has a map with agents already; `deeds map show > {shown}` is the file to go on from",
                me.workspace
            )));
        }
        let Some(person) = me.actor.person() else {
            return Err(Usage::error("a map names the person who answers; come with a person's token"));
        };
        write_new(&arguments.file, &first(&me.workspace, person))?;
        let shown = output::visible(&arguments.file.display().to_string());
        out.fact("written", &shown)?;
        out.fact(
            "then",
            &format!("say who your agents are, then `deeds map check {shown}` and `deeds map apply {shown}`"),
        )?;
        Ok(Status::Done)
    })
}

/// The file: what is needed says something, what comes later is shown as a comment.
fn first(workspace: &WorkspaceId, person: &PersonId) -> String {
    format!(
        r#"# Who writes what in {workspace}, who answers which event, and which person decides what nobody foresaw.
# `deeds map check` says what is wrong with this file, `deeds map apply` puts it in force.

workspace = "{workspace}"
governance_owner = "{person}"          # answers for this map
mode = "observe"                       # nothing is refused yet; "enforce" holds agents to the map

[[queue]]                              # where agents' open questions go
name = "inbox"
owner = "{person}"                     # answers them
sla = "24h"                            # within this time
review = "daily 09:00"                 # and goes through them then

# An agent, with what is its own. Take the signs away and make it yours.
#
# [[agent]]
# id = "intake"
# role = "Qualifies inbound leads"
# owner = "{person}"
# triggers = ["form.submitted"]        # the events that wake it
# writes = ["crm/contact/*#name"]      # the fields that only it writes
# outputs = ["slack/leads"]            # where it publishes
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::map::parse;

    #[test]
    fn the_first_map_has_nothing_wrong_with_it_nor_has_its_example() {
        let text = first(&"northwind".parse().unwrap(), &"dana".parse().unwrap());
        assert_eq!(parse(&text).findings, []);
        let (head, example) = text.split_once("# [[agent]]").unwrap();
        let example = example.lines().map(|line| line.strip_prefix("# ").unwrap_or(line)).collect::<Vec<_>>();
        let whole = format!("{head}[[agent]]{}", example.join("\n"));
        assert_eq!(parse(&whole).findings, [], "{whole}");
        assert_eq!(parse(&whole).model.unwrap().agents.len(), 1);
    }
}
