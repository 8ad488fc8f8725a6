//! Ledgers under a name that is not theirs, ledgers that are there twice, and what kills left behind: told for each, and the
//! others go on.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Home, Said};
use crate::server::{Server, ask};

fn folder(home: &Home, workspace: &str) -> PathBuf {
    home.data().join("workspaces").join(workspace)
}

fn told(said: &Said) -> String {
    format!("exit {}\nout: {}\nerr: {}", said.status, said.out, said.err)
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Two workspaces, and something wrong with the second: everything that looks at all of them tells both.
fn second_is_wrong(home: &Home, name: &str, why: &str) {
    let names = |said: &Said| {
        let all = format!("{}{}", said.out, said.err);
        assert!(all.contains("default") && all.contains(why), "{why}: {}", told(said));
    };
    let verify = home.run(&["verify"]);
    assert!(verify.status == 3 && verify.out.contains("holds"), "{}", told(&verify));
    names(&verify);
    let doctor = home.run(&["doctor"]);
    assert!(doctor.status == 1 && doctor.out.contains("fine   ledger default"), "{}", told(&doctor));
    names(&doctor);
    let backup = home.run(&["backup", "b.tar"]);
    assert!(backup.status == 1 && backup.err.contains("not in the backup"), "{}", told(&backup));
    names(&backup);
    home.ok(&["restore", "b.tar", "--data-dir", "new"]);
    assert!(home.ok(&["verify", "--data-dir", "new"]).contains("default"));

    let server = Server::start(home);
    home.ok(&["-w", "default", "raise", "goes.on"]);
    let listed = home.run(&["-w", "default", "workspaces"]);
    assert!(listed.status == 1 && listed.out.contains(name), "{}", told(&listed));
    names(&listed);
    let token = home.data().join("tokens/default.dana");
    assert_eq!(ask(&server.url, &token, "GET", "/readyz", "").unwrap().0, 503);
}

fn two() -> Home {
    let home = Home::new();
    home.ok(&["raise", "nobody.knows"]);
    home.ok(&["workspaces", "create", "other"]);
    home
}

#[test]
fn a_renamed_workspace_is_told_by_everything_and_hides_no_other() {
    let home = two();
    fs::rename(folder(&home, "other"), folder(&home, "renamed")).unwrap();
    second_is_wrong(&home, "renamed", "this ledger is of workspace `other`, not of `renamed`");
    // The mend that it names.
    fs::rename(folder(&home, "renamed"), folder(&home, "other")).unwrap();
    home.ok(&["verify"]);
    home.ok(&["doctor"]);
}

#[test]
fn a_second_copy_of_a_ledger_is_refused_with_both_named() {
    let home = two();
    copy_folder(&folder(&home, "default"), &folder(&home, "default-copy"));
    second_is_wrong(&home, "default-copy", "a second copy of the ledger in");
    let said = home.run(&["verify"]);
    assert!(
        said.err.contains("default-copy/ledger.db") && said.err.contains("default/ledger.db;"),
        "{}",
        told(&said)
    );
}

#[test]
fn a_damaged_workspace_hides_no_other() {
    let home = two();
    let ledger = folder(&home, "other").join("ledger.db");
    let bytes = fs::read(&ledger).unwrap();
    fs::write(&ledger, &bytes[..bytes.len() / 2]).unwrap();
    second_is_wrong(&home, "other", "cut short");
}

#[test]
fn what_a_kill_left_of_a_ledger_that_was_being_made_is_taken_away() {
    let home = two();
    let half = folder(&home, "half");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("ledger.new-1"), "half a ledger").unwrap();
    fs::write(half.join("ledger.new-1-journal"), "").unwrap();
    // The link was made, and the draft was not taken away.
    fs::hard_link(folder(&home, "other").join("ledger.db"), folder(&home, "other").join("ledger.new-2"))
        .unwrap();
    // A ledger that never got its first deed.
    fs::create_dir(folder(&home, "empty")).unwrap();
    drop(
        deeds::ledger::SqliteLedger::open_or_create(&folder(&home, "empty").join("ledger.db"), "empty")
            .unwrap(),
    );

    home.ok(&["verify"]);
    home.ok(&["backup", "before.tar"]);
    let server = Server::start(&home);
    assert!(!half.exists() && !folder(&home, "other").join("ledger.new-2").exists());
    home.ok(&["-w", "other", "inbox", "list"]);
    home.ok(&["-w", "default", "workspaces", "create", "half"]);
    home.ok(&["-w", "default", "workspaces", "create", "empty"]);
    drop(server);
    home.ok(&["verify"]);
    home.ok(&["restore", "before.tar", "--data-dir", "new"]);
}

#[test]
fn what_a_killed_backup_left_is_taken_away_by_the_next_one_and_nothing_else() {
    let home = two();
    let beside = |name: &str| {
        let path = home.dir.path().join(name);
        fs::create_dir(&path).unwrap();
        fs::write(path.join("backup.tar"), "half").unwrap();
        path
    };
    // No system has processes with such numbers.
    let (dead, living) = (beside("b.tar.99999999.new"), beside(&format!("b.tar.{}.new", std::process::id())));
    let (locked, other) = (beside("b.tar.99999998.new"), beside("c.tar.99999999.new"));
    let lock = fs::File::open(&locked).unwrap();
    lock.lock().unwrap();
    home.ok(&["backup", "b.tar"]);
    assert!(!dead.exists(), "what a killed backup left stays");
    for kept in [living, locked, other] {
        assert!(kept.exists(), "{} is gone", kept.display());
    }
}

/// It chains, and it is of this name: only who has seen the other one knows.
#[test]
fn another_ledger_in_the_place_of_one_is_refused() {
    let (home, other) = (Home::new(), Home::new());
    home.ok(&["raise", "nobody.knows"]);
    other.ok(&["raise", "somebody.else"]);
    let ledger = |home: &Home| home.data().join("workspaces/default/ledger.db");
    fs::copy(ledger(&other), ledger(&home)).unwrap();
    for arguments in [&["raise", "one.more"][..], &["doctor"], &["verify"]] {
        let said = home.run(arguments);
        assert_ne!(said.status, 0, "{arguments:?}: {}", said.out);
        assert!(
            format!("{}{}", said.out, said.err).contains("was written here"),
            "{}\n{}",
            said.out,
            said.err
        );
    }
    fs::remove_file(home.data().join("workspaces/default/ledger.db-head")).unwrap();
    home.ok(&["verify"]);
}
