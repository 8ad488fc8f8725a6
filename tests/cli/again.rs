//! Requests that are sent again because their answer got lost: done once, and a secret is not lost with its answer.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::room::team;
use crate::run::Home;
use crate::server::{Server, ask};

/// The headers of this caller with that key.
fn keyed(home: &Home, who: &str, key: &str) -> PathBuf {
    let token = std::fs::read_to_string(home.data().join(format!("tokens/default.{who}"))).unwrap();
    home.file(&format!("{who}.{key}"), &format!("{}\r\nIdempotency-Key: {key}", token.trim()))
}

/// A batch that has become longer is another one: nothing of it is done under the key of the first.
#[test]
fn a_longer_batch_under_a_used_key_records_nothing() {
    let home = team();
    let server = Server::start(&home);
    let agent = keyed(&home, "first-agent", "once");
    let batch = |count: usize| {
        let write = |at| json!({"entity": format!("crm/contact/c{at}"), "changes": {"name": "x"}, "expected": {"name": 0}});
        let body = Value::Array((0..count).map(write).collect()).to_string();
        ask(&server.url, &agent, "POST", "/v1/writes:batch", &body).unwrap().1.to_string()
    };
    assert_eq!(batch(2).matches("\"committed\"").count(), 2);
    let longer = batch(3);
    let log = home.ok(&["log", "entity:crm/contact/c2"]);
    assert!(!log.contains("crm/contact/c2"), "the new part was committed: {longer}\n{log}");
    assert_eq!(longer.matches("key-reused").count(), 3, "{longer}");
}

/// Whoever asks again for what is shown once, because they did not see it, is shown it.
#[test]
fn a_secret_whose_answer_was_lost_is_shown_again_under_its_key() {
    let home = team();
    let server = Server::start(&home);
    for (key, path, body) in [
        ("token", "/v1/tokens", json!({"class": "watcher", "name": "wall"})),
        ("workspace", "/v1/workspaces", json!({"workspace": "second"})),
    ] {
        let dana = keyed(&home, "dana", key);
        let asked = || ask(&server.url, &dana, "POST", path, &body.to_string()).unwrap();
        let (first, again) = (asked(), asked());
        assert!(first.0 == 200 && first.1["token"].is_string(), "{path}: {first:?}");
        assert_eq!((again.0, &again.1["token"]), (200, &first.1["token"]), "{path}, asked again");
    }
    let tokens = home.ok(&["tokens", "list", "--json"]);
    assert_eq!(tokens.matches("\"wall\"").count(), 1, "{tokens}");
}
