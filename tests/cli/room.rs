//! Disks without room: what can't be recorded is said so as a whole, and what is only a cache makes way.

use serde_json::{Value, json};

use crate::run::Home;
use crate::server::{Server, ask};

const MAP: &str = "workspace = \"default\"\n[[agent]]\nid = \"first-agent\"\nowner = \"dana\"\nwrites = [\"crm/**\"]\n\
                   [[queue]]\nname = \"inbox\"\nowner = \"dana\"\nreview = \"daily 09:00\"\n";

/// A home in which the first agent may write below `crm/`.
fn team() -> Home {
    let home = Home::new();
    let map = home.file("team.toml", MAP);
    home.ok(&["map", "apply", map.to_str().unwrap()]);
    home
}

fn batch(from: usize, text: &str) -> String {
    let write = |at: usize| {
        let entity = format!("crm/contact/c{at}");
        json!({"entity": entity, "changes": {"name": text}, "expected": {"name": 0}})
    };
    Value::Array((from..from + 8).map(write).collect()).to_string()
}

/// Of a batch that is not recorded nothing is answered as if it had been decided.
#[test]
fn a_batch_on_a_full_disk_is_a_problem_as_a_whole() {
    let home = team();
    let server = Server::in_little_room(&home, 1_200);
    let agent = home.data().join("tokens/default.first-agent");
    let (mut recorded, mut told) = (0, None);
    for at in 0..200 {
        let body = batch(at * 8, &"x".repeat(4_000));
        let (status, answer) = ask(&server.url, &agent, "POST", "/v1/writes:batch", &body).unwrap();
        if status != 200 {
            told = Some((status, answer));
            break;
        }
        let answers = answer["answers"].as_array().unwrap();
        assert_eq!(answers.len(), 8);
        recorded += answers.iter().filter(|one| one["reply"]["outcome"] == "committed").count();
        assert!(answers.iter().any(|one| one["reply"].is_object()), "nothing was recorded: {answer}");
    }
    let (status, problem) = told.expect("the disk was full before that");
    assert!(recorded > 0);
    assert_eq!(status, 503, "{problem}");
    assert!(problem["next"].is_string() && problem["answers"].is_null(), "{problem}");
    drop(server);
    assert!(home.ok(&["verify"]).contains("holds"));
    let server = Server::start(&home);
    let (status, answer) =
        ask(&server.url, &agent, "POST", "/v1/writes:batch", &batch(5_000, "there is room again")).unwrap();
    assert_eq!((status, answer["answers"][0]["reply"]["outcome"].as_str()), (200, Some("committed")));
}
