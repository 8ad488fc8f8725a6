//! Disks that fail: each file in turn gives EIO or ENOSPC when it is written, synced or read, the whole disk is full, or may only
//! be read. Nothing acknowledged is lost, something says it, and it goes on when the disk does.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::player::{BOUND, Look, Player, Write};
use super::template::{Template, copied};
use super::templates;
use crate::disk::Disk;
use crate::patience::PATIENCE;
use crate::programs;
use crate::run::Home;
use crate::server::Server;

const WRITING: &str = "write,pwrite64,fsync,fdatasync,ftruncate";
const READING: &str = "read,pread64";

/// A server whose calls on that file fail, by `when` of strace.
fn failing(home: &Home, file: &Path, calls: &str, error: &str, when: &str) -> Result<Server, String> {
    let trace = home.dir.path().join("trace");
    let binary = env!("CARGO_BIN_EXE_deeds");
    let script = format!(
        "exec strace -D -f -qq --seccomp-bpf -o {} -P {} -e trace={calls} -e inject={calls}:error={error}:when={when} \
         {binary} serve --listen 127.0.0.1:0",
        trace.display(),
        file.display(),
    );
    Server::try_by_script(home, &script, BOUND)
}

fn injected(home: &Home) -> usize {
    let trace = fs::read_to_string(home.dir.path().join("trace")).unwrap_or_default();
    trace.lines().filter(|line| line.contains("(INJECTED)")).count()
}

fn log(home: &Home) -> String {
    fs::read_to_string(home.dir.path().join("serve.log")).unwrap_or_default()
}

/// Writes of the first agent, each to what was never written; those that were acknowledged.
struct Writer<'a> {
    player: &'a Player<'a>,
    tried: u64,
    acknowledged: Vec<(String, u64)>,
    refused: Vec<String>,
}

impl Writer<'_> {
    fn write(&mut self, server: &Server) -> bool {
        self.tried += 1;
        let entity = format!("crm/disk/{}", self.tried);
        let write = Write { workspace: "default", agent: "first-agent", entity, value: self.tried };
        match self.player.write(server, &write) {
            Ok(_) => self.acknowledged.push((write.entity, write.value)),
            Err(why) => self.refused.push(why),
        }
        self.acknowledged.last().is_some_and(|(_, value)| *value == self.tried)
    }

    fn goes_on(&mut self, server: &Server) -> bool {
        let end = Instant::now() + PATIENCE / 4;
        while Instant::now() < end {
            if self.write(server) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        false
    }

    /// All that was acknowledged is there, and all that was there before.
    fn all_there(&self, template: &Template, server: &Server, what: &str) {
        for (look, truth) in &template.truth {
            let answer = look
                .answer(self.player, Some(server))
                .unwrap_or_else(|said| panic!("{what}: {look:?}: {said}"));
            let lacks: Vec<_> = truth.difference(&answer).take(1).collect();
            assert!(lacks.is_empty(), "{what}: {look:?} lacks {lacks:?}");
        }
        let export = Look::Export("default").answer(self.player, Some(server)).unwrap();
        for (entity, value) in &self.acknowledged {
            let (subject, after) = (format!("\"subject\":\"{entity}\""), format!("\"after\":{value}"));
            let there = export.iter().any(|line| line.contains(&subject) && line.contains(&after));
            assert!(there, "{what}: what was acknowledged is gone: {entity}");
        }
    }
}

/// The file is written, synced and cut with an error for a while.
fn fails_in_writing(template: &Template, file: &str, error: &str) {
    let home = template.copy(None);
    let player = Player { home: &home, user: None };
    let what = format!("{error} in {file}");
    let path = home.data().join(file);
    let mut writer = Writer { player: &player, tried: 0, acknowledged: Vec::new(), refused: Vec::new() };
    // An index is written so seldom that its first writes must be the ones.
    let when = if file.contains("index") { "1..4" } else { "2..5" };
    match failing(&home, &path, WRITING, error, when) {
        // It may not get so far, and says why.
        Err(said) => assert!(said.contains("deeds") && !said.contains("panicked"), "{what}: {said}"),
        Ok(mut server) => {
            for _ in 0..12 {
                writer.write(&server);
            }
            assert!(
                writer.goes_on(&server),
                "{what}: it did not go on: {:?}\n{}",
                writer.refused.last(),
                log(&home)
            );
            let refused = writer.refused.iter().all(|why| why.starts_with("503"));
            assert!(refused, "{what}: {:?}", writer.refused);
            // An index is written beside all that, some time.
            let end = Instant::now() + PATIENCE / 4;
            while injected(&home) == 0 && Instant::now() < end {
                writer.write(&server);
                std::thread::sleep(Duration::from_millis(50));
            }
            server.signal(Signal::TERM);
        }
    }
    let (injected, log) = (injected(&home), log(&home));
    assert!(!log.contains("panicked"), "{what}: {log}");
    eprintln!(
        "{what}: {injected} calls failed, {} acknowledged, {} refused",
        writer.acknowledged.len(),
        writer.refused.len()
    );
    assert!(injected > 0, "{what}: nothing failed, so nothing was tested");
    // An index whose log stays is none the worse.
    let said = log.contains(" WARN ") || log.contains("ERROR ") || !writer.refused.is_empty();
    assert!(said || file.ends_with("index.db"), "{what}: nothing was said of it");
    let server = Server::start(&home);
    assert!(writer.goes_on(&server), "{what}: after a start");
    writer.all_there(template, &server, &what);
    drop(server);
    home.ok(&["verify"]);
    home.ok(&["doctor"]);
}

#[test]
fn each_file_that_can_not_be_written_loses_nothing_and_is_told() {
    if !programs::is_there("strace") {
        return;
    }
    let [template, _, _] = &*templates();
    let files = ["ledger.db", "ledger.db-wal", "ledger.db-head", "index.db", "index.db-wal", "snapshot.new"];
    let errors = ["EIO", "ENOSPC"];
    for (at, file) in files.into_iter().enumerate() {
        // By turns; each with both in a long run.
        let here = if super::long().is_some() { &errors[..] } else { &errors[at % 2..=at % 2] };
        for error in here {
            fails_in_writing(template, &format!("workspaces/default/{file}"), error);
        }
    }
}

/// A file can't be read at all: whoever needs it says so, or does without.
#[test]
fn each_file_that_can_not_be_read_loses_nothing_and_is_told() {
    if !programs::is_there("strace") {
        return;
    }
    let [_, template, _] = &*templates();
    for file in [
        "home",
        "workspaces/default/ledger.db",
        "workspaces/default/ledger.db-wal",
        "workspaces/default/ledger.db-head",
        "workspaces/default/index.db",
        "workspaces/default/snapshot",
        "workspaces/default/heads.signed",
    ] {
        let home = template.copy(None);
        let player = Player { home: &home, user: None };
        let mut writer = Writer { player: &player, tried: 0, acknowledged: Vec::new(), refused: Vec::new() };
        let (mut looked, what) = (Vec::new(), format!("EIO from {file}"));
        match failing(&home, &home.data().join(file), READING, "EIO", "1+") {
            Err(said) => assert!(said.contains("deeds") && !said.contains("panicked"), "{what}: {said}"),
            Ok(server) => {
                writer.write(&server);
                for (look, truth) in &template.truth {
                    match look.answer(&player, Some(&server)) {
                        Ok(answer) => assert!(truth.is_subset(&answer), "{what}: {look:?} is wrong"),
                        Err(said) => looked.push(said),
                    }
                }
            }
        }
        let (injected, log) = (injected(&home), log(&home));
        eprintln!(
            "{what}: {injected} reads failed, {} looks and {} writes said so",
            looked.len(),
            writer.refused.len()
        );
        assert!(!log.contains("panicked"), "{what}: {log}");
        assert!(injected > 0, "{what}: nothing was read");
        let said = log.contains(" WARN ") || log.contains("ERROR ") || !writer.refused.is_empty();
        assert!(said, "{what}: nothing was said of it:\n{log}");
        let server = Server::start(&home);
        assert!(writer.goes_on(&server), "{what}: after a start");
        writer.all_there(template, &server, &what);
        drop(server);
        home.ok(&["verify"]);
        home.ok(&["doctor"]);
    }
}

/// A home like the template's on a disk of its own.
fn on_a_disk(template: &Template) -> Option<(Home, Disk)> {
    let home = template.copy(None);
    let apart = home.dir.path().join("apart");
    fs::rename(home.data(), &apart).unwrap();
    let disk = Disk::mounted(&home.data())?;
    copied(&apart.join("."), &home.data());
    Some((home, disk))
}

#[test]
fn a_disk_that_is_full_records_nothing_loses_nothing_and_goes_on_with_room() {
    let [quiet, killed, _] = &*templates();
    for template in [quiet, killed] {
        let left = template.left;
        let Some((home, disk)) = on_a_disk(template) else { return };
        let player = Player { home: &home, user: None };
        let mut writer = Writer { player: &player, tried: 0, acknowledged: Vec::new(), refused: Vec::new() };
        let mut server = Server::start(&home);
        assert!(writer.write(&server));
        disk.fill("filler");
        // The log has some room of its own, and caches make place.
        let full = (0..4_000).any(|_| !writer.write(&server));
        assert!(full, "{left:?}: there was room");
        assert!(writer.refused.iter().all(|why| why.starts_with("503")), "{:?}", writer.refused);
        let said = home.run(&["doctor"]);
        assert!(said.status == 1 && said.out.contains("MiB free"), "{said:?}");
        fs::remove_file(home.data().join("filler")).unwrap();
        assert!(
            writer.goes_on(&server),
            "{left:?}: there is room, and nothing is recorded: {:?}",
            writer.refused.last()
        );
        server.signal(Signal::KILL);
        disk.fill("filler");
        let said = home.run(&["doctor"]);
        assert!(said.status == 1 && said.out.contains("MiB free"), "{said:?}");
        // What it can't do without room it says; nothing is made worse by trying.
        drop(Server::try_start(&home, |_| {}, BOUND));
        fs::remove_file(home.data().join("filler")).unwrap();
        let server = Server::start(&home);
        assert!(writer.goes_on(&server));
        writer.all_there(template, &server, &format!("{left:?}"));
        drop(server);
        home.ok(&["verify"]);
    }
}

/// Looks need nothing that is written.
#[test]
fn a_disk_that_may_only_be_read_is_looked_at_and_told() {
    let [quiet, killed, _] = &*templates();
    for template in [quiet, killed] {
        let left = template.left;
        let Some((home, disk)) = on_a_disk(template) else { return };
        let player = Player { home: &home, user: None };
        disk.writable(false);
        let mut failed = Vec::new();
        for (look, truth) in &template.truth {
            match look.answer(&player, None) {
                Ok(answer) if matches!(look, Look::Token(_)) || truth.is_subset(&answer) => {}
                Ok(answer) => failed.push(format!("{look:?} is wrong: {answer:?}")),
                Err(said) => failed.push(format!("{look:?}: {said}")),
            }
        }
        let said = player.run(&["verify"]);
        if said.status != 0 {
            failed.push(format!("verify: {said:?}"));
        }
        let said = player.run(&["doctor"]);
        if said.status != 1 || !said.out.to_lowercase().contains("read-only") {
            failed.push(format!("doctor: exit {} {}{}", said.status, said.out, said.err));
        }
        let said = player.run(&["raise", "nobody.knows"]);
        if said.status != 3 || !said.err.contains("reading only") {
            failed.push(format!("raise: {said:?}"));
        }
        disk.writable(true);
        let server = Server::start(&home);
        let writer = Writer { player: &player, tried: 0, acknowledged: Vec::new(), refused: Vec::new() };
        writer.all_there(template, &server, "with rights again");
        assert!(failed.is_empty(), "{left:?}: {}", failed.join("\n"));
    }
}
