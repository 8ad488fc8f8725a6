//! A rehearsal with the console on it: the same as without, and what somebody does there.

use super::super::player::{Came, Play};
use super::*;
use crate::domain::code::Code;
use crate::domain::command::{Command, Override, OverrideVerb, Principal, Request};
use crate::domain::ids::Actor;
use crate::domain::map::parse;
use crate::domain::things::{Limits, TokenClass};
use crate::rehearse::{Life, Rehearsal};
use crate::server::Workspaces;

fn founder() -> Arc<Model> {
    Arc::new(parse(include_str!("../../../../assets/maps/founder.toml")).model.unwrap())
}

async fn stage(model: &Model, begins: Time) -> (tempfile::TempDir, Workspaces, Stage) {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::manual(begins);
    let limits = Limits { counts_refusals: false, ..Limits::default() };
    let workspaces = Workspaces::open_within(dir.path(), clock.clone(), limits).await.unwrap();
    let person = onlooker(model).unwrap().clone();
    workspaces.create(&model.workspace, &person, Some(model.clone())).await.unwrap();
    let space = workspaces.get(&model.workspace).unwrap();
    (dir, workspaces, Stage { space, clock })
}

/// The same seed gives the same deeds, whether a console looks on or not.
#[tokio::test]
async fn with_the_console_the_same_happens_as_without() {
    let model = founder();
    let rehearsal = || Rehearsal::new(Arc::clone(&model), 3, 7);
    let (_dir, workspaces, stage) = stage(&model, rehearsal().begins).await;
    let world = stage.world().await.unwrap();
    let mut player = Player::new(Play::Life(Box::new(Life::new(rehearsal(), world))));
    player.world().keep_a_journal();
    while stage.step(&mut player).await.unwrap() {}
    let recorded = stage.deeds(0).await.unwrap();
    assert_eq!(recorded, player.world().deeds, "what is in the ledger is what was decided in memory");
    let Came::Life(came) = player.finish() else { panic!("a team") };
    assert_eq!(*came, rehearsal().play(|_| {}));
    workspaces.shutdown().await;
}

/// What a person does at the console counts: the rehearsal goes on from there.
#[tokio::test]
async fn what_is_done_at_the_console_is_followed() {
    let model = founder();
    let rehearsal = Rehearsal::new(Arc::clone(&model), 2, 7);
    let (_dir, workspaces, stage) = stage(&model, rehearsal.begins).await;
    let world = stage.world().await.unwrap();
    let mut player = Player::new(Play::Life(Box::new(Life::new(rehearsal, world))));
    player.world().keep_a_journal();
    for _ in 0..40 {
        assert!(stage.step(&mut player).await.unwrap());
    }
    let growth = "growth".parse().unwrap();
    let step = Override {
        step: OverrideVerb::Pause { agent: growth },
        reason: Arc::from("to see what happens"),
        lasts: None,
    };
    let actor = Actor::Person(onlooker(&model).unwrap().clone());
    let principal = Principal { actor, class: TokenClass::Admin, token: None };
    let request = Request::new(principal, Command::Override(step));
    assert!(stage.space.handle().submit(request).await.unwrap().reply.is_done());
    while stage.step(&mut player).await.unwrap() {}
    let recorded = stage.deeds(0).await.unwrap();
    assert_eq!(recorded, player.world().deeds);
    assert!(recorded.iter().any(|deed| deed.code == Some(Code::Paused)), "growth is refused from then on");
    workspaces.shutdown().await;
}
