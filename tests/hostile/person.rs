//! In somebody else's name: by the environment, by an admin, by an invitation that was used before.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::run::{Home, Said};
use crate::server::Server;

fn tokens(home: &Home) -> Value {
    serde_json::from_str(&home.ok(&["tokens", "list", "--json"])).unwrap()
}

fn names(home: &Home) -> Vec<String> {
    let tokens = tokens(home);
    tokens["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| token["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_environment_makes_nobody_an_admin() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    let stop = ["override", "pause-all", "--reason", "because", "--for", "1h"];
    let said =
        Said::of(home.command(&stop).env_remove("DEEDS_PERSON").env("USER", "eve").env("LOGNAME", "eve"));
    assert_eq!(said.status, 0, "{}", said.err);
    let said = Said::of(home.command(&["inbox", "list"]).env("DEEDS_PERSON", "eve"));
    assert_eq!(said.status, 2, "{}\n{}", said.out, said.err);
    assert!(said.err.contains("its person is dana"), "{}", said.err);
    // What the directory says of itself is made anew from its ledger.
    fs::write(home.data().join("person"), "eve").unwrap();
    let said = Said::of(home.command(&["inbox", "list"]).env_remove("DEEDS_PERSON"));
    assert_eq!(said.status, 0, "{}", said.err);
    assert!(!names(&home).contains(&"eve".to_owned()), "{:?}", names(&home));
    // Each deed names the token that was shown.
    let ours =
        tokens(&home)["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "dana").cloned();
    let id = ours.unwrap()["id"].as_str().unwrap().to_owned();
    let found = home.ok(&["log", &format!("\"{id}\" type:workspace.paused"), "--json"]);
    let deed: Value = serde_json::from_str(found.lines().next().unwrap()).unwrap();
    assert!(found.contains(&format!("\"token\":\"{id}\"")), "{deed}");
    assert!(found.contains("\"name\":\"dana\""), "{deed}");
}

#[test]
fn a_token_in_a_persons_name_is_made_by_that_person_once() {
    let home = Home::new();
    home.ok(&["inbox", "list"]);
    for class in ["reviewer", "admin"] {
        let said = home.run(&["tokens", "create", class, "sam"]);
        assert_ne!(said.status, 0, "{}", said.out);
        let text = said.out + &said.err;
        assert!(text.contains("invite"), "{text}");
    }
    home.ok(&["tokens", "invite", "reviewer", "sam", "--out", "sam.invitation"]);
    home.ok(&["tokens", "invite", "admin", "kim", "--out", "kim.invitation", "--within", "2h"]);
    let said = home.run(&["tokens", "invite", "admin", "kim", "--within", "8d"]);
    assert_ne!(said.status, 0, "{}", said.out);
    let server = Server::start(&home);
    let join = |file: &str, out: &str| home.run(&["join", file, "--connect", &server.url, "--out", out]);

    // Whoever may read it may have taken it already.
    let place = home.dir.path().join("sam.invitation");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o644)).unwrap();
    let said = join("sam.invitation", "sam.token");
    assert!(said.status == 2 && said.err.contains("chmod 600"), "{}", said.err);
    fs::set_permissions(&place, fs::Permissions::from_mode(0o600)).unwrap();
    let said = home.run(&["tokens", "invite", "reviewer", "--out", "x.invitation", "--", "--help"]);
    assert!(said.status == 1 && said.out.contains("an option"), "{}{}", said.out, said.err);
    let said = join("sam.invitation", "sam.token");
    assert_eq!(said.status, 0, "{}\n{}", said.out, said.err);
    let me = home.ok(&["inbox", "list", "--connect", &server.url, "--token-file", "sam.token"]);
    assert!(!me.is_empty());
    let said = join("sam.invitation", "again.token");
    assert_ne!(said.status, 0, "it was taken twice: {}", said.out);
    assert!(!home.dir.path().join("again.token").exists());

    // A secret that is nearly right, an invitation that was taken back.
    let text = fs::read_to_string(home.dir.path().join("kim.invitation")).unwrap();
    let (last, rest) = (text.trim().chars().last().unwrap(), text.trim().len() - 1);
    home.file("wrong.invitation", &format!("{}{}\n", &text[..rest], if last == '0' { '1' } else { '0' }));
    assert_ne!(join("wrong.invitation", "kim.token").status, 0);
    let list = tokens(&home);
    let open = list["invitations"].as_array().unwrap();
    assert_eq!(open.len(), 1, "{list}");
    assert!(!list.to_string().contains(text.trim().rsplit('_').next().unwrap()), "the secret is shown");
    home.ok(&["tokens", "revoke", open[0]["id"].as_str().unwrap()]);
    assert_ne!(join("kim.invitation", "kim.token").status, 0);

    let made = list["tokens"].as_array().unwrap().iter().find(|token| token["name"] == "sam").unwrap();
    assert_eq!((&made["by"]["name"], &made["of_the_name"]), (&"sam".into(), &1.into()), "{made}");
    assert!(made["invitation"].is_string(), "{made}");
}
