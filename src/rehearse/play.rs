//! Playing the cases of a test file, step by step, and what came otherwise.

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use super::clock;
use super::coverage::{Coverage, Watch};
use super::desk::{Desk, Doing, Memory};
use super::expect::{self, Came, EXPECTATIONS};
use super::file::{Case, Step, Suite, line_of, written};
use super::steps::Verb;
use super::world::World;
use crate::domain::command::{Command, Principal, Request};
use crate::domain::map::Map;
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldName;
use crate::domain::query::{EntityView, read};
use crate::domain::reply::Reply;
use crate::domain::time::Span;

/// So long after the step before a step comes that says nothing of its time.
const A_MOMENT: Span = Span::from_secs(1);

/// What came of a file.
#[derive(Debug, Clone, Serialize)]
pub struct SuiteReport {
    /// Its cases, in the order of the file.
    pub cases: Vec<CaseReport>,
    /// What of the map they touched.
    pub coverage: Coverage,
}

/// What came of a case.
#[derive(Debug, Clone, Serialize)]
pub struct CaseReport {
    /// Its name.
    pub name: String,
    /// The line where it begins.
    pub line: usize,
    /// How many steps were played.
    pub steps: usize,
    /// The first step that came out otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

/// A step that came out otherwise.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// The step, in bytes of the file.
    pub span: Range<usize>,
    /// Its line.
    pub line: usize,
    /// When it was, in the map's time.
    pub at: String,
    /// The answer, or what stood in the way.
    pub came: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Each expectation that was not met.
    pub differences: Vec<Difference>,
}

/// An expectation that was not met.
#[derive(Debug, Clone, Serialize)]
pub struct Difference {
    /// Its key.
    pub key: &'static str,
    /// Where the file says what was expected; the step where it says nothing.
    pub span: Range<usize>,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub came: String,
}

impl Suite {
    /// Plays every case, each in a workspace of its own.
    pub fn play(&self) -> SuiteReport {
        let map = Map::compile(Arc::clone(&self.model));
        let mut watch = Watch::new(&map);
        let cases = self.cases.iter().map(|case| self.case(case, &mut watch)).collect();
        SuiteReport { cases, coverage: watch.finish() }
    }

    fn case(&self, case: &Case, watch: &mut Watch<'_>) -> CaseReport {
        let mut world = World::new(Arc::clone(&self.model), case.begins);
        for given in &case.given {
            world.give(&given.entity, &given.fields);
        }
        let given = world.deeds.len();
        let mut playing = Playing { suite: self, world, memory: Memory::new() };
        let mut failure = None;
        let mut steps = 0;
        for step in &case.steps {
            steps += 1;
            failure = playing.step(step, watch).err();
            if failure.is_some() {
                break;
            }
        }
        watch.saw(playing.world.deeds.get(given..).unwrap_or_default());
        CaseReport { name: case.name.clone(), line: line_of(&self.text, case.span.start), steps, failure }
    }
}

/// A case under way.
struct Playing<'a> {
    suite: &'a Suite,
    world: World,
    memory: Memory,
}

impl Playing<'_> {
    fn step(&mut self, step: &Step, watch: &mut Watch<'_>) -> Result<(), Failure> {
        let before = self.world.deeds.len();
        let now = self.world.now();
        let then = match step.at {
            Some(when) => when.instant(now, &self.suite.model).filter(|then| *then >= now),
            None => Some(now.plus(A_MOMENT)),
        };
        let Some(then) = then else {
            let now = clock::words(now, &self.suite.model);
            return Err(self.stuck(step, format!("the step comes too late: it is {now} already")));
        };
        self.world.pass_to(then);
        let mut reply = None;
        let mut seen = None;
        if let (Some(verb), Some(who)) = (step.verb, &step.who) {
            match self.make(step, verb, who).map_err(|why| self.stuck(step, why))? {
                Doing::Ask(command) => {
                    let request = request(who, *command);
                    reply = self.world.send(&request);
                }
                Doing::Read(path) => {
                    let view = read(&self.world.state, &who.actor, &path.entity);
                    seen = Some(view.as_ref().is_some_and(|view| shows(view, &path.field)));
                    watch.read(&who.actor, &path);
                    self.memory.insert((who.actor.to_string(), path.entity), view);
                }
            }
        }
        let deeds = self.world.deeds.get(before..).unwrap_or_default();
        let came = Came { reply: reply.as_ref(), seen, deeds, world: &self.world };
        let differences = self.compare(step, &came);
        if differences.is_empty() {
            return Ok(());
        }
        let words = reply.as_ref().map(expect::words);
        let reason = reply.as_ref().and_then(|reply| reply.message.as_deref()).map(str::to_owned);
        Err(Failure { reason, differences, ..self.stuck(step, words.unwrap_or_default()) })
    }

    fn make(&self, step: &Step, verb: &Verb, who: &Principal) -> Result<Doing, String> {
        Desk { step, who, world: &self.world, memory: &self.memory }.make(verb)
    }

    fn compare(&self, step: &Step, came: &Came<'_>) -> Vec<Difference> {
        let mut differences = Vec::new();
        for expected in EXPECTATIONS {
            let Some(placed) = step.keys.get(expected.name) else { continue };
            if let Err(came) = (expected.check)(came, &placed.json) {
                let expected_text = written(&self.suite.text, &placed.span);
                let (key, span) = (expected.name, placed.span.clone());
                differences.push(Difference { key, span, expected: expected_text, came });
            }
        }
        let unsaid = !step.keys.contains_key("expect");
        if let Some(reply) = came.reply.filter(|reply| unsaid && !goes_through(step, reply)) {
            let expected = "it goes through, since the step says nothing else".to_owned();
            let (key, span, came) = ("expect", step.span.clone(), expect::words(reply));
            differences.push(Difference { key, span, expected, came });
        }
        differences
    }

    /// A failure that is told by itself.
    fn stuck(&self, step: &Step, came: String) -> Failure {
        let at = clock::words(self.world.now(), &self.suite.model);
        let line = line_of(&self.suite.text, step.span.start);
        Failure { span: step.span.clone(), line, at, came, reason: None, differences: Vec::new() }
    }
}

fn request(who: &Principal, command: Command) -> Request {
    Request::new(who.clone(), command)
}

/// Whether the field is among what is shown; of a record as a whole, whether anything is.
fn shows(view: &EntityView, field: &FieldName) -> bool {
    field.is_whole() || view.fields.contains_key(field)
}

/// Whether what was asked was done. What a verb is for is done: to escalate, to say that something failed.
fn goes_through(step: &Step, reply: &Reply) -> bool {
    let verb = step.verb.map(|verb| verb.name).unwrap_or_default();
    match reply.outcome {
        Outcome::Committed | Outcome::Allowed | Outcome::Recorded | Outcome::Opened => true,
        Outcome::Escalated => verb == "escalate" && reply.code.is_none(),
        Outcome::Failed => (verb == "fail" || verb == "failed") && reply.code.is_none(),
        Outcome::Proposed | Outcome::Deferred | Outcome::Stale | Outcome::Refused => false,
    }
}
