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
    after_help = "Examples:\n  deeds map init                 writes map.toml, and map.test.toml with cases to try it with\n  deeds map init team.toml\n\nA file that is there already is left as it is, and so is a workspace that has a map of its own."
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
        let tests = arguments.file.with_extension("test.toml");
        if tests.exists() {
            let shown = tests.display();
            return Err(Usage::error(format!("{shown}: there is such a file already; name a new one")));
        }
        write_new(&arguments.file, &first(&me.workspace, person))?;
        let name = arguments.file.file_name().unwrap_or_default().to_string_lossy();
        write_new(&tests, &first_tests(&name, person))?;
        let shown = output::visible(&arguments.file.display().to_string());
        let tests = output::visible(&tests.display().to_string());
        out.fact(
            "written",
            &format!("{shown}, and {tests} with what it must say: `deeds map test {tests}`"),
        )?;
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

/// The cases beside it.
fn first_tests(map: &str, person: &PersonId) -> String {
    let map = toml::Value::from(map);
    format!(
        r#"# What the map beside this file must say. `deeds map test` plays it, in memory and in no time; `deeds map test --words`
# names everything that a step can do and expect.

map = {map}

[[case]]
name = "while it observes everything passes, and what would have been stopped is told"
steps = [
    {{ by = "agent:scout", write = "notes/first", set = {{ text = "hello" }}, expect = "committed", verdict = "escalated" }},
]

[[case]]
name = "what an agent can't decide waits for {person}, and for a day at most"
steps = [
    {{ by = "agent:scout", escalate = "what now?", why = "nobody said", opens = {{ queue = "inbox", due = "24h" }} }},
    {{ at = "+25h", deeds = ["item.overdue"] }},
    {{ by = "{person}", answer = "handle", why = "go on", tells = ["scout"], items = 0 }},
]
"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearse::Suite;

    #[test]
    fn the_first_tests_pass_on_the_first_map() {
        let map = first(&"northwind".parse().unwrap(), &"dana".parse().unwrap());
        let text = first_tests("map.toml", &"dana".parse().unwrap());
        let suite = Suite::read(&text, &|_| Ok(map.clone())).unwrap_or_else(|faults| panic!("{faults:#?}"));
        for case in suite.play().cases {
            assert!(case.failure.is_none(), "{case:#?}");
        }
    }
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
