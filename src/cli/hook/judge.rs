//! Whether a use of a tool goes ahead: what it reaches, held against the map, against what was refused before in the same
//! conversation, and against what its agent last saw of a file. Of several verdicts the one that restricts most counts.

use std::path::Path;

use super::known::Known;
use super::memory::Memory;
use super::no_agent;
use super::targets::{self, Reach, Reached, Unsure, Used};
use super::zones::Verdict;
use crate::cli::connect::SERVER;
use crate::cli::datadir::DataDir;
use crate::domain::arguments::Arguments;
use crate::domain::command::GuardNote;
use crate::domain::ids::AgentId;
use crate::domain::map::{Map, Unmapped};
use crate::domain::path::{EntityPath, FieldName, Pattern};
use crate::domain::rule::tool::{self, Meaning};
use crate::hook::{Answer, Call, Dialect, When, Wish};
use crate::mcp;

/// Who asks, and where what an answer needs is found.
pub(super) struct Asked<'a> {
    /// The agent, where it is named.
    pub(super) agent: Option<AgentId>,
    /// Where the repository's files are on the map.
    pub(super) prefix: &'a EntityPath,
    /// The directory in which the agent was started, where that is told.
    pub(super) project: Option<&'a Path>,
    /// What `~` is.
    pub(super) home: Option<&'a Path>,
    /// Whose guards remember what was seen and refused; nothing is remembered where there is none.
    pub(super) memory: Option<&'a DataDir>,
    /// Finds the map to go by; why there is none, as a clause.
    pub(super) map: &'a dyn Fn() -> Result<Known, String>,
}

/// What a use of a tool comes to.
#[derive(Default)]
pub(super) struct Decided {
    /// What its host is told, if anything.
    pub(super) answer: Option<Answer>,
    /// What the server is to record, where one can be told.
    pub(super) note: Option<GuardNote>,
}

/// What it comes to; why that can't be said, as a clause.
pub(super) fn decide(asked: &Asked<'_>, dialect: &Dialect, call: &Call) -> Result<Decided, String> {
    let reached = targets::of(asked, dialect, call)?;
    let main = asked.agent.clone();
    let remember = |memory: Memory| match call.when {
        When::Before => memory.before(&reached),
        When::After => memory.after(&reached),
    };
    // What a program of the agent's own changes is nobody else's doing.
    if reached.is_nothing() || call.when == When::After {
        if let (Some(main), Some(dir)) = (&main, asked.memory) {
            remember(Memory::of(dir, (main, main), call));
        }
        return Ok(Decided::default());
    }
    let main = main.ok_or_else(no_agent)?;
    let known = (asked.map)()?;
    let agent = acting(&known.map, &main, call.subagent.as_deref());
    let memory = asked.memory.map(|dir| Memory::of(dir, (&main, &agent), call));
    let judge = Judge { known: &known, agent: &agent, memory: memory.as_ref() };
    let verdict = judge.verdict(&reached);
    let is_told = matches!(verdict, Verdict::Refused(_) | Verdict::Observed(_));
    let note = is_told.then(|| known.note(dialect.name, &agent, reached.named())).flatten();
    if let Some(memory) = &memory {
        match &verdict {
            Verdict::Refused(why) => memory.refused(judge.refused(&reached), why),
            Verdict::Own(_) | Verdict::Open | Verdict::Unsure(_) | Verdict::Observed(_) => {
                memory.before(&reached);
            }
        }
    }
    let answer = match verdict {
        Verdict::Refused(why) => Some(Answer::Deny(why)),
        Verdict::Unsure(why) => Some(Answer::Ask(why)),
        Verdict::Observed(why) => Some(Answer::Tell(why)),
        // That the map may not be the one in force is worth a word.
        Verdict::Own(why) if known.offline => Some(Answer::Tell(why)),
        Verdict::Own(_) | Verdict::Open => None,
    };
    Ok(Decided { answer, note })
}

/// Who acts: a subagent that the map names, as `<agent>/<its kind>` or by its kind alone, and else the agent that it works for.
fn acting(map: &Map, main: &AgentId, subagent: Option<&str>) -> AgentId {
    let names = subagent.map(|kind| [format!("{main}/{kind}"), kind.to_owned()]);
    let named = names.iter().flatten().filter_map(|name| AgentId::new(name).ok());
    named.into_iter().find(|name| map.agent(name).is_some()).unwrap_or_else(|| main.clone())
}

/// One agent before one map.
struct Judge<'a> {
    known: &'a Known,
    agent: &'a AgentId,
    memory: Option<&'a Memory>,
}

impl Judge<'_> {
    fn verdict(&self, reached: &Reached) -> Verdict {
        let entities = reached.entities.iter().map(|reach| self.of(reach));
        let searches = reached.searches.iter().map(|within| self.known.verdict_within(self.agent, within));
        let tools = reached.tools.iter().map(|used| self.tool(used));
        let unsure =
            reached.unsure.iter().filter(|unsure| unsure.wish == Wish::Change || self.keeps_secrets());
        let unsure = unsure.map(|unsure| self.unsure(unsure));
        entities
            .chain(searches)
            .chain(tools)
            .chain(unsure)
            .max_by_key(Verdict::weight)
            .unwrap_or(Verdict::Open)
    }

    fn of(&self, reach: &Reach) -> Verdict {
        let verdict = self.known.verdict(self.agent, &reach.entity, reach.wish);
        let is_own = matches!(verdict, Verdict::Own(_));
        match self.memory.filter(|_| is_own).and_then(|memory| memory.stale(reach)) {
            Some(stale) => self.known.restricted(stale),
            None => verdict,
        }
    }

    /// What the map itself refuses to change: of what is stale it is enough to read it again.
    fn refused<'r>(&'r self, reached: &'r Reached) -> impl Iterator<Item = &'r Reach> {
        let verdict = |reach: &Reach| self.known.verdict(self.agent, &reach.entity, reach.wish);
        let changes = reached.entities.iter().filter(|reach| reach.wish == Wish::Change);
        changes.filter(move |reach| matches!(verdict(reach), Verdict::Refused(_)))
    }

    /// Whether something is hidden from the agent, so that looks matter.
    fn keeps_secrets(&self) -> bool {
        "**#".parse().is_ok_and(|all: Pattern| self.known.map.hidden_within(self.agent, &all).is_some())
    }

    /// What can't be told is a question; where its text names what was refused before, it is the same no.
    fn unsure(&self, unsure: &Unsure) -> Verdict {
        match self.memory.and_then(|memory| memory.refused_before(&unsure.text)) {
            Some(why) => self.known.restricted(why),
            None => self.known.asked(&format!("{}. Ask for it with a tool that names its files", unsure.why)),
        }
    }

    /// A tool of an MCP server by its row of the map, and without one by the files that it seems to name.
    fn tool(&self, used: &Used) -> Verdict {
        // Our own are decided where they are called.
        if used.server == SERVER && mcp::TOOLS.iter().any(|tool| tool.name == used.tool) {
            return Verdict::Open;
        }
        let whole = FieldName::whole();
        let of = |entity: &EntityPath, field: &FieldName, wish| {
            self.known.verdict_of(self.agent, (entity, field), wish)
        };
        match self.meaning(used) {
            Err(why) => self.known.asked(&why),
            Ok(Meaning::Nothing) => Verdict::Open,
            Ok(Meaning::Read(entity)) => of(&entity, &whole, Wish::Look),
            Ok(Meaning::Write { entity, changes, whole: all }) => {
                let fields = changes.keys().filter(|_| !all).chain(all.then_some(&whole));
                let verdicts = fields.map(|field| of(&entity, field, Wish::Change));
                verdicts.max_by_key(Verdict::weight).unwrap_or(Verdict::Open)
            }
            Ok(Meaning::Act { target, .. }) => match (self.known.map.output(&target), target.parse()) {
                (None, Ok(entity)) => of(&entity, &whole, Wish::Change),
                (Some(_), _) | (None, Err(_)) => self.known.output(self.agent, &target),
            },
            Ok(Meaning::Publish { output, .. }) => self.known.output(self.agent, &output),
            Ok(Meaning::Unmapped(unmapped)) => self.unmapped(used, unmapped),
        }
    }

    fn meaning(&self, used: &Used) -> Result<Meaning, String> {
        let arguments = Arguments::parse(&used.arguments.to_string()).map_err(|error| error.to_string())?;
        let (named, top) = ((used.server.as_str(), used.tool.as_str()), used.top.to_str());
        tool::meaning(self.known.map.model(), named, &arguments, top)
            .map_err(|why| format!("what {} of {} is about can't be told: {why}", used.tool, used.server))
    }

    /// The map names some tools of the server and not this one, or none: then what it seems to be about says the rest.
    fn unmapped(&self, used: &Used, unmapped: Unmapped) -> Verdict {
        let unnamed = format!(
            "{} of {} is a tool that the map does not name (a `[[tool]]` row says what it does)",
            used.tool, used.server
        );
        let foreign = used.files.iter().find_map(|reach| match self.of(reach) {
            Verdict::Refused(why) | Verdict::Observed(why) => Some(why),
            Verdict::Own(_) | Verdict::Open | Verdict::Unsure(_) => None,
        });
        let is_guarded = self.known.map.model().tools.iter().any(|row| row.server == used.server);
        let before = self.memory.and_then(|memory| memory.refused_before(&used.arguments.to_string()));
        match (before, foreign, unmapped) {
            (Some(why), _, _) => self.known.restricted(why),
            (None, _, Unmapped::Deny) if is_guarded => self.known.restricted(format!(
                "{unnamed}, and what it does not name it denies (by {})",
                self.known.from
            )),
            (None, Some(why), _) => {
                self.known.asked(&format!("{unnamed}, and it seems to be about a file: {why}"))
            }
            (None, None, Unmapped::Ask) if is_guarded => self.known.asked(&unnamed),
            (None, None, Unmapped::Ask | Unmapped::Deny | Unmapped::Record) => Verdict::Open,
        }
    }
}
