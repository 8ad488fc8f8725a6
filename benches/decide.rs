//! P4: one write decided, without serialising and hashing, against random look-ups among as many keys in a `HashMap`.
//!
//! `cargo bench --bench decide` prints the reference, the figure and their ratio for 10, 100 and 1,000 agents that hold
//! 100,000 grants between them. Five runs; median and worst.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench may stop at the first surprise")]

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use deeds::domain::command::{Command, Expected, Principal, Request, Write, WriteKind};
use deeds::domain::decide::{decide, found};
use deeds::domain::ids::{Actor, AgentId, PersonId, Version, WorkspaceId};
use deeds::domain::map::{Agent, Model};
use deeds::domain::outcome::Outcome;
use deeds::domain::path::{EntityPath, FieldName, Pattern};
use deeds::domain::state::State;
use deeds::domain::things::TokenClass;
use deeds::domain::time::Time;
use deeds::domain::value::Value;

const GRANTS: usize = 100_000;
const LOOKS: usize = 400_000;
const RUNS: usize = 5;

fn main() {
    println!(
        "P4: decide one write, {GRANTS} grants; reference: a random look-up among {GRANTS} keys of the same length"
    );
    for agents in [10, 100, 1_000] {
        let world = World::new(agents);
        let mut ratios: Vec<(f64, f64, f64)> = (0..RUNS).map(|_| world.run()).collect();
        ratios.sort_by(|a, b| a.2.total_cmp(&b.2));
        let (reference, figure, median) = ratios[RUNS / 2];
        let worst = ratios[RUNS - 1].2;
        println!(
            "{agents:>5} agents: reference {reference:>6.0} ns, decide {figure:>6.0} ns, ratio median {median:.1}, worst {worst:.1} (target ≤ 20)"
        );
    }
}

/// A workspace with its agents, and one request for each grant.
struct World {
    state: State,
    requests: Vec<Request>,
    keys: Vec<String>,
    table: HashMap<String, u64>,
}

impl World {
    fn new(agents: usize) -> Self {
        let workspace = WorkspaceId::new("bench").unwrap();
        let dana = PersonId::new("dana").unwrap();
        let mut model = Model::default_for(workspace.clone(), dana.clone());
        let mut requests = Vec::with_capacity(GRANTS);
        for a in 0..agents {
            let id = AgentId::new(&format!("agent-{a:04}")).unwrap();
            let mut agent = Agent::new(id.clone(), dana.clone());
            for g in 0..GRANTS / agents {
                let record = format!("area-{a:04}/table-{g:05}");
                agent.writes.push(format!("{record}/*#status").parse::<Pattern>().unwrap());
                requests.push(request(&id, &format!("{record}/row-1")));
            }
            model.agents.push(agent);
        }
        let mut state = State::new(workspace.clone());
        state.fold(&found(Arc::new(model), Actor::Deeds, Time::default()));
        let keys: Vec<String> =
            (0..GRANTS).map(|g| format!("area-{:04}/table-{g:05}/row-1#status", g % agents)).collect();
        let table = keys.iter().cloned().zip(0..).collect();
        Self { state, requests, keys, table }
    }

    /// Reference and figure in nanoseconds, and their ratio.
    fn run(&self) -> (f64, f64, f64) {
        let order: Vec<usize> =
            (0..LOOKS).scan(0x9E37_79B9_u64, |seed, _| Some(random(seed) % GRANTS)).collect();
        let start = Instant::now();
        for at in &order {
            black_box(self.table.get(&self.keys[*at]));
        }
        let reference = per_look(start);
        let start = Instant::now();
        for at in &order {
            let decision = decide(&self.state, &self.requests[*at], Time::from_micros(1));
            assert_eq!(decision.deeds[0].outcome, Outcome::Committed);
            black_box(decision);
        }
        let figure = per_look(start);
        (reference, figure, figure / reference)
    }
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds of a bench")]
fn per_look(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64 / LOOKS as f64
}

fn random(seed: &mut u64) -> usize {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    (*seed >> 16) as usize
}

fn request(agent: &AgentId, entity: &str) -> Request {
    let status: FieldName = "status".parse().unwrap();
    let write = Write {
        entity: entity.parse::<EntityPath>().unwrap(),
        kind: WriteKind::Update,
        changes: BTreeMap::from([(status.clone(), Value::text("won"))]),
        expected: Some(Expected::Fields(BTreeMap::from([(status, Version(0))]))),
        depends_on: BTreeMap::new(),
        lease: None,
        reason: Some(Arc::from("form received")),
        cause: None,
        call: None,
    };
    let principal = Principal { actor: Actor::Agent(agent.clone()), class: TokenClass::Agent, token: None };
    Request::new(principal, Command::Write(write))
}
