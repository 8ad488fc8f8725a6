//! Gateway and server of Deeds killed before, during and after forwarding: whatever was approved is done at most once, and
//! what nobody can say of is asked about, never sent again.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, Team, until};
use crate::programs;
use crate::rules::{APPROVED, approve, pending};

fn team() -> Option<Team> {
    programs::is_there("python3").then(|| Team::new(APPROVED))
}

/// What NousResearch/hermes-agent reports of gateways that forget what was pending when they restart.
#[test]
fn an_approval_outlives_gateway_and_server() {
    let Some(mut team) = team() else { return };
    let arguments = json!({ "id": "a" });
    let mut client = team.odd("coder");
    let item = pending(&mut client, "bump", &arguments);
    client.kill();
    team.kill_server();
    team.start_server();
    approve(&team, &item);
    team.kill_server();
    team.start_server();
    let mut client = team.odd("coder");
    client.done("bump", &arguments);
    // Its end is on disk before the next call of the agent is decided.
    let settled = client.told("bump", &arguments);
    client.kill();
    team.kill_server();
    team.start_server();
    let mut client = team.odd("coder");
    for told in [settled, client.told("bump", &arguments)] {
        assert!(told.contains("made before"), "{told}");
    }
    assert_eq!(team.count("bump a"), 1);
}

#[test]
fn a_gateway_killed_while_forwarding_leaves_an_unknown_outcome() {
    let Some(team) = team() else { return };
    let arguments = json!({ "id": "a", "seconds": 1 });
    let mut client = team.odd("coder");
    let item = pending(&mut client, "slow", &arguments);
    approve(&team, &item);
    client.ask("tools/call", &json!({ "name": "slow", "arguments": arguments }));
    until("it is being done", || team.count("slow a") == 1);
    client.kill();
    let mut client = team.odd("coder");
    let told = client.told("slow", &arguments);
    assert!(told.contains("begun"), "{told}");
    // When its time is over nobody will ever say how it ended: a person does.
    until("it is unknown", || client.told("slow", &arguments).contains("nobody knows"));
    let inbox = team.inbox();
    assert_eq!(inbox.len(), 1, "{inbox:?}");
    assert_eq!(team.count("slow a"), 1);
}

#[test]
fn a_server_killed_while_forwarding_hears_the_end_when_it_is_back() {
    let Some(mut team) = team() else { return };
    let arguments = json!({ "id": "a", "seconds": 1 });
    let mut client = team.odd("coder");
    let item = pending(&mut client, "slow", &arguments);
    approve(&team, &item);
    let asked = client.ask("tools/call", &json!({ "name": "slow", "arguments": arguments }));
    until("it is being done", || team.count("slow a") == 1);
    team.kill_server();
    // The answer is on its way whether or not its end can be recorded.
    let answer = client.answer_of(&asked, Duration::from_secs(20)).unwrap();
    assert!(answer.contains("slow") && !answer.contains("isError"), "{answer}");
    team.start_server();
    let told = client.told("slow", &arguments);
    assert!(told.contains("made before") || told.contains("nobody knows"), "{told}");
    assert_eq!(team.count("slow a"), 1);
}

/// Killed at moments that nobody chose, again and again.
#[test]
fn whatever_is_killed_when_nothing_is_done_twice() {
    let Some(mut team) = team() else { return };
    let mut moments = 0_u64;
    let mut ends = [0, 0];
    for round in 0..16_u64 {
        let arguments = json!({ "id": format!("r{round}") });
        let mut client = team.odd("coder");
        let item = pending(&mut client, "bump", &arguments);
        approve(&team, &item);
        client.ask("tools/call", &json!({ "name": "bump", "arguments": arguments }));
        // From before it is read to after it was answered.
        moments = (moments * 29 + 7) % 40;
        std::thread::sleep(Duration::from_millis(moments));
        let kill_both = round % 3 == 0;
        if round % 2 == 0 || kill_both {
            client.kill();
        }
        if round % 2 == 1 || kill_both {
            team.kill_server();
            team.start_server();
        }
        drop(client);
        let mut client = team.odd("coder");
        let end = Instant::now() + Duration::from_secs(30);
        let said = loop {
            let said = said(&mut client, &arguments);
            let is_over = ["bump", "made before", "nobody knows"]
                .iter()
                .any(|word| said.contains(word) && !said.contains("begun"));
            if is_over {
                break said;
            }
            assert!(Instant::now() < end, "round {round}: {said}");
            std::thread::sleep(Duration::from_millis(200));
        };
        let count = team.count(&format!("bump r{round}"));
        assert!(count <= 1, "round {round}, {moments} ms: it was done {count} times; {said}");
        assert!(count == 1 || said.contains("nobody knows"), "round {round}: {said}, and it was not done");
        ends[usize::from(said.contains("nobody knows"))] += 1;
    }
    eprintln!("16 rounds: {} settled or done, {} unknown", ends[0], ends[1]);
}

fn said(client: &mut Client, arguments: &serde_json::Value) -> String {
    crate::client::text(&client.call("bump", arguments))
}
