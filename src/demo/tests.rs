//! The stories played against the rulebook itself, without a server between: every case happens, and a seed decides.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use super::{
    DemoError, Options, Played, SOURCES, Source, agents_of,
    desk::{Desk, Fault},
    direct,
    stage::Stage,
    story, teams,
};
use crate::domain::{
    command::{Answered, Command, ItemAnswer, ItemStep, ItemVerb, Principal, Request},
    decide::{Answer, decide},
    deed::{Body, Deed, NewWorkspace, Outcome, Refs},
    ids::{Actor, AgentId, MapVersion, PersonId, Seq},
    map::{self, Model},
    path::EntityPath,
    query::{self, EntityView},
    reply::Reply,
    state::{AlertKind, Case, State, TokenClass, Work, WorkKind},
    time::{Span, Time},
};

/// A workspace without a server around it.
struct World {
    state: State,
    now: Time,
    deeds: Vec<Deed>,
}

impl World {
    fn new(model: Model) -> Self {
        let mut state = State::new(model.workspace.clone());
        let born = Deed {
            seq: Seq(1),
            time: Time::from_micros(0),
            recorded: Time::from_micros(0),
            subject: None,
            correlation: Seq(1),
            cause: None,
            traceparent: None,
            actor: Actor::Deeds,
            action: "create workspace".into(),
            outcome: Outcome::Recorded,
            code: None,
            verdict: None,
            reason: None,
            map_version: MapVersion(0),
            fields: Vec::new(),
            refs: Refs::default(),
            key: None,
            body: Body::WorkspaceCreated(Box::new(NewWorkspace {
                workspace: model.workspace.clone(),
                model: model.into(),
            })),
        };
        state.fold(&born);
        Self { state, now: Time::from_micros(1_800_000_000_000_000), deeds: vec![born] }
    }

    fn ask(&mut self, actor: Actor, class: TokenClass, command: Command) -> Reply {
        self.now = self.now.plus(Span::from_micros(200_000));
        let principal = Principal { actor, class, token: None };
        let request = Request { principal, command, key: None, traceparent: None };
        let decision = decide(&self.state, &request, self.now);
        decision.deeds.iter().for_each(|deed| self.state.fold(deed));
        self.deeds.extend(decision.deeds);
        match decision.answer {
            Answer::Reply(reply) => *reply,
            Answer::Replay(_) => panic!("no key was sent"),
        }
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

    async fn work(&mut self) -> Result<Vec<Work>, Fault> {
        let world = self.world.borrow();
        Ok(world.state.board.work_of(&self.agent).map(|work| (**work).clone()).collect())
    }
}

fn stage(source: &Source, seed: u64) -> (Stage<Seat>, Rc<RefCell<World>>) {
    let model = map::parse(source.map).applicable().unwrap();
    let world = Rc::new(RefCell::new(World::new(model)));
    let desks: BTreeMap<AgentId, Seat> = agents_of(source)
        .into_iter()
        .map(|agent| (agent.clone(), Seat { agent, world: Rc::clone(&world) }))
        .collect();
    (Stage::new(source.workspace, story(source).unwrap(), desks, seed, 1.0), world)
}

async fn play(stages: &mut [Stage<Seat>], seed: u64, secs: u64) -> Vec<Played> {
    let mut played = Vec::new();
    let options = Options { speed: 100_000.0, seed, for_: Some(std::time::Duration::from_secs(secs)) };
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

fn alerts(world: &World) -> Vec<AlertKind> {
    world.state.board.alerts.values().map(|alert| alert.kind).collect()
}

fn count(played: &[Played], outcome: Outcome) -> usize {
    played.iter().filter(|step| step.outcome == outcome).count()
}

#[tokio::test]
async fn every_case_happens_within_the_first_minute() {
    let wanted: [(&str, &[AlertKind], &[&str]); 3] = [
        (
            "northwind",
            &[AlertKind::Contradiction, AlertKind::StaleRead, AlertKind::NotOwner],
            &["proposed", "escalated", "stale", "deferred", "constant", "backward", "unowned", "not-owner"],
        ),
        (
            "tallyfern",
            &[AlertKind::StaleRead, AlertKind::PingPong, AlertKind::NotOwner],
            &["stale", "deferred", "held-open", "unowned", "not-owner", "escalated"],
        ),
        (
            "solo",
            &[AlertKind::StaleRead, AlertKind::NotOwner, AlertKind::PingPong, AlertKind::Contradiction],
            &["stale", "deferred", "unowned", "not-owner", "escalated", "proposed"],
        ),
    ];
    for (source, (workspace, kinds, words)) in SOURCES.iter().zip(wanted) {
        assert_eq!(source.workspace, workspace);
        let (played, world) = play_one(source, 60).await;
        let world = world.borrow();
        let have = alerts(&world);
        for kind in kinds {
            assert!(have.contains(kind), "{workspace}: no {} among {have:?}", kind.as_str());
        }
        for word in words {
            let said = |step: &Played| {
                step.outcome.as_str() == *word || step.code.is_some_and(|code| code.as_str() == *word)
            };
            assert!(played.iter().any(said), "{workspace}: nothing was {word}");
        }
        let items: Vec<_> = world.state.board.items.values().collect();
        assert!((6..=9).contains(&items.len()), "{workspace}: {} items", items.len());
        let kinds: std::collections::BTreeSet<&str> = items.iter().map(|item| item.case.word()).collect();
        assert!(kinds.len() >= 4, "{workspace}: {kinds:?}");
        assert!(
            items.iter().any(|item| world.state.board.alike(item).count() >= 2),
            "{workspace}: nothing alike"
        );
        assert!(count(&played, Outcome::Committed) >= 15, "{workspace}");
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
        let conflicts =
            board.items.values().filter(|item| matches!(item.case, Case::Conflict { .. })).count();
        let story = story(source).unwrap();
        assert!(
            board.items.len() - conflicts <= story.waiting + 1,
            "{}: {}",
            source.workspace,
            board.items.len()
        );
        assert!(conflicts <= 6, "{}: {conflicts} conflicts", source.workspace);
        assert!(board.alerts.len() <= 40, "{}: {} alerts", source.workspace, board.alerts.len());
        assert!(board.works.len() <= 8, "{}: {} works", source.workspace, board.works.len());
        assert!(board.acts.len() <= 8, "{}: {} acts", source.workspace, board.acts.len());
    }
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
