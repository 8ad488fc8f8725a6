//! Upkeep on a real data directory: backup beside a running server, restore, doctor, the manual.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use deeds::coordinator::Clock;
use deeds::domain::ids::{PersonId, WorkspaceId};
use deeds::server::Workspaces;
use serde_json::Value as Json;

use crate::run::Home;
use crate::server::Server;

/// A home with one workspace of some deeds.
fn home() -> Home {
    let home = Home::new();
    home.ok(&["raise", "nobody.knows"]);
    home
}

#[test]
fn a_backup_made_beside_a_server_comes_back_whole() {
    let home = home();
    let server = Server::start(&home);
    let said = home.ok(&["backup", "b.tar"]);
    assert!(said.contains("default"), "{said}");
    let again = home.run(&["backup", "b.tar"]);
    assert_eq!(again.status, 2, "{}", again.err);
    assert!(again.err.contains("there is a file already"), "{}", again.err);
    let before = home.ok(&["log", "--json"]);
    drop(server);

    let said = home.ok(&["restore", "b.tar", "--data-dir", "new"]);
    assert!(said.contains("every chain holds"), "{said}");
    let verified = home.ok(&["verify", "--data-dir", "new"]);
    assert!(verified.contains("holds"), "{verified}");
    let after = home.ok(&["log", "--json", "--data-dir", "new"]);
    for line in before.lines() {
        assert!(after.contains(line), "{line}\n{after}");
    }
    // It goes on from there.
    let items: Json =
        serde_json::from_str(&home.ok(&["inbox", "list", "--json", "--data-dir", "new"])).unwrap();
    assert_eq!(items["items"].as_array().unwrap().len(), 1, "{items}");
    let refused = home.run(&["restore", "b.tar", "--data-dir", "new"]);
    assert_eq!(refused.status, 2, "{}", refused.err);
    assert!(refused.err.contains("is here already"), "{}", refused.err);
    let left: Vec<_> =
        fs::read_dir(home.dir.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains(".new")), "{left:?}");
}

#[test]
fn a_backup_cut_short_or_changed_restores_nothing() {
    let home = home();
    home.ok(&["backup", "b.tar"]);
    let whole = fs::read(home.dir.path().join("b.tar")).unwrap();
    let mut changed = whole.clone();
    let at = changed.len() / 2;
    changed[at] ^= 1;
    for (name, bytes, why) in [
        ("short.tar", &whole[..whole.len() / 2], "cut short"),
        ("changed.tar", &changed[..], "damaged"),
        ("other.tar", &b"workspace = \"northwind\"\n"[..], "no backup of Deeds"),
    ] {
        fs::write(home.dir.path().join(name), bytes).unwrap();
        let said = home.run(&["restore", name, "--data-dir", "new"]);
        assert_eq!(said.status, 3, "{name}: {}", said.err);
        assert!(said.err.contains(name) && said.err.contains(why), "{name}: {}", said.err);
        assert!(!home.dir.path().join("new").exists(), "{name} left something");
    }
    assert_eq!(home.run(&["restore", "absent.tar", "--data-dir", "new"]).status, 2);
}

#[test]
fn the_doctor_finds_nothing_wrong_until_something_is() {
    let home = home();
    let checks: Json = serde_json::from_str(&home.ok(&["doctor", "--json"])).unwrap();
    let of = |checks: &Json, what: &str| {
        let all = checks.as_array().unwrap().clone();
        all.into_iter().find(|check| check["what"] == what).unwrap_or_else(|| panic!("{what}: {checks}"))
    };
    for what in ["version", "data directory", "tokens", "server", "ledger default", "index default"] {
        assert_eq!(of(&checks, what)["health"], "fine", "{checks}");
    }
    let server = Server::start(&home);
    let running = home.ok(&["doctor"]);
    assert!(running.contains("answers"), "{running}");
    drop(server);

    let token = fs::read_dir(home.data().join("tokens")).unwrap().next().unwrap().unwrap().path();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o644)).unwrap();
    let ledger = home.data().join("workspaces/default/ledger.db");
    let bytes = fs::read(&ledger).unwrap();
    fs::write(&ledger, &bytes[..bytes.len() / 2]).unwrap();
    let said = home.run(&["doctor", "--json"]);
    assert_eq!(said.status, 1, "{}", said.err);
    let checks: Json = serde_json::from_str(&said.out).unwrap();
    for what in ["tokens", "ledger default"] {
        assert_eq!(of(&checks, what)["health"], "wrong", "{checks}");
        assert!(of(&checks, what)["mend"].is_string());
    }
    assert_eq!(fs::read(&ledger).unwrap().len(), bytes.len() / 2, "it only looks");
}

#[test]
fn of_many_workspaces_the_doctor_tells_of_those_in_which_something_is_wrong() {
    let home = home();
    let made = async {
        let workspaces = Workspaces::open(home.data().as_path(), Clock::System).await.unwrap();
        let dana = PersonId::new("dana").unwrap();
        for number in 0..64 {
            let name = WorkspaceId::new(&format!("team-{number:02}")).unwrap();
            workspaces.create(&name, &dana, None).await.unwrap();
        }
        workspaces.shutdown().await;
    };
    tokio::runtime::Runtime::new().unwrap().block_on(made);
    let found = |text: &str| {
        let checks: Vec<Json> = serde_json::from_str(text).unwrap();
        let ours = checks.into_iter().filter(|check| {
            let what = check["what"].as_str().unwrap();
            what == "workspaces" || what.contains("team-") || what.contains(" default")
        });
        ours.map(|check| format!("{} {} {}", check["what"], check["health"], check["found"]))
            .collect::<Vec<_>>()
    };
    let well = found(&home.ok(&["doctor", "--json"]));
    assert!(matches!(&*well, [one] if one.contains("65 of 65 are as they should be")), "{well:?}");
    home.ok(&["backup", "all.tar"]);
    home.ok(&["restore", "all.tar", "--data-dir", "new"]);
    let restored = home.run(&["doctor", "--json", "--data-dir", "new"]).out;
    assert!(restored.contains("from") && !restored.contains("memory-damaged"), "{restored}");
    let workspaces = home.data().join("workspaces");
    fs::rename(workspaces.join("team-07"), workspaces.join("team-99")).unwrap();
    let said = home.run(&["doctor", "--json"]);
    assert_eq!(said.status, 1, "{}", said.err);
    let wrong = found(&said.out);
    assert!(
        matches!(&*wrong, [all, one] if all.contains("64 of 65") && one.contains("team-99")),
        "{wrong:?}"
    );
}

#[test]
fn the_doctor_makes_nothing() {
    let home = Home::new();
    let said = home.ok(&["doctor"]);
    assert!(said.contains("is not there yet"), "{said}");
    assert!(!home.data().exists());
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let home = Home::new();
    let page = home.ok(&["man"]);
    assert!(page.contains(".TH deeds 1") && page.contains("Exit status"), "{page}");
    home.ok(&["man", "--out", "man1"]);
    for name in ["deeds.1", "deeds-inbox.1", "deeds-inbox-answer.1", "deeds-backup.1"] {
        assert!(home.dir.path().join("man1").join(name).exists(), "{name}");
    }
}
