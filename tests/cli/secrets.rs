//! A token's secret is in its file and, once, in the answer that made it: in no other file, output, error or log.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Home, Said};
use crate::server::{Server, ask};

fn files(directory: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, into);
        } else {
            into.push(path);
        }
    }
}

fn secret(text: &str) -> String {
    text.trim().rsplit('_').next().unwrap().to_owned()
}

#[test]
fn secrets_are_nowhere_but_in_their_files() {
    let home = Home::new();
    let mut server = Server::start(&home);
    let tokens = home.data().join("tokens");
    let admin = fs::read_to_string(tokens.join("default.dana")).unwrap();
    let agent = fs::read_to_string(tokens.join("default.first-agent")).unwrap();
    let printed = home.ok(&["tokens", "create", "watcher", "eve"]);
    let planted = format!("deeds_admin_default_0badbad0_{}", "5ec4e7".repeat(11).get(..64).unwrap());
    let mut said: Vec<Said> = Vec::new();
    for arguments in [
        &["inbox", "list"][..],
        &["tokens", "list", "--json"],
        &["tokens", "create", "agent", "a", "--out", "a.token"],
        &["log", "--json"],
        &["log", "--export", "csv"],
        &["screen", "log"],
        &["--connect", "http://127.0.0.1:1", "inbox", "list"],
        &["verify"],
    ] {
        said.push(home.run(arguments));
        // The same with a token that opens nothing, in the environment and in a file.
        said.push(Said::of(home.command(arguments).env("DEEDS_TOKEN", &planted)));
        let cut = planted.get(..planted.len() - 1).unwrap();
        said.push(Said::of(home.command(arguments).env("DEEDS_TOKEN", cut)));
        home.file("planted.token", &planted);
        said.push(home.run(&[&["--token-file", "planted.token"][..], arguments].concat()));
    }
    let header = home.file("planted.header", &format!("Authorization: Bearer {planted}"));
    let (status, answer) = ask(&server.url, &header, "GET", "/v1/board", "").unwrap();
    assert_eq!(status, 401);
    let mut outputs: Vec<(String, String)> = vec![("the answer".to_owned(), answer.to_string())];
    outputs.extend(
        said.iter()
            .flat_map(|said| [&said.out, &said.err])
            .map(|text| ("an output".to_owned(), text.clone())),
    );
    assert_eq!(server.signal(rustix::process::Signal::TERM), Some(0));

    let made = fs::read_to_string(home.dir.path().join("a.token")).unwrap();
    let secrets = [secret(&admin), secret(&agent), secret(&printed), secret(&planted), secret(&made)];
    assert!(secrets.iter().all(|secret| secret.len() == 64), "there is something to look for");
    let mut there = Vec::new();
    files(&home.data(), &mut there);
    there.push(home.dir.path().join("serve.log"));
    for path in there.iter().filter(|path| path.parent() != Some(&tokens)) {
        outputs.push((
            path.display().to_string(),
            String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned(),
        ));
    }
    assert!(outputs.len() > 30);
    for (place, text) in &outputs {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "a secret is in {place}:\n{text}");
        }
    }
}
