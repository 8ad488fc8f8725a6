//! AuthZEN 1.0, the Authorization API of the OpenID Foundation: what a gateway asks, as a question of the rules, and what it
//! is told. Keys that nobody here knows are passed over, as it wants them.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::{CallBody, Handled, Problem, ProblemCode, body};
use crate::domain::code::Code;
use crate::domain::command::{Claim, Publish, WriteKind};
use crate::domain::decide::{May, Question};
use crate::domain::ids::{AgentId, PersonId, QueueName};
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// The types of resources, with the actions on each.
const ACTIONS: [(&str, &[&str]); 4] = [
    ("entity", &["read", "write", "create", "archive", "delete"]),
    ("tool", &["call"]),
    ("trigger", &["answer"]),
    ("output", &["publish"]),
];
/// Who forwards a call that is asked for here.
const VIA: &str = "authzen";

/// Where a gateway finds what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessConfiguration {
    /// The server, as the asker found it.
    pub policy_decision_point: String,
    /// Where one question is asked.
    pub access_evaluation_endpoint: String,
    /// Where several are.
    pub access_evaluations_endpoint: String,
}

impl AccessConfiguration {
    /// Of a server that is found at `https://deeds.example`.
    pub fn at(server: String) -> Self {
        Self {
            access_evaluation_endpoint: format!("{server}{}", Handled::AccessEvaluation.path()),
            access_evaluations_endpoint: format!("{server}{}", Handled::AccessEvaluations.path()),
            policy_decision_point: server,
        }
    }
}

/// What is said besides of a subject, a resource, an action, or the moment.
type Said = BTreeMap<String, Box<RawValue>>;

/// Who, or to what.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct AccessThing {
    /// `agent` of a subject; `entity`, `tool`, `trigger` or `output` of a resource.
    pub r#type: Option<Arc<str>>,
    /// The agent; the entity's path, `server/tool`, the event, or the output.
    pub id: Option<Arc<str>>,
    /// Of an entity `field`, and the `value` that it is to have; of a tool `arguments`, `root` and `verified`; of a trigger `attributes` and
    /// `key`; of an output `body` and `thread`; of both `entity`. They may also stand with the action, or in the context.
    #[schemars(with = "Option<Map<String, Json>>")]
    pub properties: Option<Said>,
}

/// What is to be done.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct AccessAction {
    /// `read`, `write`, `create`, `archive` or `delete` an entity; `call` a tool; `answer` a trigger; `publish` on an output.
    pub name: Option<Arc<str>>,
    /// What is said besides.
    #[schemars(with = "Option<Map<String, Json>>")]
    pub properties: Option<Said>,
}

/// May this subject do this to this resource?
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct EvaluationBody {
    /// Who.
    pub subject: Option<AccessThing>,
    /// What.
    pub action: Option<AccessAction>,
    /// To what.
    pub resource: Option<AccessThing>,
    /// What else is known.
    #[schemars(with = "Option<Map<String, Json>>")]
    pub context: Option<Said>,
}

/// Several such questions, at most 256. What one of them lacks is taken from beside them; without any, that itself is the question.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct EvaluationsBody {
    /// Who.
    pub subject: Option<AccessThing>,
    /// What.
    pub action: Option<AccessAction>,
    /// To what.
    pub resource: Option<AccessThing>,
    /// What else is known.
    #[schemars(with = "Option<Map<String, Json>>")]
    pub context: Option<Said>,
    /// The questions.
    #[serde(default)]
    pub evaluations: Vec<EvaluationBody>,
    /// How they are gone through.
    #[serde(default)]
    pub options: EvaluationOptions,
}

/// How questions are gone through.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
pub struct EvaluationOptions {
    /// Which of them are answered.
    #[serde(default)]
    pub evaluations_semantic: Semantic,
}

/// Which questions are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Semantic {
    /// All.
    #[default]
    ExecuteAll,
    /// Up to the first no.
    DenyOnFirstDeny,
    /// Up to the first yes.
    PermitOnFirstPermit,
}

impl Semantic {
    /// Whether nothing is answered after this.
    pub fn ends_with(self, decision: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !decision,
            Self::PermitOnFirstPermit => decision,
        }
    }
}

/// Yes or no.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessDecision {
    /// Whether it may go ahead.
    pub decision: bool,
    /// Why not; or why it may only because the workspace does no more than observe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<AccessReason>,
}

/// What several questions are answered; or the one, where it was only one.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessDecisions {
    /// The answers, in the order of the questions.
    pub evaluations: Option<Vec<AccessDecision>>,
    /// Of one question: whether it may go ahead.
    pub decision: Option<bool>,
    /// Of one question: why not.
    pub context: Option<AccessReason>,
}

/// Why not, whose it is, and what to do.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccessReason {
    /// In words.
    pub reason: String,
    /// What the agent can do now.
    pub next: Option<String>,
    /// The refusal's code.
    pub code: Option<Code>,
    /// The outcome it would have had, where the workspace only observes.
    pub verdict: Option<Outcome>,
    /// The agents whose it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<AgentId>,
    /// The people accountable for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<PersonId>,
    /// The queue where a person decides.
    pub queue: Option<QueueName>,
    /// Until when somebody else goes first.
    pub until: Option<Time>,
    /// Of a broken question among others: the status that it would have had alone.
    pub status: Option<u16>,
}

/// What a question comes to.
#[derive(Debug)]
pub enum Evaluation {
    /// The rules are asked.
    Asked(AgentId, Box<Question>),
    /// Nothing here is like that: the answer is no.
    Unknown(AccessReason),
}

impl From<May> for AccessDecision {
    fn from(may: May) -> Self {
        let context = may.why.map(|why| AccessReason {
            reason: why.reason.to_string(),
            next: Some(why.next.to_string()),
            code: Some(why.code),
            verdict: why.verdict,
            owners: why.owners,
            people: why.people,
            queue: Some(why.queue),
            until: why.until,
            status: None,
        });
        Self { decision: may.allowed, context }
    }
}

impl From<AccessReason> for AccessDecision {
    fn from(reason: AccessReason) -> Self {
        Self { decision: false, context: Some(reason) }
    }
}

impl From<Problem> for AccessDecision {
    fn from(problem: Problem) -> Self {
        let place = problem.place.map(|place| format!("{place}: ")).unwrap_or_default();
        let (reason, next) = (format!("{place}{}", problem.detail), Some(problem.next.into_owned()));
        AccessReason { reason, next, status: Some(problem.status), ..AccessReason::default() }.into()
    }
}

impl From<AccessDecision> for AccessDecisions {
    fn from(one: AccessDecision) -> Self {
        Self { evaluations: None, decision: Some(one.decision), context: one.context }
    }
}

impl EvaluationsBody {
    /// Each with what it lacks.
    ///
    /// # Errors
    /// The one question, where there are no several.
    pub fn questions(self) -> Result<Vec<EvaluationBody>, Box<EvaluationBody>> {
        let Self { subject, action, resource, context, evaluations, .. } = self;
        let beside = EvaluationBody { subject, action, resource, context };
        if evaluations.is_empty() {
            return Err(Box::new(beside));
        }
        Ok(evaluations.into_iter().map(|one| one.over(&beside)).collect())
    }
}

/// What is said of a thing stands for all that is said of it beside, but for the names that it lacks.
fn thing_over(own: Option<AccessThing>, beside: Option<&AccessThing>) -> Option<AccessThing> {
    let (Some(own), Some(beside)) = (&own, beside) else { return own.or_else(|| beside.cloned()) };
    let lacking =
        |own: &Option<Arc<str>>, beside: &Option<Arc<str>>| own.as_ref().or(beside.as_ref()).cloned();
    Some(AccessThing {
        r#type: lacking(&own.r#type, &beside.r#type),
        id: lacking(&own.id, &beside.id),
        properties: own.properties.clone(),
    })
}

impl EvaluationBody {
    fn over(self, beside: &Self) -> Self {
        let name = || beside.action.as_ref()?.name.clone();
        let action = self.action.map(|own| AccessAction { name: own.name.or_else(name), ..own });
        Self {
            subject: thing_over(self.subject, beside.subject.as_ref()),
            action: action.or_else(|| beside.action.clone()),
            resource: thing_over(self.resource, beside.resource.as_ref()),
            context: self.context.or_else(|| beside.context.clone()),
        }
    }

    /// What is asked of the rules.
    ///
    /// # Errors
    /// What it lacks, or what does not fit, with its place.
    pub fn evaluation(&self) -> Result<Evaluation, Box<Problem>> {
        let (who, agent) = named(self.subject.as_ref(), "subject")?;
        let name = self.action.as_ref().ok_or_else(|| missing("action"))?.name.as_deref();
        let name = name.ok_or_else(|| missing("action.name"))?;
        let (kind, id) = named(self.resource.as_ref(), "resource")?;
        if who != "agent" {
            return Ok(unknown("type of subject", who, &["agent"]));
        }
        let Some((_, actions)) = ACTIONS.iter().find(|(known, _)| *known == kind) else {
            return Ok(unknown("type of resource", kind, &ACTIONS.map(|(known, _)| known)));
        };
        if !actions.contains(&name) {
            return Ok(unknown(&format!("action on a resource of type {kind}"), name, actions));
        }
        let question = match kind {
            "entity" => self.of_entity(name, id)?,
            "tool" => self.of_tool(id)?,
            "trigger" => self.of_trigger(id)?,
            _ => self.of_output(id)?,
        };
        Ok(agent.parse().map_or_else(
            |_| Evaluation::Unknown(nobody(agent)),
            |agent| Evaluation::Asked(agent, Box::new(question)),
        ))
    }

    fn of_entity(&self, name: &str, id: &str) -> Result<Question, Box<Problem>> {
        let entity: EntityPath = id
            .parse()
            .map_err(|error| problem(format!("it is no path of an entity: {error}"), "resource.id"))?;
        let kind = match name {
            "create" => WriteKind::Create,
            "archive" => WriteKind::Archive,
            "delete" => WriteKind::Delete,
            _ => WriteKind::Update,
        };
        let field = self.said::<FieldName>("field")?.unwrap_or_else(FieldName::whole);
        let path = FieldPath::new(entity, field);
        Ok(if name == "read" {
            Question::Read(path)
        } else {
            Question::Write(kind, path, self.said("value")?)
        })
    }

    fn of_tool(&self, id: &str) -> Result<Question, Box<Problem>> {
        let names = id.split_once('/').filter(|(server, tool)| !server.is_empty() && !tool.is_empty());
        let (server, tool) = names.ok_or_else(|| {
            problem("it names the server and the tool, such as `crm/get_contact`".to_owned(), "resource.id")
        })?;
        let order = CallBody {
            server: Arc::from(server),
            tool: Arc::from(tool),
            arguments: self.raw("arguments").map(|(_, raw)| raw.to_owned()),
            via: Arc::from(VIA),
            root: self.said("root")?,
            verified: self.said("verified")?,
        };
        Ok(Question::Call(order.order()?))
    }

    fn of_trigger(&self, id: &str) -> Result<Question, Box<Problem>> {
        Ok(Question::Claim(Claim {
            event: Arc::from(id),
            key: self.said("key")?.unwrap_or_else(|| Arc::from("")),
            attributes: self.said("attributes")?.unwrap_or_default(),
            subject: self.said("entity")?,
            cause: None,
        }))
    }

    fn of_output(&self, id: &str) -> Result<Question, Box<Problem>> {
        Ok(Question::Publish(Publish {
            output: Arc::from(id),
            thread: self.said("thread")?,
            body: self.said("body")?.unwrap_or_else(Value::null),
            subject: self.said("entity")?,
            action: None,
            depends_on: BTreeMap::new(),
            reason: None,
            cause: None,
        }))
    }

    /// What is said under the key: of the resource, with the action, or in the context.
    fn raw(&self, key: &str) -> Option<(&'static str, &RawValue)> {
        let of_resource = self.resource.as_ref().and_then(|resource| resource.properties.as_ref());
        let of_action = self.action.as_ref().and_then(|action| action.properties.as_ref());
        let places = [
            ("resource.properties", of_resource),
            ("action.properties", of_action),
            ("context", self.context.as_ref()),
        ];
        places.into_iter().find_map(|(place, said)| Some((place, &**said?.get(key)?)))
    }

    fn said<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, Box<Problem>> {
        let Some((place, raw)) = self.raw(key) else { return Ok(None) };
        body::parse(raw.get().as_bytes()).map_err(|problem| Box::new(problem.at(format!("{place}.{key}"))))
    }
}

/// Its type and its id.
fn named<'a>(thing: Option<&'a AccessThing>, place: &str) -> Result<(&'a str, &'a str), Box<Problem>> {
    let thing = thing.ok_or_else(|| missing(place))?;
    let kind = thing.r#type.as_deref().ok_or_else(|| missing(&format!("{place}.type")))?;
    let id = thing.id.as_deref().ok_or_else(|| missing(&format!("{place}.id")))?;
    Ok((kind, id))
}

fn problem(detail: String, place: &str) -> Box<Problem> {
    Box::new(Problem::new(ProblemCode::BadBody, detail).at(place))
}

fn missing(place: &str) -> Box<Problem> {
    problem("it is missing".to_owned(), place)
}

fn nobody(agent: &str) -> AccessReason {
    let next = Some(Code::NotFound.next().to_owned());
    AccessReason {
        reason: format!("no agent here is called {}", shown(agent)),
        next,
        ..AccessReason::default()
    }
}

fn unknown(what: &str, named: &str, known: &[&str]) -> Evaluation {
    let reason = format!("there is no {what} called {}", shown(named));
    let next = Some(format!("ask with one of these: {}", known.join(", ")));
    Evaluation::Unknown(AccessReason { reason, next, ..AccessReason::default() })
}

/// The beginning of a name that is not known.
fn shown(name: &str) -> String {
    let begins: String = name.chars().take(80).collect();
    format!("{begins:?}")
}
