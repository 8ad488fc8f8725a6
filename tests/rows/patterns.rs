//! Rows about patterns and names: who owns what where zones reach into one another, and one path in two spellings.

use std::sync::Arc;

use serde_json::json;

use super::support::{Came, Server, came, northwind};
use super::{TEAM, told};
use deeds::domain::deed::{Deed, Origin};
use deeds::ledger::{Append, Ledger as _, Store};

/// Two agents on one tree: `core` has all of it, `docs` the directory in it, and `core` again a part of that.
const TREE: &str = "
[[agent]]
id = \"core\"
owner = \"dana\"
writes = [\"tree/**\", \"tree/docs/internal/**\"]

[agent.except_of]
\"tree/**\" = [\"tree/docs/**\", \"tree/**/README.md\"]

[[agent]]
id = \"docs\"
owner = \"dana\"
writes = [\"tree/docs/**\", \"tree/**/README.md\"]
except = [\"tree/docs/internal/**\"]
";

async fn put(server: &Server, map: &str) -> Came {
    let version = server.dana.get("/v1/map").await["version"].to_string();
    let request = server.dana.request("PUT", "/v1/map?reason=the+tree&planned=true");
    came(
        request
            .header("If-Match", format!("\"{version}\""))
            .header("Content-Type", "application/toml")
            .body(map.to_owned()),
    )
    .await
}

#[tokio::test]
async fn what_is_taken_out_of_one_grant_is_taken_out_of_no_other() {
    let server = Server::start_on(&format!("{TEAM}{TREE}")).await;
    let (core, docs) = (server.agent("core").await, server.agent("docs").await);
    for (path, owner) in [
        ("tree/src/a", "core"),
        ("tree/docs/a", "docs"),
        ("tree/src/README.md", "docs"),
        ("tree/docs/internal/a", "core"),
        ("tree/docs/internal/README.md", "core"),
    ] {
        let said = server.dana.get(&format!("/v1/who-owns?path={path}")).await;
        assert_eq!(said["owners"], json!([owner]), "{path}: {}", said.text);
        let (owning, other) = if owner == "core" { (&core, &docs) } else { (&docs, &core) };
        told(&owning.write(path, json!({"text": "mine"}), json!({"text": 0})).await, "committed", None);
        let foreign = other.write(path, json!({"text": "not mine"}), json!({"text": 1})).await;
        told(&foreign, "proposed", Some("not-owner"));
    }
    server.stop().await;
}

/// Everything with an `x` in it is taken out of what one agent writes, which only remembering the last 24 segments of a
/// path would show.
#[tokio::test]
async fn what_would_take_too_long_is_refused_as_not_decided() {
    let windows: Vec<String> = (0..24).map(|at| format!("\"**/x{}\"", "/*".repeat(at))).collect();
    let far = format!("\"**/x{}/**\"", "/*".repeat(24));
    let map = format!(
        "{TEAM}\n[[agent]]\nid = \"one\"\nowner = \"dana\"\nwrites = [\"{}**\"]\nexcept = [{}, {far}]\n\
         \n[[agent]]\nid = \"two\"\nowner = \"dana\"\nwrites = [\"{}**\"]\n",
        "**/x/".repeat(9),
        windows.join(", "),
        "**/x/".repeat(9),
    );
    let server = Server::start_on(TEAM).await;
    let said = put(&server, &map).await;
    assert_eq!(said["code"], "map-broken", "{}", said.text);
    let lints: Vec<&str> =
        said["findings"].as_array().unwrap().iter().filter_map(|finding| finding["lint"].as_str()).collect();
    assert!(lints.contains(&"not-decided") && !lints.contains(&"two-writers"), "{}", said.text);
    assert!(said.text.contains("not decided here: whether `one` and `two`"), "{}", said.text);
    server.stop().await;
}

/// A path that was typed with the accent as a sign of its own is the path.
#[tokio::test]
async fn one_path_in_two_spellings_is_one_path() {
    let map = format!(
        "{TEAM}\n[[agent]]\nid = \"menu\"\nowner = \"dana\"\nwrites = [\"tree/cafe\u{301}/*\", \"Tree/*\", \"tree/a /*\"]\n"
    );
    let server = Server::start_on(TEAM).await;
    let said = put(&server, &map).await;
    told(&said, "recorded", None);
    let menu = server.agent("menu").await;
    told(
        &menu.write("tree/cafe\u{301}/a", json!({"price": 1}), json!({"price": 0})).await,
        "committed",
        None,
    );
    told(&menu.write("tree/caf\u{e9}/a", json!({"price": 2}), json!({"price": 1})).await, "committed", None);
    for spelling in ["caf%C3%A9", "cafe%CC%81"] {
        let entity = menu.get(&format!("/v1/entities/tree/{spelling}/a")).await;
        assert_eq!(entity["fields"]["price"]["version"], 2, "{}", entity.text);
        let owned = menu.get(&format!("/v1/who-owns?path=tree/{spelling}/a%23price")).await;
        assert_eq!(owned["owners"], json!(["menu"]), "{}", owned.text);
    }
    let checked = server.dana.request("POST", "/v1/map/check");
    let checked = came(checked.header("Content-Type", "application/toml").body(map)).await;
    let alike =
        checked["findings"].as_array().unwrap().iter().filter(|one| one["lint"] == "look-alike").count();
    assert_eq!(alike, 3, "the accent, the case, the space: {}", checked.text);
    server.stop().await;
}

/// Writes the last deed of the ledger once more, about a record that is spelled with the accent as a sign of its own, as a
/// program would that took names as they came.
async fn record_apart(directory: &std::path::Path) {
    let ledger = Store::from(directory).open(&northwind()).unwrap();
    let head = ledger.head().await.unwrap();
    let last = ledger.get(head.seq).await.unwrap().unwrap();
    let mut deed = Deed::decode(&last.bytes).unwrap();
    deed.seq = deed.seq.next();
    deed.correlation = deed.seq;
    let envelope: serde_json::Value = serde_json::from_slice(&last.bytes).unwrap();
    let source = Arc::from(envelope["source"].as_str().unwrap());
    let bytes = deed.encode(&Origin { source, workspace: northwind() }).unwrap();
    let bytes = String::from_utf8(bytes).unwrap().replace("tree/cafe/a", "tree/cafe\u{301}/a");
    assert!(matches!(ledger.append(head, vec![bytes.into()]).await.unwrap(), Append::Appended(_)));
}

/// A record that was written down in the other spelling, before names were brought into one.
#[tokio::test]
async fn a_record_of_the_other_spelling_is_found_by_either() {
    let map = format!("{TEAM}\n[[agent]]\nid = \"menu\"\nowner = \"dana\"\nwrites = [\"tree/**\"]\n");
    let server = Server::start_on(TEAM).await;
    told(&put(&server, &map).await, "recorded", None);
    let menu = server.agent("menu").await;
    let first = menu.write("tree/cafe/a", json!({"price": 1}), json!({"price": 0})).await;
    told(&first, "committed", None);
    let (base, dana) = (server.base.clone(), server.dana.clone());
    let directory = server.stop().await;
    record_apart(directory.path()).await;

    let server = Server::resume(directory, &base, dana).await;
    let written = [("tree/caf\u{e9}/a", 1), ("tree/cafe\u{301}/a", 2)];
    // The deed after the first one, which somebody else wrote.
    let apart = first["deed"].as_u64().unwrap() + 1;
    let mut seq = apart;
    for (spelling, version) in written {
        for encoded in ["caf%C3%A9", "cafe%CC%81"] {
            let entity = menu.get(&format!("/v1/entities/tree/{encoded}/a")).await;
            assert_eq!(entity["fields"]["price"]["version"], version, "{encoded}: {}", entity.text);
            let traced = server.dana.get(&format!("/v1/trace?entity=tree/{encoded}/a&min_seq={seq}")).await;
            assert_eq!(traced["deeds"].as_array().map(Vec::len), Some(version), "{encoded}: {}", traced.text);
        }
        let next = menu.write(spelling, json!({"price": 7 + version}), json!({"price": version})).await;
        told(&next, "committed", None);
        seq = next["deed"].as_u64().unwrap();
    }
    let stale = menu.write("tree/cafe\u{301}/a", json!({"price": 9}), json!({"price": 1})).await;
    told(&stale, "stale", Some("stale"));
    let record = server.dana.get(&format!("/v1/ledger/{apart}")).await;
    assert_eq!(record["deed"]["subject"], "tree/cafe\u{301}/a", "the bytes are as they were");
    server.stop().await;
}
