//! The stories played against the rulebook itself, without a server between: a seed decides, and nothing grows without
//! end. What happens in the first minute is in `first_minute`.

mod first_minute;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use super::desk::{Desk, Fault};
use super::stage::{Moment, Stage};
use super::{DemoError, Options, Played, SOURCES, Source, agents_of, direct, scheduled, story, teams};
use crate::domain::command::{Answered, Command, ItemStep, ItemVerb, Principal, Request};
use crate::domain::decide::{Answer, decide, found, next_due};
use crate::domain::deed::Deed;
use crate::domain::ids::{Actor, AgentId, PersonId};
use crate::domain::map::{self, Model};
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::query::{self, EntityView};
use crate::domain::reply::Reply;
use crate::domain::state::State;
use crate::domain::things::{Case, ItemAnswer, TokenClass, Work, WorkKind};
use crate::domain::time::{Span, Time};

/// When the teams begin: twenty seconds before a full minute.
const START: Time = Time::from_micros(1_799_999_980_000_000);
/// More ticks than fall due between two questions.
const TICKS: usize = 100;

/// A workspace without a server around it.
struct World {
    state: State,
    now: Time,
    deeds: Vec<Deed>,
}

impl World {
    fn new(model: Model) -> Self {
        let mut state = State::new(model.workspace.clone());
        let born = found(model.into(), Actor::Deeds, START);
        state.fold(&born);
        Self { state, now: START, deeds: vec![born] }
    }

    fn ask(&mut self, actor: Actor, class: TokenClass, command: Command) -> Reply {
        self.now = self.now.plus(Span::from_micros(1_000));
        for _ in 0..TICKS {
            if next_due(&self.state).is_none_or(|due| due > self.now) {
                break;
            }
            self.decide(Actor::Deeds, TokenClass::Admin, Command::Tick);
        }
        match self.decide(actor, class, command) {
            Answer::Reply(reply) => *reply,
            Answer::Replay(_) => panic!("no key was sent"),
        }
    }

    fn decide(&mut self, actor: Actor, class: TokenClass, command: Command) -> Answer {
        let principal = Principal { actor, class, token: None };
        let request = Request::new(principal, command);
        let decision = decide(&self.state, &request, self.now);
        decision.deeds.iter().for_each(|deed| self.state.fold(deed));
        self.deeds.extend(decision.deeds);
        decision.answer
    }
}

struct Seat {
    agent: AgentId,
    world: Rc<RefCell<World>>,
}

impl Desk for Seat {
    async fn read(&mut self, entity: &EntityPath) -> Result<Option<EntityView>, Fault> {
        let world = self.world.borrow();
        Ok(query::read(&world.state, &Actor::Agent(self.agent.clone()), entity))
    }

    async fn ask(&mut self, command: &Command) -> Result<Reply, Fault> {
        let actor = Actor::Agent(self.agent.clone());
        Ok(self.world.borrow_mut().ask(actor, TokenClass::Agent, command.clone()))
    }

    async fn rest(&mut self, time: Duration) {
        let mut world = self.world.borrow_mut();
        world.now = world.now.plus(Span::from_micros(i64::try_from(time.as_micros()).unwrap()));
    }

    fn at(&mut self, moment: Moment) {
        let mut world = self.world.borrow_mut();
        world.now = world.now.max(START.plus(Span::from_micros(moment)));
    }

    async fn work(&mut self) -> Result<Vec<Work>, Fault> {
        let world = self.world.borrow();
        Ok(world.state.board.work_of(&self.agent).map(|work| (**work).clone()).collect())
    }
}

fn stage(source: &Source, seed: u64) -> (Stage<Seat>, Rc<RefCell<World>>) {
    let team = teams().into_iter().find(|team| team.workspace == source.workspace).unwrap();
    let model = team.model(START).unwrap();
    let world = Rc::new(RefCell::new(World::new(model)));
    let desks: BTreeMap<AgentId, Seat> = agents_of(source)
        .into_iter()
        .map(|agent| (agent.clone(), Seat { agent, world: Rc::clone(&world) }))
        .collect();
    (Stage::new(source.workspace, story(source).unwrap(), scheduled(source), desks, seed, 1.0), world)
}

async fn play(stages: &mut [Stage<Seat>], seed: u64, secs: u64) -> Vec<Played> {
    let mut played = Vec::new();
    let options =
        Options { speed: 100_000.0, seed, for_: Some(Duration::from_secs(secs)), ..Options::default() };
    let ended: Result<(), DemoError> = direct(stages, &options, |step| played.push(step.clone())).await;
    ended.unwrap();
    played
}

async fn play_one(source: &Source, secs: u64) -> (Vec<Played>, Rc<RefCell<World>>) {
    let (stage, world) = stage(source, 1);
    (play(&mut [stage], 1, secs).await, world)
}

#[test]
fn the_maps_have_no_errors() {
    for source in &SOURCES {
        let parsed = map::parse(source.map);
        let errors: Vec<_> = parsed.findings.iter().filter(|finding| finding.is_error()).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", source.workspace);
        let model = parsed.model.unwrap();
        assert_eq!(model.workspace.as_str(), source.workspace);
        assert!(model.queues.iter().all(|queue| queue.owner.as_str() == source.reviewer));
    }
    assert_eq!(teams().len(), SOURCES.len());
}

#[test]
fn stories_name_agents_and_lists_that_exist() {
    for source in &SOURCES {
        let agents = agents_of(source);
        let story = story(source).unwrap();
        let variable = |text: &str| {
            let name = text.split('.').next().unwrap_or_default().to_owned();
            name == "n" || story.lists.contains_key(&name)
        };
        for scene in story.opening.iter().chain(&story.scenes) {
            assert!(scene.pick.iter().all(|list| variable(list)), "{}: {:?}", source.workspace, scene.pick);
            for step in &scene.steps {
                assert!(agents.contains(&step.by), "{}: {}", source.workspace, step.by);
            }
        }
    }
}

#[tokio::test]
async fn a_seed_decides_everything() {
    for seed in [1, 99] {
        let mut runs = Vec::new();
        for _ in 0..2 {
            let mut stages: Vec<_> = SOURCES.iter().map(|source| stage(source, seed).0).collect();
            runs.push(play(&mut stages, seed, 300).await);
        }
        assert!(runs[0].len() > 300, "{}", runs[0].len());
        assert_eq!(runs[0], runs[1]);
    }
    let (one, _) = stage(&SOURCES[0], 1);
    let (two, _) = stage(&SOURCES[0], 2);
    assert_ne!(play(&mut [one], 1, 300).await, play(&mut [two], 2, 300).await);
}

#[tokio::test]
async fn an_unattended_inbox_does_not_grow_without_end() {
    for source in &SOURCES {
        let (_, world) = play_one(source, 2 * 3600).await;
        let world = world.borrow();
        let board = &world.state.board;
        let conflicts: Vec<&str> = board
            .items
            .values()
            .filter(|item| matches!(item.case, Case::Conflict { .. }))
            .map(|item| &*item.title)
            .collect();
        let story = story(source).unwrap();
        assert!(
            board.items.len() - conflicts.len() <= story.waiting + 1,
            "{}: {}",
            source.workspace,
            board.items.len()
        );
        assert!(conflicts.len() <= 12, "{}: {conflicts:#?}", source.workspace);
        assert!(board.alerts.len() <= 40, "{}: {} alerts", source.workspace, board.alerts.len());
        let works: Vec<_> =
            board.works.values().map(|work| (work.agent.as_str(), work.kind.word(), &*work.title)).collect();
        assert!(works.len() <= 16, "{}: {works:#?}", source.workspace);
        assert!(board.acts.len() <= 8, "{}: {} acts", source.workspace, board.acts.len());
    }
}

/// Whatever the hour is, and just before a minute or a day is full.
#[test]
fn what_falls_due_soon_does_so_at_the_first_full_minute() {
    let team = teams().into_iter().find(|team| team.workspace == "northwind").unwrap();
    let minute = Span::from_mins(1).micros();
    for after in [0, 1, 19, 20, 50, 3_600, 43_219, 86_019] {
        let start = START.plus(Span::from_secs(after));
        let model = team.model(start).unwrap();
        let event = model.events.iter().find(|event| event.name == "report.due").unwrap();
        let raised = event.schedule.unwrap().next(model.zone(), start).unwrap();
        let queue = model.queues.iter().find(|queue| queue.name.as_str() == "chat").unwrap();
        assert_eq!(raised, queue.review.unwrap().next(model.zone(), start).unwrap());
        assert_eq!(raised.micros() % minute, 0);
        let wait = raised.since(start).micros();
        assert!((2_000_000..62_000_000).contains(&wait), "{start:?}: {wait} µs");
    }
}

#[test]
fn a_broken_story_names_its_file_and_place() {
    let northwind = &SOURCES[0];
    let broken = |from: &str, to: &str| {
        assert!(northwind.story.contains(from));
        let story: &'static str = Box::leak(northwind.story.replacen(from, to, 1).into_boxed_str());
        super::story(&Source { story, ..*northwind }).unwrap_err().to_string()
    };
    let error = broken("raise = \"email", "rise = \"email");
    assert!(error.contains("mend assets/stories/northwind.toml"), "{error}");
    assert!(error.contains("line ") && error.contains("the step of intake at 0 does nothing"), "{error}");
    let error = broken("key = \"m-501\"", "kee = \"m-501\"");
    assert!(error.contains("the step of payments at 2: claim: unknown field `kee`"), "{error}");
}

/// The reviewer answers; the agents take note, but leave the answer alone for as long as it may be taken back.
#[tokio::test]
async fn answers_can_be_taken_back_for_a_minute() {
    let source = &SOURCES[0];
    let (mut stage, world) = stage(source, 1);
    play(std::slice::from_mut(&mut stage), 1, 60).await;
    let answered = {
        let mut world = world.borrow_mut();
        let item = world
            .state
            .board
            .items
            .values()
            .find(|item| {
                matches!(item.case, Case::UnownedField { .. }) && world.state.board.alike(item).count() == 2
            })
            .cloned()
            .unwrap();
        let suggestion = item.suggestion.clone().unwrap();
        let include = world.state.board.alike(&item).map(|other| other.no).collect();
        let answer = ItemAnswer::Expand { agent: suggestion.agent, grant: suggestion.grant, note: None };
        let answered = Answered { answer, version: item.version, digest: item.digest(), include };
        let dana = Actor::Person(PersonId::new(source.reviewer).unwrap());
        let step = ItemStep { item: item.no, step: ItemVerb::Answer(answered) };
        let reply = world.ask(dana, TokenClass::Reviewer, Command::Item(step));
        assert_eq!(reply.outcome, Outcome::Recorded, "{reply:?}");
        reply.works
    };
    assert_eq!(answered.len(), 3);
    let decisions = |world: &World| {
        let board = &world.state.board;
        board.works.values().filter(|work| matches!(work.kind, WorkKind::Decision { .. })).count()
    };
    play(std::slice::from_mut(&mut stage), 1, 120).await;
    assert_eq!(decisions(&world.borrow()), 3, "taken up too early");
    play(std::slice::from_mut(&mut stage), 1, 200).await;
    assert_eq!(decisions(&world.borrow()), 0, "never taken up");
}

/// The composition runs the demo on a task of its own beside the console.
#[test]
fn it_can_run_on_a_task_of_its_own() {
    fn can_be_sent<T: Send>(_: T) {}
    let options = Options::default();
    can_be_sent(super::run(Vec::new(), &options, |_| ()));
}
