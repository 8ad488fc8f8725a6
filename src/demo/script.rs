//! From a step of the story to a command: variables filled in, versions named as a careful agent names them.

use std::{collections::BTreeMap, sync::Arc};

use crate::domain::{
    command::{Act, Command, Escalate, Expected, Write, WriteKind},
    ids::{AgentId, Seq, Version},
    path::{EntityPath, FieldName, FieldPath},
    query::EntityView,
    value::Value,
};

use super::story::{Step, Vars, Verb};

/// What the agents of a scene know: the versions that each has seen, and the deeds that each has done in it.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    versions: BTreeMap<(AgentId, FieldPath), Version>,
    deeds: BTreeMap<AgentId, Vec<Seq>>,
}

/// How many of its last deeds an agent shows as evidence.
const EVIDENCE: usize = 4;

impl Notes {
    /// Takes in what an agent has read. A record that is not there has version 0 throughout.
    pub(super) fn take_in(&mut self, agent: &AgentId, entity: &EntityPath, view: Option<&EntityView>) {
        self.forget(agent, entity);
        let whole = view.map_or(Version(0), |view| view.version);
        self.versions.insert((agent.clone(), FieldPath::whole(entity.clone())), whole);
        for (name, field) in
            view.into_iter().flat_map(|view| &view.fields).filter(|(name, _)| !name.is_whole())
        {
            self.versions.insert((agent.clone(), entity.field(name.clone())), field.version);
        }
    }

    /// Whether the agent has looked at the record in this scene.
    pub(super) fn knows(&self, agent: &AgentId, entity: &EntityPath) -> bool {
        self.versions.contains_key(&(agent.clone(), FieldPath::whole(entity.clone())))
    }

    /// What an agent has just changed it looks at again before it relies on it.
    pub(super) fn forget(&mut self, agent: &AgentId, entity: &EntityPath) {
        self.versions.retain(|(who, path), _| who != agent || path.entity != *entity);
    }

    /// Keeps the deed that an agent did.
    pub(super) fn did(&mut self, agent: &AgentId, deed: Seq) {
        self.deeds.entry(agent.clone()).or_default().push(deed);
    }

    fn version(&self, agent: &AgentId, path: FieldPath) -> Version {
        self.versions.get(&(agent.clone(), path)).copied().unwrap_or_default()
    }

    fn last(&self, agent: &AgentId) -> Option<Seq> {
        self.deeds.get(agent).and_then(|deeds| deeds.last()).copied()
    }

    fn evidence(&self) -> Vec<Seq> {
        let mut deeds: Vec<Seq> = self.deeds.values().flatten().copied().collect();
        deeds.sort_unstable();
        deeds.split_off(deeds.len().saturating_sub(EVIDENCE))
    }
}

/// A step with its variables filled in and its texts read.
#[derive(Debug, Clone)]
pub(super) enum Script {
    /// Look at a record.
    Read(EntityPath),
    /// Ask for something.
    Ask(Draft),
}

/// A command before its versions are named.
#[derive(Debug, Clone)]
pub(super) enum Draft {
    /// A write, what it is based on, and whether its own versions are those remembered.
    Write(Write, Vec<FieldPath>, bool),
    /// An act with what it is based on, and how many seconds it takes.
    Act(Act, Vec<FieldPath>, f64),
    /// An escalation.
    Escalate(Escalate),
}

/// Fills in a step.
///
/// # Errors
/// Where a text is no path or a value no value: a defect of the story, with the place.
pub(super) fn script(step: &Step, vars: &Vars) -> Result<Script, String> {
    let path = |text: &str| {
        let text = vars.fill(text);
        text.parse::<EntityPath>().map_err(|error| format!("{text:?}: {error}"))
    };
    let reason: Option<Arc<str>> = step.why.as_deref().map(|why| Arc::from(vars.fill(why)));
    Ok(match &step.verb {
        Verb::Read(entity) => Script::Read(path(entity)?),
        Verb::Write { entity, kind, set, based_on, from_memory } => {
            let write = Write {
                entity: path(entity)?,
                kind: *kind,
                changes: changes(set, vars)?,
                expected: None,
                depends_on: BTreeMap::new(),
                lease: None,
                reason,
                cause: None,
            };
            Script::Ask(Draft::Write(write, fields(based_on, vars)?, *from_memory))
        }
        Verb::Act { target, subject, action, based_on, takes } => {
            let act = Act {
                target: Arc::from(vars.fill(target)),
                subject: path(subject)?,
                action: Arc::from(vars.fill(action)),
                depends_on: BTreeMap::new(),
                wait: false,
                reason,
                cause: None,
            };
            Script::Ask(Draft::Act(act, fields(based_on, vars)?, *takes))
        }
        Verb::Escalate { subject, input } => {
            let escalate = Escalate {
                input: Value::new(&vars.fill_json(input)).map_err(|error| error.to_string())?,
                subject: subject.as_deref().map(path).transpose()?,
                why: reason.unwrap_or_else(|| Arc::from("not said")),
                evidence: Vec::new(),
            };
            Script::Ask(Draft::Escalate(escalate))
        }
    })
}

fn changes(
    set: &BTreeMap<String, serde_json::Value>,
    vars: &Vars,
) -> Result<BTreeMap<FieldName, Value>, String> {
    set.iter()
        .map(|(name, value)| {
            let field = vars.fill(name).parse::<FieldName>().map_err(|error| error.to_string())?;
            let value = Value::new(&vars.fill_json(value)).map_err(|error| error.to_string())?;
            Ok((field, value))
        })
        .collect()
}

fn fields(texts: &[String], vars: &Vars) -> Result<Vec<FieldPath>, String> {
    texts
        .iter()
        .map(|text| {
            let text = vars.fill(text);
            text.parse().map_err(|error| format!("{text:?}: {error}"))
        })
        .collect()
}

impl Draft {
    /// The command with the versions that the agent has seen, and the deed that led to it.
    pub(super) fn command(&self, agent: &AgentId, from: &AgentId, notes: &Notes) -> Command {
        let depends = |paths: &[FieldPath]| -> BTreeMap<FieldPath, Version> {
            paths.iter().map(|path| (path.clone(), notes.version(agent, path.clone()))).collect()
        };
        let cause = notes.last(from);
        match self {
            Self::Write(write, based_on, _) => {
                let version = |name: &FieldName| notes.version(agent, write.entity.field(name.clone()));
                let expected = match write.kind {
                    WriteKind::Create => None,
                    WriteKind::Update => Some(Expected::Fields(
                        write.changes.keys().map(|name| (name.clone(), version(name))).collect(),
                    )),
                    WriteKind::Archive | WriteKind::Delete => {
                        Some(Expected::Entity(version(&FieldName::whole())))
                    }
                };
                Command::Write(Write { expected, depends_on: depends(based_on), cause, ..write.clone() })
            }
            Self::Act(act, based_on, _) => {
                Command::Act(Act { depends_on: depends(based_on), cause, ..act.clone() })
            }
            Self::Escalate(escalate) => {
                Command::Escalate(Escalate { evidence: notes.evidence(), ..escalate.clone() })
            }
        }
    }

    /// The records to look at before asking: what it writes, and what it is based on and has not seen in this scene.
    /// Who asks again looks at all of them again.
    pub(super) fn look(&self, agent: &AgentId, notes: &Notes, again: bool) -> Vec<EntityPath> {
        let (own, based_on) = match self {
            Self::Write(write, based_on, from_memory) => {
                ((!from_memory).then_some(&write.entity), based_on.as_slice())
            }
            Self::Act(_, based_on, _) => (None, based_on.as_slice()),
            Self::Escalate(_) => (None, &[][..]),
        };
        let unseen =
            based_on.iter().map(|path| &path.entity).filter(|entity| again || !notes.knows(agent, entity));
        let mut look: Vec<EntityPath> = own.into_iter().chain(unseen).cloned().collect();
        look.sort_unstable();
        look.dedup();
        look
    }
}
