//! A CODEOWNERS file, as GitHub or GitLab reads it, turned into an ownership map of a repository's files.
//!
//! The last line that matches a path says who owns it, on GitLab in each section; a map gives each agent a zone, `writes` less `except`,
//! and no two zones meet. `rule` reads one line, `zones` turns the order of the lines into exceptions. Sources:
//! <https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners>
//! and <https://git-scm.com/docs/gitignore#_pattern_format>; for GitLab
//! <https://docs.gitlab.com/user/project/codeowners/reference/>.
//!
//! What holds of the result: where the line that decides a path has no [`Remark`], the path's owner on the map is that
//! line's owner; where it has one, the path is that owner's or nobody's. It is never anybody else's.

mod rule;
mod section;
#[cfg(test)]
mod tests;
mod zones;

use std::collections::BTreeMap;

use serde::Serialize;

use section::Section;

use super::model::{Agent, Model, Queue};
use crate::domain::ids::{AgentId, PersonId, WorkspaceId};
use crate::domain::path::EntityPath;

/// GitHub loads no CODEOWNERS file of this size or more, in bytes.
pub const MAX_CODEOWNERS_BYTES: usize = 3 << 20;
/// Where a repository's files are on the map unless something else is said.
pub const DEFAULT_PREFIX: &str = "files";
/// How many lines an agent's role names.
const LINES_NAMED: usize = 8;

/// Whose reading of the file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
#[value(rename_all = "lowercase")]
pub enum Dialect {
    /// One list; a name without a slash is anywhere, and a directory is all that is in it.
    GitHub,
    /// Sections; every path that does not begin with `/` is anywhere, and a directory ends in `/`.
    GitLab,
}

impl Dialect {
    /// Whose folder it is: only its own house looks for the file there.
    pub fn of_folder(name: &str) -> Option<Self> {
        match name {
            ".github" => Some(Self::GitHub),
            ".gitlab" => Some(Self::GitLab),
            _ => None,
        }
    }

    /// GitLab's where there is a heading, which GitHub has none of.
    pub fn of(text: &str) -> Self {
        let has_heading = rule::lines(text).any(|(_, line)| Section::heading(line).is_some());
        if has_heading { Self::GitLab } else { Self::GitHub }
    }
}

/// What the file does not say and a map needs.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Whose reading it is; as `Dialect::of` finds where nothing is said.
    pub dialect: Option<Dialect>,
    /// Whose map it becomes.
    pub workspace: WorkspaceId,
    /// Where the repository's files are on the map.
    pub prefix: EntityPath,
    /// The person accountable for the agents, the map and the queue.
    pub owner: PersonId,
}

/// What became of the file.
#[derive(Clone, Debug, Serialize)]
pub struct Imported {
    /// The map.
    pub model: Model,
    /// Which agent stands for which owner, by the agent's id.
    pub agents: BTreeMap<String, String>,
    /// The lines that could not be said whole, in the order of the file.
    pub remarks: Vec<Remark>,
}

/// One line that the map does not say, or not as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remark {
    /// The line's number, from 1.
    pub line: usize,
    /// The line, without what is around it.
    pub text: String,
    /// What kind of thing it is.
    pub kind: RemarkKind,
    /// Why, and what the map says instead.
    pub reason: String,
}

/// Why a line is not on the map as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemarkKind {
    /// GitHub or GitLab skips the line, and so does the map.
    Invalid,
    /// No path that could be on a map matches.
    NoPath,
    /// The pattern can't be written in a map: what it may match is taken out of every zone.
    Inexact,
    /// No owner of the line can be an agent's id: what it matches is taken out of every zone.
    NoAgent,
    /// Several owners, of whom the first has the zone.
    SeveralOwners,
    /// What later lines leave of it would take too long to find out: it is taken out.
    Open,
}

impl RemarkKind {
    /// In a word or two.
    pub fn words(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NoPath => "matches nothing",
            Self::Inexact => "can't be said",
            Self::NoAgent => "no agent",
            Self::SeveralOwners => "several owners",
            Self::Open => "not decided",
        }
    }
}

/// Reads a CODEOWNERS file into a map.
pub fn import(text: &str, frame: &Frame) -> Imported {
    let (rules, mut remarks) =
        rule::read(text, &frame.prefix, frame.dialect.unwrap_or_else(|| Dialect::of(text)));
    let (zones, open) = zones::zones(&rules);
    remarks.extend(open);
    remarks.sort_by_key(|remark| remark.line);
    let mut agents = BTreeMap::new();
    let mut model = Model::empty(frame.workspace.clone());
    for zone in zones {
        let id = beside(zone.agent, &frame.owner);
        agents.insert(id.to_string(), zone.owner.clone());
        let mut agent = Agent::new(id, frame.owner.clone());
        agent.role = role(&zone.owner, &zone.lines);
        (agent.writes, agent.except, agent.except_of) = (zone.writes, zone.except, zone.except_of);
        model.agents.push(agent);
    }
    if !model.agents.is_empty() {
        model.governance_owner = Some(frame.owner.clone());
    }
    if let Ok(name) = super::model::DEFAULT_QUEUE.parse() {
        let mut queue = Queue::new(name, frame.owner.clone());
        if model.agents.len() > 1 {
            queue.priority = model.agents.iter().map(|agent| agent.id.clone()).collect();
        }
        model.queues.push(queue);
    }
    Imported { model, agents, remarks }
}

/// Nobody answers for a queue and is an agent too: the agent of whoever is accountable here has a name of its own.
fn beside(agent: AgentId, person: &PersonId) -> AgentId {
    if agent.as_str() != person.as_str() {
        return agent;
    }
    format!("{agent}/agent").parse().unwrap_or(agent)
}

fn role(owner: &str, lines: &[usize]) -> String {
    let named: Vec<String> = lines.iter().take(LINES_NAMED).map(ToString::to_string).collect();
    let more = if lines.len() > LINES_NAMED { ", …" } else { "" };
    let s = if lines.len() == 1 { "" } else { "s" };
    format!("Code owner {owner} (line{s} {}{more})", named.join(", "))
}

impl Imported {
    /// The map as a file; its first lines say where it came from, who stands for whom and what it does not say.
    pub fn to_toml(&self, source: &str) -> String {
        let mut text =
            format!("# From {}: the last line that matches a path says whose it is.\n", plain(source));
        text.push_str(
            "# An owner becomes an agent: @user is user, @org/team is org/team, an address is itself.\n",
        );
        for agent in
            self.model.agents.iter().filter(|agent| agent.id.as_str() == format!("{}/agent", agent.owner))
        {
            let owner = &agent.owner;
            text.extend([
                "# ",
                owner.as_str(),
                " is a person here, so that the agent of that name is ",
                agent.id.as_str(),
                ".\n",
            ]);
        }
        if self.remarks.is_empty() {
            text.push_str("# Every line is said whole.\n");
        } else {
            text.push_str("#\n# Not said, or not as a whole:\n");
            for Remark { line, text: said, kind, reason } in &self.remarks {
                let row = format!("line {line}: {said}\n  {}: {reason}", kind.words());
                for row in row.lines() {
                    text.extend(["#   ", &plain(row), "\n"]);
                }
            }
        }
        text.push('\n');
        text.push_str(&self.model.to_toml());
        text
    }
}

/// A text that may stand in a comment.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
