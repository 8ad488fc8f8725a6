//! Signs of life, and the numbers that monitoring collects.

use crate::api::{Problem, ProblemCode};
use crate::coordinator::Handle;
use crate::domain::ids::{Actor, AgentId};
use crate::domain::state::AgentFacts;
use crate::domain::things::{May, Usage};
use crate::ledger::Ledger as _;
use crate::server::answer::{Answer, text};
use crate::server::auth::behind;
use crate::server::gate::{Call, Stranger};
use crate::server::metrics::Gauge;

/// `GET /healthz`: the process answers.
pub(in crate::server) async fn alive(_: Stranger) -> Answer {
    Ok(text("text/plain; charset=utf-8", "ok\n".to_owned()))
}

/// `GET /readyz`: every workspace that was asked for opens, and every open one can record. Which one can't is for the log, since anyone may ask.
pub(in crate::server) async fn ready(stranger: Stranger) -> Answer {
    let app = &stranger.app;
    if app.workspaces.cluster().is_some_and(|cluster| cluster.is_blind()) {
        return Err(behind());
    }
    let broken = app.workspaces.broken().len();
    let can_not = |handle: &Handle| handle.trouble().is_some() || handle.is_failing();
    let troubled = app.workspaces.list().iter().filter(|space| can_not(space.handle())).count();
    if broken + troubled == 0 {
        return Ok(text("text/plain; charset=utf-8", "ready\n".to_owned()));
    }
    let detail = format!(
        "{broken} workspaces do not open and {troubled} can't record, or not for long; the server's log says why"
    );
    Err(Box::new(Problem::new(ProblemCode::Unavailable, detail)))
}

/// `GET /metrics`: the server's counters, and the gauges of the caller's workspace.
pub(in crate::server) async fn metrics(call: Call) -> Answer {
    let space = &call.space;
    let state = space.handle().front();
    let head = space.handle().head().seq;
    let gauge = |name, help, value| Gauge { name, help, values: vec![(None, value)] };
    let board = &state.board;
    let of_each = |name, help, value: fn(Usage) -> u64| {
        let agents = board.agents.keys().map(|agent| (Some(agent.clone()), value(board.usage(agent))));
        Gauge { name, help, values: agents.collect() }
    };
    let may = |name, help, value: fn(May) -> u64| {
        let limits = space.limits();
        let of = |(agent, facts): (&AgentId, &AgentFacts)| {
            (Some(agent.clone()), value(limits.with(facts.allowance)))
        };
        Gauge { name, help, values: board.agents.iter().map(of).collect() }
    };
    let keys = board.agents.keys().map(|agent| {
        let kept = state.keys.get(&Actor::Agent(agent.clone()));
        (Some(agent.clone()), kept.map_or(0, |keys| *keys as u64))
    });
    let gauges = [
        gauge("deeds_ledger_deeds", "Deeds in the ledger.", head),
        gauge(
            "deeds_index_lag_deeds",
            "Deeds that the index does not have yet.",
            head.saturating_sub(space.indexed().0),
        ),
        gauge("deeds_watchers", "Open streams and long polls.", space.watching() as u64),
        gauge("deeds_mailbox_depth", "Commands that wait to be decided.", space.handle().waiting() as u64),
        gauge("deeds_inbox_items", "Open inbox items.", state.board.items.len() as u64),
        gauge("deeds_alerts", "Open alerts.", state.board.alerts.len() as u64),
        gauge("deeds_entities", "Entities.", state.volume.entities),
        gauge("deeds_may_hold_entities", "Entities that there may be.", space.limits().entities),
        gauge("deeds_values_bytes", "Bytes of the entities' values.", state.volume.bytes),
        gauge("deeds_may_hold_values_bytes", "Bytes that they may have.", space.limits().values),
        of_each("deeds_kept_bytes", "Bytes kept for each agent's sake.", |usage| usage.bytes),
        of_each("deeds_kept_open", "Open things of each agent.", |usage| usage.open),
        Gauge { name: "deeds_kept_keys", help: "Idempotency keys of each agent.", values: keys.collect() },
        may("deeds_may_keep_bytes", "Bytes that may be kept for each agent's sake.", |may| may.bytes),
        may("deeds_may_keep_open", "Open things that each agent may have.", |may| may.open),
        may("deeds_may_keep_keys", "Idempotency keys that each agent may have.", |may| may.keys),
        Gauge {
            name: "deeds_turned_away",
            help: "Requests of each agent that were turned away and counted.",
            values: board
                .agents
                .iter()
                .map(|(agent, facts)| (Some(agent.clone()), facts.turned_away))
                .collect(),
        },
        gauge(
            "deeds_failed_checkpoints",
            "How often in a row the ledger's log could not be shortened.",
            space.handle().ledger().failed_checkpoints(),
        ),
        gauge(
            "deeds_recording",
            "1 where deeds can be recorded.",
            u64::from(space.handle().trouble().is_none()),
        ),
    ];
    let gauges: Vec<Gauge> = of_the_server(&call).into_iter().chain(gauges).collect();
    let body = call.app.metrics.text(space.id().as_str(), &gauges);
    Ok(text("text/plain; version=0.0.4; charset=utf-8", body))
}

/// Of all workspaces, and of the nodes that share them.
fn of_the_server(call: &Call) -> Vec<Gauge> {
    let gauge = |name, help, value| Gauge { name, help, values: vec![(None, value)] };
    let counts = call.app.workspaces.counts();
    let mut gauges = vec![
        gauge("deeds_workspaces", "Workspaces of the server.", counts.known as u64),
        gauge("deeds_workspaces_open", "Those that are open.", counts.open as u64),
        gauge("deeds_workspaces_opened", "How often one was opened since the start.", counts.opened),
        gauge("deeds_workspaces_closed", "How often one was closed since the start.", counts.closed),
    ];
    if let Some((nodes, held)) = call.app.workspaces.cluster().map(|cluster| cluster.counts()) {
        gauges.push(gauge("deeds_nodes", "Nodes on the same database, this one too.", nodes as u64));
        gauges.push(gauge(
            "deeds_workspaces_held",
            "Workspaces whose commands are decided here.",
            held as u64,
        ));
    }
    gauges
}
