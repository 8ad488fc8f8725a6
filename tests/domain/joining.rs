//! Stages and who may join, RULES §14: what a team of each size needs, what keeps a newcomer out, and what an imported
//! history says.

use std::fmt::Write as _;
use std::sync::Arc;

use super::readiness::{ALONE, apply, settled, team, with};
use super::script::play;
use super::world::World;
use deeds::domain::command::{Command, Import};
use deeds::domain::deed::Body;
use deeds::domain::ids::AgentId;
use deeds::domain::map;
use deeds::domain::readiness::GateState::{self, Fails, Holds, TooLittle};
use deeds::domain::readiness::{GateKind, Joining, Missing, Stage, Team, agents, joining, readiness};
use deeds::domain::state::Front;
use deeds::domain::things::Limits;
use deeds::domain::time::Span;

#[test]
fn the_stage_is_the_number_of_agents() {
    for (agents, stage) in [(0, 1), (1, 1), (2, 2), (3, 3), (4, 4), (6, 4), (7, 5), (40, 5)] {
        assert_eq!(Stage::of(agents).number(), stage, "{agents}");
        assert_eq!(Stage::try_from(stage).unwrap(), Stage::of(agents));
    }
    assert!(Stage::try_from(6).is_err() && Stage::try_from(0).is_err());
}

/// What is there at each size is said, and nothing that only a larger team needs.
#[test]
fn infrastructure_grows_with_the_team() {
    let alone = team(&World::new(ALONE));
    assert_eq!(alone.infrastructure.len(), 2);
    assert!(alone.infrastructure.iter().all(|need| need.state == GateState::Holds), "{alone:#?}");
    let mut toml = with("support", "triggers = [\"x\"]\nwrites = [\"support/*\"]");
    for n in 3..=7 {
        let _ = write!(
            toml,
            "\n[[agent]]\nid = \"a{n}\"\nowner = \"sam\"\ntriggers = [\"e{n}\"]\nwrites = [\"z{n}/*\"]\n"
        );
    }
    let full = team(&World::new(&toml));
    let states: Vec<_> = full.infrastructure.iter().map(|need| (need.stage.number(), need.state)).collect();
    let wanted = [
        (1, Holds),
        (1, Holds),
        (2, Holds),
        (2, Holds),
        (2, Fails),
        (2, Holds),
        (3, Fails),
        (4, Holds),
        (5, Holds),
        (5, Fails),
    ];
    assert_eq!(states, wanted, "{full:#?}");
    assert!(full.next.iter().any(|missing| missing.words.contains("a7 is not stable")), "{full:#?}");
}

/// Who acts on what others write comes from what deeds were based on.
#[test]
fn dependencies_are_counted_by_reader_and_owner() {
    let mut world = World::new(&with("support", "triggers = [\"x\"]\nwrites = [\"support/*\"]"));
    play(
        &mut world,
        "
        support writes support/1 status=open@0 -> committed
        sales writes crm/deal/1 stage=a@0 dep=support/1#status@1 -> committed
        sales acts mail/sales send on crm/deal/1 dep=support/1#status@1 -> allowed
        sales writes crm/deal/1 stage=b@1 dep=crm/deal/1#note@0 -> committed
        sales writes crm/deal/2 stage=a@0 dep=support/1#status@9 -> stale stale
        ",
    );
    let team = team(&world);
    let [only] = team.dependencies.as_slice() else { panic!("{team:#?}") };
    assert_eq!((only.reader.as_str(), only.owner.as_str(), only.count), ("sales", "support", 2));
    assert_eq!(only.example.to_string(), "support/1#status");
}

/// A second agent that says what it reads.
const READER: &str = "triggers = [\"x\"]\nwrites = [\"support/*\"]\nreads = [\"crm/**\", \"support/*\"]";

fn join(world: &World, toml: &str) -> Joining {
    let parsed = map::parse(toml).model.unwrap();
    joining(&world.state.board, &parsed, world.now)
}

#[test]
fn a_clean_newcomer_may_join_a_team_that_is_ready() {
    let world = settled();
    let clean = join(&world, &with("support", READER).replace("[\"sales\"]", "[\"sales\", \"support\"]"));
    assert!(clean.may_join && clean.unmet().is_empty(), "{clean:#?}");
    assert_eq!((clean.stage, clean.then, clean.calibrating.len()), (Stage::Single, Stage::Small, 1));
    let [reads] = clean.reads.as_slice() else { panic!("{clean:#?}") };
    assert_eq!((reads.reader.as_str(), reads.writer.as_str()), ("support", "sales"));
    assert_eq!(reads.writes[0].to_string(), "crm/deal/*");
    assert!(reads.example.to_string().starts_with("crm/deal/"), "{reads:#?}");
    let apart = join(&world, &with("support", &READER.replace("crm/**", "faq/**")));
    assert!(apart.reads.is_empty(), "{apart:#?}");
    let hidden = join(&world, &with("support", &format!("{READER}\nhidden = [\"crm/**\"]")));
    assert!(hidden.reads.is_empty(), "{hidden:#?}");
    let same = join(&world, ALONE);
    assert!(same.may_join && same.newcomers.is_empty());
}

#[test]
fn what_keeps_a_newcomer_out_is_said_with_an_example() {
    let world = settled();
    let colliding = join(&world, &with("thief", "triggers = [\"x\"]\nwrites = [\"crm/*/7#stage\"]"));
    assert!(!colliding.may_join);
    let overlap = colliding.overlaps.iter().find(|overlap| overlap.lint == "two-writers").unwrap();
    let example: deeds::domain::path::FieldPath = overlap.example.as_deref().unwrap().parse().unwrap();
    for pattern in ["crm/deal/*", "crm/*/7#stage"] {
        let pattern: deeds::domain::path::Pattern = pattern.parse().unwrap();
        assert!(pattern.matches(&example.entity, &example.field), "{example} by {pattern}");
    }
    let bare = join(&world, &with("quiet", "writes = [\"z/*\"]"));
    assert!(!bare.may_join && bare.unmet()[0].contains("missing for quiet"), "{bare:#?}");

    let pair = with("support", "triggers = [\"x\"]\nwrites = [\"support/*\"]")
        + "\n[[agent]]\nid = \"ops\"\nowner = \"sam\"\ntriggers = [\"y\"]\nwrites = [\"ops/*\"]\n";
    let two = join(&world, &pair);
    assert!(!two.may_join && two.calibrating.len() == 2, "{two:#?}");
    assert!(two.unmet().last().unwrap().contains("calibrating at once"), "{two:#?}");

    let young = World::new(ALONE);
    let early = join(&young, &with("support", "triggers = [\"x\"]\nwrites = [\"support/*\"]"));
    assert!(!early.may_join && early.failed[0].gate == Some(GateKind::Stable), "{early:#?}");
    assert!(early.failed.iter().any(|missing| missing.gate == Some(GateKind::Quiet)), "{early:#?}");
    let gates = |missing: &[Missing]| missing.iter().filter(|one| one.agent.is_some()).cloned().collect();
    let (asked, told): (Vec<_>, Vec<_>) = (gates(&early.failed), gates(&team(&young).next));
    assert!(!asked.is_empty() && asked == told, "who asks how the team stands is told the same: {told:#?}");
}

/// A first team comes as it is; later ones need a reason where something is not met, and it is kept with what was not.
#[test]
fn who_joins_too_early_needs_a_reason() {
    let second = with("support", READER);
    let mut world = World::new(
        "workspace = \"acme\"\n[[queue]]\nname = \"ops\"\nowner = \"dana\"\nreview = \"daily 09:00\"\n",
    );
    assert!(apply(&mut world, ALONE, None).is_done());
    for reason in [None, Some("  ")] {
        let refused = apply(&mut world, &second, reason);
        assert_eq!(refused.code.unwrap().as_str(), "reason-needed");
        assert!(refused.message.unwrap().contains("sales is not stable"));
    }
    assert_eq!(world.state.board.map.model().agents.len(), 1);
    assert!(apply(&mut world, &second, Some("the pilot starts today")).is_done());
    let Body::MapApplied(new) = &world.deeds.last().unwrap().body else { panic!() };
    assert!(new.unmet.iter().any(|words| words.contains("sales is not stable")), "{:?}", new.unmet);
    assert!(world.deeds.last().unwrap().reason.as_deref().unwrap().contains("the pilot starts today"));
    // Nobody new: nothing is asked.
    assert!(apply(&mut world, &second.replace("support/*", "support/**"), None).is_done());
    world.verify();

    let mut ready = settled();
    let ranked = second.replace("[\"sales\"]", "[\"sales\", \"support\"]");
    assert!(apply(&mut ready, &ranked, None).is_done());
    let Body::MapApplied(new) = &ready.deeds.last().unwrap().body else { panic!() };
    assert!(new.unmet.is_empty());
}

/// An imported history: agents that no map knows, long ago.
#[test]
fn an_imported_history_counts_for_its_own_days() {
    let mut world = World::new(
        "workspace = \"acme\"\nmode = \"observe\"\n[[queue]]\nname = \"ops\"\nowner = \"dana\"\nreview = \"daily 09:00\"\n",
    );
    let begins = world.now.minus(Span::from_days(100));
    for id in 0..60 {
        let line = Import {
            source: Arc::from("beads:x"),
            id,
            event: None,
            digest: None,
            called: None,
            actor: AgentId::new("crew/emma").unwrap(),
            time: begins.plus(Span::from_days(id.try_into().unwrap())),
            entity: format!("issue/{id}").parse().unwrap(),
            kind: deeds::domain::command::WriteKind::Update,
            changes: serde_json::from_str(r#"{"status": {"after": "open"}}"#).unwrap(),
            note: None,
        };
        assert!(world.ask("ada", Command::Import(line)).is_done());
    }
    let now = team(&world);
    assert_eq!((now.stage, now.agents.len(), now.agents[0].in_map), (Stage::Single, 1, false));
    let then = readiness(&world.state.board, begins.plus(Span::from_days(59)));
    let states = |team: &Team| team.agents[0].gates.iter().map(|gate| gate.state).collect::<Vec<_>>();
    assert_eq!(states(&now), [TooLittle, Holds, TooLittle, Fails, TooLittle, TooLittle], "{now:#?}");
    assert_eq!(states(&then)[0], Holds, "{then:#?}");
    let list = agents::agents(
        &Front::of_board(world.state.board.clone()),
        &Limits::default(),
        begins.plus(Span::from_days(59)),
    );
    assert_eq!((list.agents[0].standing.deeds, list.agents[0].standing.owner.clone()), (7, None));
    world.verify();
}
