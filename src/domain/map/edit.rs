//! Changes to a map that answers make: a grant more, a grant less, a grant moved from one agent to another.
//!
//! `grant`, `revoke` and `transfer` ask first and say why not; `add_grant`, `remove_grant` and `move_grant` only do it,
//! for deeds that say it happened. Whether the person who asks may do it is decided elsewhere.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::authority::scratch;
use super::lint::{self, GOVERNED_FROM};
use super::model::{Agent, Model, text_matches};
use super::overlaps::shared_fields;
use super::tool::{ToolRow, pieces};
use crate::domain::ids::{AgentId, PersonId};
use crate::domain::path::{Meeting, Pattern, covers, example_outside, overlap};

/// From this many agents on a deed that names nobody made its newcomer's owner accountable for the map too. Such deeds
/// are of a time when no smaller map asked for that; those since then say it themselves.
const GOVERNED_UNSAID: usize = 4;

/// What an agent's zone can grow by.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", content = "value", rename_all = "lowercase")]
pub enum Grant {
    /// Fields that it writes.
    Write(Pattern),
    /// An event that it owns.
    Trigger(String),
    /// A destination that it publishes to.
    Output(String),
    /// What a tool means, for every agent.
    Tool(Box<ToolRow>),
}

impl fmt::Display for Grant {
    /// As a line of a difference shows it: `writes crm/contact/*#score`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Write(pattern) => write!(f, "writes {pattern}"),
            Self::Trigger(event) => write!(f, "triggers {event}"),
            Self::Output(output) => write!(f, "outputs {output}"),
            Self::Tool(row) => write!(f, "tool {}", serde_json::to_string(row).unwrap_or_default()),
        }
    }
}

/// Why a map must not be changed so: the reason and the mend.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Another agent owns it, or a part of it.
    #[error(
        "`{example}` is in the zone of {owner} already, so that `{grant}` can't be granted; transfer it from {owner}, or grant less"
    )]
    Owned {
        /// Who owns it.
        owner: AgentId,
        /// What was to be granted.
        grant: Grant,
        /// A path, event or output that both would own.
        example: String,
    },
    /// Whether another agent owns a part of it would take too long to find out.
    #[error(
        "not decided here: whether a part of `{grant}` is in the zone of {owner} already; grant less, or a pattern with fewer `**` and stars"
    )]
    Undecided {
        /// Who may own a part of it.
        owner: AgentId,
        /// What was to be granted.
        grant: Grant,
    },
    /// The agent doesn't have it, or not all of it.
    #[error("{agent} does not have `{grant}`{example}; look at its entry in the map for what it has")]
    NotHeld {
        /// Who was to give it up.
        agent: AgentId,
        /// What it was to give up.
        grant: Grant,
        /// A part that it doesn't have, as a clause; may be empty.
        example: String,
    },
    /// The agent's own entry would defeat the grant.
    #[error("`{grant}` would be useless to {agent}: {reason}; change its `{key}` in the map first")]
    Useless {
        /// Who was to have it.
        agent: AgentId,
        /// What was to be granted.
        grant: Grant,
        /// What defeats it.
        reason: &'static str,
        /// The key of the map in which that is said.
        key: &'static str,
    },
    /// Whoever gets it has an exception that leaves a part of it to nobody.
    #[error(
        "a part of `{grant}` is taken out of the zone of {agent}, so that nobody would have it; change its `except` in the map first, or hand over less"
    )]
    LeftToNobody {
        /// Who was to have it.
        agent: AgentId,
        /// What was to be handed over.
        grant: Grant,
    },
    /// Scratch is everybody's own already.
    #[error("`{0}` is in scratch, which is its agent's own without a grant; keep shared work elsewhere")]
    Scratch(Pattern),
    /// There is no such agent.
    #[error("there is no agent {0}; name one of the map, or grant it something first")]
    UnknownAgent(AgentId),
    /// The two are one.
    #[error("{0} can't hand something over to itself; name another agent")]
    SameAgent(AgentId),
    /// The map can't say that of a tool.
    #[error("{0}")]
    Tool(String),
    /// A name that is none.
    #[error("the name of an event or output is empty or has control characters; write a name")]
    BadName,
}

impl EditError {
    /// The present owner, where that is what stands in the way: a transfer would take it from there.
    pub fn owner(&self) -> Option<&AgentId> {
        match self {
            Self::Owned { owner, .. } => Some(owner),
            Self::Undecided { .. }
            | Self::NotHeld { .. }
            | Self::Useless { .. }
            | Self::LeftToNobody { .. }
            | Self::Scratch(_)
            | Self::UnknownAgent(_)
            | Self::SameAgent(_)
            | Self::Tool(_)
            | Self::BadName => None,
        }
    }
}

/// Lets an agent's zone grow. An agent that the map doesn't know gets an entry that `person` answers for. What it has
/// already it may be granted again: see `holds`.
///
/// # Errors
/// When another agent has a part of it, or the grant could never be used.
pub fn grant(model: &Model, agent: &AgentId, grant: &Grant, person: &PersonId) -> Result<Model, EditError> {
    let known = model.agent(agent);
    let newcomer = known.is_none().then_some(person);
    let entry = known.cloned().unwrap_or_else(|| Agent::new(agent.clone(), person.clone()));
    match grant {
        Grant::Write(pattern) => check_write(model, &entry, pattern)?,
        Grant::Trigger(name) => {
            let open = model.routes.iter().any(|route| text_matches(&route.event, name));
            check_name(model, &entry, grant, name, |agent| &agent.triggers, open)?;
        }
        Grant::Output(name) => {
            let mut rules = model.outputs.iter().filter(|output| output.name == *name);
            let open = rules.any(|output| output.order.contains(agent));
            check_name(model, &entry, grant, name, |agent| &agent.outputs, open)?;
        }
        Grant::Tool(row) => check_tool(model, row)?,
    }
    let accountable = governs_then(model, agent, person);
    let mut grown = add_grant(model, agent, grant, newcomer);
    grown.governance_owner = accountable.or(grown.governance_owner);
    Ok(grown)
}

/// Who becomes accountable for the map, where nobody is and `person` makes this agent known to it as one of several.
pub fn governs_then(model: &Model, agent: &AgentId, person: &PersonId) -> Option<PersonId> {
    let team = model.agents.len() + usize::from(model.agent(agent).is_none());
    let asked = model.governance_owner.is_none() && team > model.agents.len() && team >= GOVERNED_FROM;
    asked.then(|| person.clone())
}

/// Has the agent exactly this grant already, so that granting it changes nothing and taking it back would take more
/// than was given?
pub fn holds(model: &Model, agent: &AgentId, grant: &Grant) -> bool {
    model.agent(agent).is_some_and(|entry| match grant {
        Grant::Write(pattern) => {
            entry.writes.contains(pattern)
                && !entry.except.contains(pattern)
                && entry.own_exceptions(pattern).is_empty()
        }
        Grant::Trigger(name) => entry.triggers.contains(name),
        Grant::Output(name) => entry.outputs.contains(name),
        Grant::Tool(row) => model.tools.contains(row),
    })
}

/// Would the grant lift an exception, so that taking it back puts the exception back too?
pub fn lifts(model: &Model, agent: &AgentId, grant: &Grant) -> bool {
    match grant {
        Grant::Write(pattern) => model.agent(agent).is_some_and(|entry| entry.except.contains(pattern)),
        Grant::Trigger(_) | Grant::Output(_) | Grant::Tool(_) => false,
    }
}

/// Puts an exception back that a grant had lifted, without asking.
pub fn except_again(model: &Model, agent: &AgentId, grant: &Grant) -> Model {
    let mut model = model.clone();
    if let Grant::Write(pattern) = grant
        && let Some(entry) = model.agents.iter_mut().find(|entry| entry.id == *agent)
    {
        push_new(&mut entry.except, pattern);
    }
    model
}

/// Takes a grant back, exactly as it was given. The agent's entry stays, with nothing in it perhaps.
///
/// # Errors
/// When the agent is unknown or has no such grant.
pub fn revoke(model: &Model, agent: &AgentId, grant: &Grant) -> Result<Model, EditError> {
    if model.agent(agent).is_none() {
        return Err(EditError::UnknownAgent(agent.clone()));
    }
    let next = remove_grant(model, agent, grant, false);
    if next == *model {
        return Err(EditError::NotHeld {
            agent: agent.clone(),
            grant: grant.clone(),
            example: String::new(),
        });
    }
    Ok(next)
}

/// Moves fields that `from` has from there to `to`.
///
/// # Errors
/// When `from` does not have all of them, `to` is unknown, could not use them or would not have all of them, or a third
/// agent has a part of them.
pub fn transfer(model: &Model, pattern: &Pattern, from: &AgentId, to: &AgentId) -> Result<Model, EditError> {
    if from == to {
        return Err(EditError::SameAgent(from.clone()));
    }
    let giver = model.agent(from).ok_or_else(|| EditError::UnknownAgent(from.clone()))?;
    if model.agent(to).is_none() {
        return Err(EditError::UnknownAgent(to.clone()));
    }
    if !giver.writes_all(pattern, &[]) {
        let outside = example_outside(pattern, &giver.writes);
        let example = outside.path().map(|path| format!(", `{path}` for example")).unwrap_or_default();
        return Err(EditError::NotHeld {
            agent: from.clone(),
            grant: Grant::Write(pattern.clone()),
            example,
        });
    }
    let moved = move_grant(model, pattern, from, to);
    let taker = moved.agent(to).ok_or_else(|| EditError::UnknownAgent(to.clone()))?;
    check_write(&moved, taker, pattern)?;
    if !taker.writes_all(pattern, &[]) {
        return Err(EditError::LeftToNobody { agent: to.clone(), grant: Grant::Write(pattern.clone()) });
    }
    Ok(moved)
}

/// Adds a grant without asking: what a deed says happened. A newcomer joins with this person as its owner, gets its
/// turn in its queue: so the map stays free of errors.
pub fn add_grant(model: &Model, agent: &AgentId, grant: &Grant, newcomer: Option<&PersonId>) -> Model {
    let mut model = model.clone();
    if let Some(person) = newcomer
        && model.agent(agent).is_none()
    {
        model.agents.push(Agent::new(agent.clone(), person.clone()));
        if model.agents.len() >= GOVERNED_UNSAID && model.governance_owner.is_none() {
            model.governance_owner = Some(person.clone());
        }
        queue_up(&mut model, agent);
    }
    if let Grant::Tool(row) = grant {
        push_new(&mut model.tools, row);
    }
    if let Some(entry) = model.agents.iter_mut().find(|entry| entry.id == *agent) {
        match grant {
            Grant::Write(pattern) => {
                // What was taken out of the zone before comes back with the grant.
                entry.except.retain(|except| except != pattern);
                push_new(&mut entry.writes, pattern);
            }
            Grant::Trigger(event) => push_new(&mut entry.triggers, event),
            Grant::Output(output) => push_new(&mut entry.outputs, output),
            Grant::Tool(_) => {}
        }
    }
    model
}

/// Takes a grant back without asking; with `gone` the agent leaves the map too, and its turn in every queue.
pub fn remove_grant(model: &Model, agent: &AgentId, grant: &Grant, gone: bool) -> Model {
    let mut model = model.clone();
    if let Grant::Tool(row) = grant {
        model.tools.retain(|have| *have != **row);
    }
    if gone {
        model.agents.retain(|entry| entry.id != *agent);
        for queue in &mut model.queues {
            queue.priority.retain(|entry| entry != agent);
        }
        return model;
    }
    if let Some(entry) = model.agents.iter_mut().find(|entry| entry.id == *agent) {
        match grant {
            Grant::Write(pattern) => entry.drop_grants(|have| have == pattern),
            Grant::Trigger(event) => entry.triggers.retain(|have| have != event),
            Grant::Output(output) => entry.outputs.retain(|have| have != output),
            Grant::Tool(_) => {}
        }
    }
    model
}

/// Moves a pattern from one zone to another without asking. Moved back, each has what it had.
pub fn move_grant(model: &Model, pattern: &Pattern, from: &AgentId, to: &AgentId) -> Model {
    let mut model = model.clone();
    if let Some(giver) = model.agents.iter_mut().find(|entry| entry.id == *from) {
        giver.drop_grants(|grant| covers(std::slice::from_ref(pattern), &[], grant, &[]));
        if giver.writes.iter().any(|grant| giver.may_write(grant, pattern)) {
            push_new(&mut giver.except, pattern);
        }
    }
    if let Some(taker) = model.agents.iter_mut().find(|entry| entry.id == *to) {
        taker.except.retain(|except| except != pattern);
        // What had only been taken out of a wider grant is covered again by that grant.
        if !taker.writes_all(pattern, &[]) {
            taker.except_of.remove(pattern);
            push_new(&mut taker.writes, pattern);
        }
    }
    model
}

/// May the map say this of a tool?
fn check_tool(model: &Model, row: &ToolRow) -> Result<(), EditError> {
    if model.tools.contains(row) {
        return Ok(());
    }
    if let Some(why) = row.templates().find_map(|(_, text)| pieces(text).err()) {
        return Err(EditError::Tool(why.to_owned()));
    }
    let with = Model {
        tools: model.tools.iter().chain([row]).cloned().collect(),
        ..Model::empty(model.workspace.clone())
    };
    match lint::check_tools(&with) {
        Some(found) => Err(EditError::Tool(found)),
        None => Ok(()),
    }
}

fn push_new<T: PartialEq + Clone>(list: &mut Vec<T>, item: &T) {
    if !list.contains(item) {
        list.push(item.clone());
    }
}

/// May the agent's writes grow by this pattern?
pub(crate) fn check_write(model: &Model, agent: &Agent, pattern: &Pattern) -> Result<(), EditError> {
    let grant = || Grant::Write(pattern.clone());
    let useless =
        |reason, key| Err(EditError::Useless { agent: agent.id.clone(), grant: grant(), reason, key });
    if covers(&[scratch()], &[], pattern, &[]) {
        return Err(EditError::Scratch(pattern.clone()));
    }
    // An exception that is exactly the pattern is lifted by the grant.
    let except: Vec<Pattern> = agent.except.iter().filter(|except| *except != pattern).cloned().collect();
    if covers(&except, &[], pattern, &[]) {
        return useless("all of it is taken out again", "except");
    }
    if !agent.own_exceptions(pattern).is_empty() {
        return useless("it has that already, less exceptions of its own", "except_of");
    }
    if covers(&agent.hidden, &[], pattern, &except) {
        return useless("all of it is hidden from the agent", "hidden");
    }
    let reads_all = agent.reads.iter().any(Pattern::is_everything);
    if !reads_all && agent.reads.iter().all(|read| overlap(read, &[], pattern, &[]).is_apart()) {
        return useless("the agent reads none of it", "reads");
    }
    let mut free = shared_fields(model);
    free.extend(except);
    for other in model.agents.iter().filter(|other| other.id != agent.id) {
        for held in &other.writes {
            let owner = || other.id.clone();
            match overlap(pattern, &free, held, &other.taken_from(held)) {
                Meeting::Apart => {}
                Meeting::At(example) => {
                    let example = example.to_string();
                    return Err(EditError::Owned { owner: owner(), grant: grant(), example });
                }
                Meeting::Undecided => {
                    return Err(EditError::Undecided { owner: owner(), grant: grant() });
                }
            }
        }
    }
    Ok(())
}

/// May the agent's triggers or outputs grow by this name? `open`: the map says how several share it.
fn check_name(
    model: &Model,
    agent: &Agent,
    grant: &Grant,
    name: &str,
    held: impl Fn(&Agent) -> &Vec<String>,
    open: bool,
) -> Result<(), EditError> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err(EditError::BadName);
    }
    let meets = |known: &String| text_matches(known, name) || text_matches(name, known);
    let has = |other: &&Agent| other.id != agent.id && held(other).iter().any(meets);
    match model.agents.iter().find(has) {
        Some(other) if !open => {
            Err(EditError::Owned { owner: other.id.clone(), grant: grant.clone(), example: name.to_owned() })
        }
        Some(_) | None => Ok(()),
    }
}

fn queue_up(model: &mut Model, agent: &AgentId) {
    let Some(first) = model.queues.first().map(|queue| queue.name.clone()) else { return };
    let sharing =
        model.agents.iter().filter(|entry| entry.escalates_to.as_ref().is_none_or(|queue| *queue == first));
    let sharing: Vec<AgentId> = sharing.map(|entry| entry.id.clone()).collect();
    let Some(queue) = model.queues.first_mut() else { return };
    if queue.priority.is_empty() && sharing.len() > 1 {
        queue.priority = sharing;
    } else if !queue.priority.is_empty() {
        push_new(&mut queue.priority, agent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::map::lint::{Finding, check};

    fn model() -> Model {
        let text = r#"
            workspace = "w"
            governance_owner = "dana"
            [[agent]]
            id = "intake"
            owner = "dana"
            writes = ["crm/contact/*#name", "crm/lead/*"]
            except = ["crm/lead/vip-*"]
            hidden = ["hr/**"]
            triggers = ["form.submitted"]
            outputs = ["slack/leads"]
            [[agent]]
            id = "support"
            owner = "sam"
            writes = ["crm/contact/*#status"]
            [[queue]]
            name = "ops"
            owner = "dana"
            review = "daily 09:00"
            priority = ["support", "intake"]
        "#;
        toml::from_str(text).unwrap()
    }

    fn write(pattern: &str) -> Grant {
        Grant::Write(pattern.parse().unwrap())
    }

    fn try_grant(model: &Model, agent: &str, wanted: &Grant) -> Result<Model, EditError> {
        let next = grant(model, &agent.parse().unwrap(), wanted, &"dana".parse().unwrap())?;
        let errors: Vec<Finding> = check(&next).into_iter().filter(Finding::is_error).collect();
        assert!(errors.is_empty(), "{errors:#?}");
        Ok(next)
    }

    fn writes<'m>(model: &'m Model, agent: &str) -> Vec<&'m str> {
        model.agent(&agent.parse().unwrap()).unwrap().writes.iter().map(Pattern::as_str).collect()
    }

    #[test]
    fn a_grant_is_added_and_taken_back() {
        let model = model();
        for wanted in [write("crm/contact/*#score"), Grant::Trigger("x".into()), Grant::Output("x".into())] {
            let next = try_grant(&model, "intake", &wanted).unwrap();
            assert_ne!(next, model);
            assert_eq!(revoke(&next, &"intake".parse().unwrap(), &wanted).unwrap(), model);
        }
    }

    #[test]
    fn granting_again_is_known_to_change_nothing() {
        let (intake, lead) = ("intake".parse().unwrap(), write("crm/lead/*"));
        assert!(holds(&model(), &intake, &lead) && !holds(&model(), &intake, &write("crm/lead/7")));
        assert_eq!(try_grant(&model(), "intake", &lead).unwrap(), model());
        let vip = write("crm/lead/vip-*");
        let next = try_grant(&model(), "intake", &vip).unwrap();
        assert!(
            next.agents[0].except.is_empty()
                && holds(&next, &intake, &vip)
                && !holds(&model(), &intake, &vip)
        );
    }

    #[test]
    fn a_newcomer_that_leaves_leaves_nothing_behind() {
        let (scout, wanted) = ("scout".parse().unwrap(), write("market/*"));
        let next = try_grant(&model(), "scout", &wanted).unwrap();
        assert_eq!(next.queues[0].priority.len(), 3);
        assert_eq!(remove_grant(&next, &scout, &wanted, true), model());
    }

    #[test]
    fn what_must_not_be_granted_is_refused_with_the_reason() {
        let cases = [
            ("support", write("crm/contact/acme"), "`crm/contact/acme#name` is in the zone of intake"),
            ("intake", write("crm/lead/vip-7#x"), "taken out"),
            ("intake", write("hr/1"), "hidden"),
            ("intake", write("scratch/intake/x"), "scratch"),
            ("support", Grant::Trigger("form.submitted".into()), "`form.submitted` is in the zone of intake"),
            ("support", Grant::Output("slack/leads".into()), "`slack/leads` is in the zone of intake"),
            ("intake", Grant::Trigger(" ".into()), "empty"),
        ];
        for (agent, wanted, reason) in cases {
            let error = try_grant(&model(), agent, &wanted).unwrap_err().to_string();
            assert!(error.contains(reason), "{wanted}: {error}");
        }
    }

    #[test]
    fn unknown_agents_join_without_breaking_the_map() {
        let mut model = Model::default_for("w".parse().unwrap(), "dana".parse().unwrap());
        for agent in ["a", "b", "c", "d"] {
            model = try_grant(&model, agent, &write(&format!("files/{agent}"))).unwrap();
        }
        assert_eq!(model.agents.len(), 4);
        assert_eq!(model.governance_owner.unwrap().as_str(), "dana");
        let priority: Vec<&str> = model.queues[0].priority.iter().map(AgentId::as_str).collect();
        assert_eq!(priority, ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_transfer_moves_exactly_the_fields() {
        let (intake, support) = (&"intake".parse().unwrap(), &"support".parse().unwrap());
        let model = model();
        let whole = transfer(&model, &"crm/contact/*#name".parse().unwrap(), intake, support).unwrap();
        assert_eq!(writes(&whole, "intake"), ["crm/lead/*"]);
        assert_eq!(writes(&whole, "support"), ["crm/contact/*#status", "crm/contact/*#name"]);
        let acme: Pattern = "crm/contact/acme#name".parse().unwrap();
        let part = transfer(&model, &acme, intake, support).unwrap();
        assert_eq!(part.agents[0].except.last(), Some(&acme));
        let back = transfer(&part, &acme, support, intake).unwrap();
        assert_eq!(back, model, "handed back, the map is what it was");
        for next in [&whole, &part, &back] {
            assert!(!check(next).iter().any(Finding::is_error));
        }
        let refused =
            |pattern: &str, from, to| transfer(&model, &pattern.parse().unwrap(), from, to).unwrap_err();
        assert!(matches!(refused("pay/*", intake, support), EditError::NotHeld { .. }));
        let partly = refused("crm/contact/*", intake, support).to_string();
        assert!(partly.contains("`crm/contact/b` for example"), "{partly}");
        assert!(matches!(refused("crm/lead/*", intake, intake), EditError::SameAgent(_)));
        assert!(matches!(refused("crm/lead/*", intake, &"x".parse().unwrap()), EditError::UnknownAgent(_)));
    }

    #[test]
    fn a_shared_field_can_be_granted_to_many() {
        let mut model = model();
        let text = "path = \"crm/contact/*#name\"\nkind = \"append\"";
        assert!(try_grant(&model, "support", &write("crm/contact/*#name")).is_err());
        model.fields.push(toml::from_str(text).unwrap());
        assert!(try_grant(&model, "support", &write("crm/contact/*#name")).is_ok());
    }
}
