//! Values on disk held against the ledger: by `verify --deep` and `doctor`, beside a server and without one.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use deeds::domain::ids::{Seq, Version};
use deeds::domain::path::EntityPath;
use deeds::domain::state::Far as _;
use deeds::domain::things::Entity;
use deeds::store::{Changes, Image, Images};
use rustix::process::Signal;
use serde_json::{Value as Json, json};

use crate::room::team;
use crate::run::Home;
use crate::server::{Server, ask};

/// Writes so many new entities by the first agent, each with a key.
fn written(server: &Server, home: &Home, from: usize, count: usize) {
    let agent = home.data().join("tokens/default.first-agent");
    let write = |at: usize| json!({"entity": format!("crm/contact/c{at}"), "changes": {"name": "Jo"}, "expected": {"name": 0}});
    let body = Json::Array((from..from + count).map(write).collect()).to_string();
    let (status, told) = ask(&server.url, &agent, "POST", "/v1/writes:batch", &body).unwrap();
    assert_eq!((status, &told["answers"][0]["reply"]["outcome"]), (200, &json!("committed")), "{told}");
}

/// A home with so many entities, its server ended in order.
pub(crate) fn with_values(count: usize) -> Home {
    let home = team();
    let mut server = Server::start(&home);
    written(&server, &home, 0, count);
    assert_eq!(server.signal(Signal::TERM), Some(0));
    home
}

/// Changes something in the image of the home's workspace, as nothing does that goes by the ledger.
pub(crate) fn falsify(home: &Home, change: impl FnOnce(&Image, &mut Changes)) {
    let images = Images::open(&home.data().join("image"), 0).unwrap();
    let verified: Json = serde_json::from_str(&home.ok(&["verify", "--json"])).unwrap();
    let image = images.of(verified[0]["ledger"].as_str().unwrap()).unwrap();
    let at = image.at().unwrap().unwrap();
    let mut changes = Changes { at, entities: Vec::new(), keys: Vec::new(), gone_keys: Vec::new() };
    change(&image, &mut changes);
    image.write(&changes).unwrap();
}

/// Of one entity an older version than it had: a write that is based on that would be taken.
pub(crate) fn older(image: &Image, changes: &mut Changes) {
    let path: EntityPath = "crm/contact/c3".parse().unwrap();
    let mut entity = Arc::unwrap_or_clone(image.entity(&path).unwrap().unwrap());
    (entity.version, entity.deed) = (Version(0), Seq(1));
    changes.entities.push((path, Arc::new(entity)));
}

fn tables(home: &Home) -> Vec<PathBuf> {
    let trees = fs::read_dir(home.data().join("image")).unwrap().flatten().map(|tree| tree.path());
    let tables = trees.filter_map(|tree| fs::read_dir(tree.join("tables")).ok()).flatten().flatten();
    tables.map(|table| table.path()).collect()
}

fn deep(home: &Home) -> Json {
    serde_json::from_str(&home.ok(&["verify", "--deep", "--json"])).unwrap()
}

#[test]
fn values_on_disk_are_held_against_the_ledger_beside_a_server_and_without_one() {
    let home = with_values(40);
    assert_eq!(deep(&home)[0]["values"], 40);
    let before = listing(&home.data().join("image"));
    assert!(home.ok(&["verify", "--deep"]).contains("with 40 values on disk"));
    assert_eq!(listing(&home.data().join("image")), before, "it only looks");
    let server = Server::start(&home);
    for turn in 1..6 {
        written(&server, &home, turn * 100, 100);
        // What the server has not brought to the disk yet is not there, and nobody's fault.
        let values = deep(&home)[0]["values"].as_u64().unwrap();
        assert!((40..=40 + 100 * turn as u64).contains(&values), "{values}");
    }
    drop(server);
    deep(&home);
    home.ok(&["inbox", "list"]);
    assert_eq!(deep(&home)[0]["values"], 540);
}

fn listing(folder: &Path) -> Vec<(PathBuf, u64, std::time::SystemTime)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let about = entry.metadata().unwrap();
        if about.is_dir() {
            all.extend(listing(&entry.path()));
        }
        all.push((entry.path(), about.len(), about.modified().unwrap()));
    }
    all.sort();
    all
}

#[test]
fn a_value_that_is_not_what_the_ledger_says_is_found_with_both() {
    let home = with_values(8);
    falsify(&home, older);
    let said = home.run(&["verify", "--deep"]);
    assert_eq!(said.status, 3, "{said:?}");
    let words =
        "crm/contact/c3: the image has version 0 of deed 1 by first-agent, the ledger version 1 of deed ";
    assert!(said.err.contains(words) && said.err.contains("image"), "{said:?}");
    falsify(&home, |_, changes| {
        let more = Entity { version: Version(2), deed: Seq(5), ..Entity::default() };
        changes.entities.push(("crm/contact/none".parse().unwrap(), Arc::new(more)));
    });
    let said = home.run(&["doctor"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.out.contains("crm/contact/none: the image has version 2 of deed 5, the ledger none"),
        "{said:?}"
    );
    home.run(&["doctor", "--fix"]);
    assert_eq!(deep(&home)[0]["values"], 8);
}

#[test]
fn an_image_that_is_damaged_or_gone_is_told_and_made_anew() {
    let home = with_values(8);
    for damage in [0, 1, 2] {
        let tables = tables(&home);
        assert!(!tables.is_empty());
        for table in tables {
            let mut bytes = fs::read(&table).unwrap();
            match damage {
                0 => bytes.truncate(60),
                // The first block is one of rows.
                1 => bytes[40] ^= 8,
                _ => {
                    fs::remove_file(table).unwrap();
                    continue;
                }
            }
            fs::write(&table, bytes).unwrap();
        }
        let said = home.run(&["verify", "--deep"]);
        assert_eq!(said.status, 3, "damage {damage}: {said:?}");
        assert!(said.err.contains("image"), "damage {damage}: {said:?}");
        assert!(home.run(&["doctor", "--json"]).out.contains("image-damaged"), "damage {damage}");
        home.ok(&["doctor", "--fix"]);
        assert_eq!(deep(&home)[0]["values"], 8, "damage {damage}");
    }
    fs::remove_dir_all(home.data().join("image")).unwrap();
    assert!(deep(&home)[0]["values"].is_null());
    assert_eq!(home.run(&["doctor"]).out.matches("made anew at the next start").count(), 1);
    home.ok(&["inbox", "list"]);
    assert_eq!(deep(&home)[0]["values"], 8);
}
