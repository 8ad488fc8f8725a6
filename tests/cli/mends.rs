//! Everything that the doctor finds, made to be so, found, mended as the doctor says, and found no more. The table is the
//! program's own: a row without a scene here fails.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value as Json, json};

use crate::disk::Disk;
use crate::postgres::keep_in;
use crate::programs;
use crate::run::{Home, Said};
use crate::server::{Server, ask};

/// A look, and one after the mend.
type Look = Box<dyn Fn(&Home) -> Command>;

/// A mend, which may ask for another look afterwards.
type Mend = Box<dyn FnOnce(&Home) -> Option<Look>>;

/// Something that is wrong, how it is looked at, and the mend, which may ask for another look afterwards.
struct Scene {
    home: Home,
    look: Look,
    mend: Mend,
}

impl Scene {
    /// Mended by what is done there.
    fn new(home: Home, mend: impl FnOnce(&Home) + 'static) -> Self {
        let mend = Box::new(|home: &Home| {
            mend(home);
            None
        });
        Self { home, look: Box::new(doctor), mend }
    }

    /// Mended by `deeds doctor --fix`.
    fn fixed(home: Home) -> Self {
        Self::new(home, |home| {
            let said = home.run(&["doctor", "--fix", "--json"]);
            let told: Json = serde_json::from_str(&said.out).unwrap_or_default();
            assert_ne!(told["fixed"], json!([]), "{said:?}");
        })
    }

    /// Mended by restoring a backup elsewhere.
    fn restored(home: Home, backup: PathBuf) -> Self {
        let mend = move |home: &Home| {
            let file = backup.to_str().unwrap();
            home.ok(&["restore", file, "--data-dir", "new"]);
            let look: Look = Box::new(|home| home.command(&["doctor", "--json", "--data-dir", "new"]));
            Some(look)
        };
        Self { home, look: Box::new(doctor), mend: Box::new(mend) }
    }

    /// Mended by mounting its disk anew with those options; it stays for the look afterwards.
    fn on(disk: Disk, home: Home, options: &'static str) -> Self {
        let mend = move |_: &Home| -> Option<Look> {
            disk.again(options);
            Some(Box::new(move |home| {
                assert!(disk.is_there());
                doctor(home)
            }))
        };
        Self { home, look: Box::new(doctor), mend: Box::new(mend) }
    }

    fn with_look(self, look: impl Fn(&Home) -> Command + 'static) -> Self {
        Self { look: Box::new(look), ..self }
    }
}

fn doctor(home: &Home) -> Command {
    let mut command = home.command(&["doctor", "--json"]);
    command.env("TERM", "xterm").env("LANG", "C.UTF-8").env("EDITOR", "vi");
    command
}

/// The names of what is found.
fn found(command: &mut Command) -> (BTreeSet<String>, Said) {
    let said = Said::of(command);
    let checks: Json = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    let names = checks.as_array().unwrap().iter().filter_map(|check| check["finding"].as_str());
    (names.map(str::to_owned).collect(), said)
}

fn folder(home: &Home) -> PathBuf {
    home.data().join("workspaces/default")
}

fn own_token(home: &Home) -> PathBuf {
    home.data().join("tokens/default.dana")
}

/// A home with some deeds, served and ended in order.
fn founded() -> Home {
    let home = Home::new();
    home.ok(&["raise", "nobody.knows.1"]);
    home.ok(&["log", "--json"]);
    home
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Writes over a byte of a file; negative places count from its end.
fn flip(path: &Path, at: i64) {
    let mut bytes = fs::read(path).unwrap();
    let length = i64::try_from(bytes.len()).unwrap();
    let at = usize::try_from(if at < 0 { length + at } else { at }).unwrap();
    bytes[at] ^= 0x40;
    fs::write(path, bytes).unwrap();
}

/// A copy of that file, and how it is put back.
fn aside(path: PathBuf) -> impl FnOnce() + 'static {
    let bytes = fs::read(&path).unwrap();
    move || fs::write(path, bytes).unwrap()
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn passed_over(what: &str) -> Option<Scene> {
    eprintln!("\n!! PASSED OVER: {what} can't be made here. It tested nothing.");
    None
}

fn directory(id: &str) -> Option<Scene> {
    let home = Home::new();
    Some(match id {
        "directory-absent" => Scene::new(home, |home| drop(home.ok(&["raise", "nobody.knows"]))),
        "directory-unusable" => {
            fs::write(home.data(), "x").unwrap();
            let mend = |_: &Home| -> Option<Look> {
                Some(Box::new(|home| home.command(&["doctor", "--json", "--data-dir", "new"])))
            };
            Scene { home, look: Box::new(doctor), mend: Box::new(mend) }
        }
        "directory-of-another" if !is_root() => return passed_over(id),
        "directory-of-another" => {
            let home = founded();
            chown(home.data(), Some(65_534), None).unwrap();
            Scene::new(home, |home| chown(home.data(), Some(0), None).unwrap())
        }
        "directory-closed" | "directory-open" => {
            let home = founded();
            mode(&home.data(), if id == "directory-open" { 0o755 } else { 0o500 });
            Scene::fixed(home)
        }
        "directory-read-only" => {
            let Some(disk) = Disk::mounted(&home.data()) else { return passed_over(id) };
            home.ok(&["raise", "nobody.knows"]);
            disk.again("ro");
            Scene::on(disk, home, "rw")
        }
        "disk-full" | "disk-low" => {
            let Some(disk) = Disk::mounted(&home.data()) else { return passed_over(id) };
            if id == "disk-low" {
                disk.again("size=1g");
            }
            home.ok(&["raise", "nobody.knows"]);
            Scene::on(disk, home, "size=3g")
        }
        other => panic!("{other} has no scene"),
    })
}

fn files(id: &str) -> Option<Scene> {
    let home = founded();
    let data = home.data();
    Some(match id {
        "file-of-another" if !is_root() => return passed_over(id),
        "file-of-another" => {
            chown(own_token(&home), Some(65_534), None).unwrap();
            Scene::new(home, |home| {
                let (_, said) = found(&mut doctor(home));
                let checks: Json = serde_json::from_str(&said.out).unwrap();
                let of_it = |check: &&Json| check["finding"] == "file-of-another";
                let mend = checks.as_array().unwrap().iter().find(of_it).unwrap()["mend"].as_str().unwrap();
                let said = Said::of(Command::new("sh").args(["-c", mend]));
                assert_eq!(said.status, 0, "{mend}: {said:?}");
            })
        }
        "file-closed" => {
            mode(&own_token(&home), 0);
            Scene::fixed(home)
        }
        "file-strange" => {
            let snapshot = folder(&home).join("snapshot");
            fs::remove_file(&snapshot).unwrap();
            fs::create_dir(&snapshot).unwrap();
            Scene::new(home, move |home| fs::rename(snapshot, home.dir.path().join("away")).unwrap())
        }
        "left-over" => {
            home.file("data/person.999999999.new", "da");
            home.file("data/workspaces/default/ledger.new-3", "");
            Scene::fixed(home)
        }
        "restore-cut" => {
            let coming = data.join(deeds::ledger::Store::RESTORING);
            fs::create_dir(&coming).unwrap();
            mode(&coming, 0o700);
            Scene::new(home, move |_| fs::remove_dir(coming).unwrap())
        }
        "home-lost" | "home-unsaid" | "home-ambiguous" => return Some(homes(id, home)),
        other => return Some(secrets(other, home)),
    })
}

fn homes(id: &str, home: Home) -> Scene {
    let data = home.data();
    match id {
        "home-lost" => {
            let (there, away) = (data.join("workspaces"), data.join("../workspaces"));
            fs::rename(&there, &away).unwrap();
            Scene::new(home, move |_| fs::rename(away, there).unwrap())
        }
        "home-unsaid" => {
            fs::remove_file(data.join("home")).unwrap();
            Scene::fixed(home)
        }
        "home-ambiguous" => {
            home.ok(&["workspaces", "create", "second"]);
            fs::remove_file(data.join("home")).unwrap();
            Scene::new(home, move |_| fs::write(data.join("home"), "default\n").unwrap())
        }
        other => panic!("{other} has no scene"),
    }
}

fn secrets(id: &str, home: Home) -> Scene {
    let data = home.data();
    match id {
        "secrets-open" => {
            mode(&own_token(&home), 0o644);
            Scene::fixed(home)
        }
        "token-damaged" => {
            flip(&own_token(&home), -10);
            Scene::fixed(home)
        }
        "other-token-damaged" => {
            let token = data.join("tokens/default.first-agent");
            fs::write(&token, "x").unwrap();
            Scene::new(home, move |home| {
                fs::remove_file(&token).unwrap();
                home.ok(&["tokens", "create", "agent", "first-agent", "--out", token.to_str().unwrap()]);
            })
        }
        "memory-damaged" => {
            home.file("data/seen.json", "{\"here\":");
            Scene::fixed(home)
        }
        "ledgers-damaged" => {
            let file = home.file("data/ledgers.json", "[{]");
            Scene::new(home, move |_| fs::remove_file(file).unwrap())
        }
        "connection-gone" | "connection-damaged" => connections(id, home),
        "certificate-damaged" => {
            let files = [home.file("data/tls.crt", "x"), home.file("data/tls.key", "x")];
            Scene::new(home, move |_| files.into_iter().for_each(|file| fs::remove_file(file).unwrap()))
        }
        "signing-key-lost" => {
            fs::remove_file(data.join("signing.key")).unwrap();
            Scene::new(home, |home| drop(home.ok(&["checkpoint", "rotate", "--lost"])))
        }
        other => panic!("{other} has no scene"),
    }
}

/// A coding agent's settings without what was entered, or a record of that which can't be read.
fn connections(id: &str, home: Home) -> Scene {
    let connect = ["connect", "vscode", "--agent", "first-agent", "--yes"];
    home.ok(&connect);
    let settings = home.dir.path().join(".vscode/mcp.json");
    if id == "connection-gone" {
        fs::write(settings, "{}").unwrap();
        return Scene::new(home, move |home| drop(home.ok(&connect)));
    }
    let record = fs::read_dir(home.data().join("connections")).unwrap().next().unwrap().unwrap().path();
    flip(&record, 0);
    Scene::new(home, move |home| {
        fs::remove_file(record).unwrap();
        home.ok(&connect);
    })
}

/// A server that is lost to what it serves: its log was taken away after a kill.
fn lost() -> (Home, impl FnOnce() + 'static) {
    let home = founded();
    let mut server = Server::start(&home);
    home.ok(&["raise", "nobody.knows.2"]);
    let index = rusqlite::Connection::open(folder(&home).join("index.db")).unwrap();
    let indexed = || index.query_row("SELECT head FROM meta", [], |row| row.get::<_, u64>(0)).unwrap();
    let end = std::time::Instant::now() + crate::patience::PATIENCE;
    while indexed() < 7 && std::time::Instant::now() < end {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    drop(index);
    server.signal(Signal::KILL);
    let log = folder(&home).join("ledger.db-wal");
    let put_back = aside(log.clone());
    fs::remove_file(log).unwrap();
    (home, put_back)
}

fn serving(id: &str) -> Option<Scene> {
    let home = founded();
    Some(match id {
        "server-silent" => {
            let lock = fs::File::open(home.data().join("lock")).unwrap();
            lock.lock().unwrap();
            Scene::new(home, move |_| drop(lock))
        }
        "server-hangs" => {
            let mut server = Server::start(&home);
            server.send(Signal::STOP);
            Scene::new(home, move |_| assert_eq!(server.signal(Signal::KILL), None))
        }
        "server-trouble" => {
            let (home, _) = lost();
            let server = Server::start(&home);
            Scene::new(home, move |home| {
                home.ok(&["ledger", "accept-loss", "--reason", "its log was deleted"]);
                drop(server);
            })
        }
        "token-missing" => {
            let mut server = Server::start(&home);
            fs::remove_file(own_token(&home)).unwrap();
            Scene::new(home, move |home| {
                assert_eq!(server.signal(Signal::TERM), Some(0));
                home.ok(&["inbox", "list"]);
                let _server = Server::start(home);
            })
        }
        "all-paused" => {
            let server = Server::start(&home);
            home.ok(&["override", "pause-all", "--reason", "to see"]);
            Scene::new(home, move |home| {
                home.ok(&["override", "resume-all", "--reason", "seen"]);
                drop(server);
            })
        }
        "clock-apart" if !programs::is_there("faketime") => return None,
        "clock-apart" => {
            let off = home.file("off", "+2h");
            let server = crate::faketime::serving(&home, &off);
            Scene::new(home, move |_| drop(server))
        }
        "node-unreached" => return among_nodes(),
        "server-unreachable" => {
            Scene::new(home, |_| {}).with_look(|home| elsewhere(home, "http://127.0.0.1:1"))
        }
        "server-version" => {
            let server = Server::start(&home);
            let url = another_version(&server.url);
            let mend = move |_: &Home| drop(server);
            Scene::new(home, mend).with_look(move |home| elsewhere(home, &url))
        }
        other => panic!("{other} has no scene"),
    })
}

/// Two nodes on one database, of which this home's says no address.
fn among_nodes() -> Option<Scene> {
    let database = crate::postgres::started()?;
    let (address, other) = (database.fresh(), Home::new());
    let (keep, advertised) = (address.clone(), "http://127.0.0.1:1");
    let serve = move |home: &Home, advertise: &str| {
        Server::start_with(home, "127.0.0.1:0", |command| {
            keep_in(command, &keep);
            command.env("DEEDS_CLUSTER_ADVERTISE", advertise);
        })
    };
    let home = Home::new();
    let (here, there) = (serve(&home, ""), serve(&other, advertised));
    let look = move |home: &Home| {
        let mut command = doctor(home);
        keep_in(&mut command, &address);
        command
    };
    let again = look.clone();
    let mend = move |home: &Home| -> Option<Look> {
        drop(here);
        let here = serve(home, advertised);
        Some(Box::new(move |home| {
            let _at_work = (&here, &there, &other, &database);
            again(home)
        }))
    };
    Some(Scene { home, look: Box::new(look), mend: Box::new(mend) })
}

/// A look at a server elsewhere.
fn elsewhere(home: &Home, url: &str) -> Command {
    let mut command = doctor(home);
    command.args(["--connect", url, "--token-file"]).arg(own_token(home));
    command
}

/// Where the server answers as one of another version.
fn another_version(url: &str) -> String {
    use std::io::{Read as _, Write as _};
    use std::net::{TcpListener, TcpStream};

    let there = url.strip_prefix("http://").unwrap().to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut near in listener.incoming().flatten() {
            let (there, mut far) = (there.clone(), TcpStream::connect(&there).unwrap());
            std::thread::spawn(move || {
                let mut request = [0; 8_192];
                while let Ok(read @ 1..) = near.read(&mut request) {
                    let asked = String::from_utf8_lossy(&request[..read]).into_owned();
                    far.write_all(asked.replace("127.0.0.1:1/", &there).as_bytes()).unwrap();
                    let mut answer = vec![0; 64 * 1024];
                    let read = far.read(&mut answer).unwrap();
                    let ours = format!("\"version\":\"{}\"", env!("CARGO_PKG_VERSION"));
                    let theirs = format!("\"version\":\"{}\"", "9".repeat(env!("CARGO_PKG_VERSION").len()));
                    let told = String::from_utf8_lossy(&answer[..read]).replace(&ours, &theirs);
                    near.write_all(told.as_bytes()).unwrap();
                }
            });
        }
    });
    here
}

/// What is in a ledger, with something more in it.
fn append(home: &Home, bytes: &[u8]) {
    use deeds::ledger::{Ledger as _, Store};

    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let ledger = Store::from(home.data().as_path()).open(&"default".parse().unwrap()).unwrap();
        let head = ledger.head().await.unwrap();
        ledger.append(head, vec![bytes.to_vec().into()]).await.unwrap();
    });
}

fn ledgers(id: &str) -> Option<Scene> {
    let home = founded();
    let backup = home.dir.path().join("backup.tar");
    home.ok(&["backup", backup.to_str().unwrap()]);
    let ledger = folder(&home).join("ledger.db");
    Some(match id {
        "ledger-renamed" => {
            let (there, here) = (folder(&home), home.data().join("workspaces/other"));
            fs::rename(&there, &here).unwrap();
            Scene::new(home, move |_| fs::rename(here, there).unwrap())
        }
        "ledger-copied" => {
            let copy = home.data().join("workspaces/other");
            fs::create_dir(&copy).unwrap();
            mode(&copy, 0o700);
            fs::copy(&ledger, copy.join("ledger.db")).unwrap();
            Scene::new(home, move |home| fs::rename(copy, home.dir.path().join("out")).unwrap())
        }
        "ledger-damaged" => {
            flip(&ledger, -600);
            Scene::restored(home, backup)
        }
        "ledger-unfinished" => {
            let home = Home::new();
            fs::create_dir(home.data()).unwrap();
            mode(&home.data(), 0o700);
            home.file("data/lock", "");
            drop(
                deeds::ledger::Store::from(home.data().as_path())
                    .create(&"default".parse().unwrap())
                    .unwrap(),
            );
            Scene::fixed(home)
        }
        "ledger-away" => {
            let away = |home: &Home| {
                let mut command = doctor(home);
                let nobody = "postgresql://deeds@127.0.0.1:1/deeds";
                command.env("DEEDS_LEDGER_ENGINE", "postgres").env("DEEDS_LEDGER_POSTGRES", nobody);
                command
            };
            let mend = |_: &Home| -> Option<Look> { Some(Box::new(doctor)) };
            Scene { home, look: Box::new(away), mend: Box::new(mend) }
        }
        "ledger-newer" => {
            append(&home, br#"{"specversion":"1.0","type":"deeds.of.tomorrow"}"#);
            Scene::restored(home, backup)
        }
        "clock-behind" if !programs::is_there("faketime") => return None,
        "clock-behind" => {
            let late = home.command(&["raise", "nobody.knows.2"]);
            assert_eq!(Said::of(&mut super::clock::at("+2h", &late)).status, 0);
            let mend =
                |_: &Home| -> Option<Look> { Some(Box::new(|home| super::clock::at("+3h", &doctor(home)))) };
            Scene { home, look: Box::new(doctor), mend: Box::new(mend) }
        }
        "index-damaged" | "index-behind" | "snapshot-damaged" | "image-damaged" => {
            return Some(caches(id, home));
        }
        other => return Some(histories(other, home, &backup)),
    })
}

fn histories(id: &str, home: Home, backup: &Path) -> Scene {
    let ledger = folder(&home).join("ledger.db");
    match id {
        "history-unread" => {
            let put_back = aside(ledger.clone());
            fs::copy(folder(&founded()).join("ledger.db"), &ledger).unwrap();
            Scene::new(home, move |_| put_back())
        }
        "history-lost" | "index-beyond" => {
            let (home, put_back) = lost();
            Scene::new(home, move |_| put_back())
        }
        "history-another" => {
            home.ok(&["restore", backup.to_str().unwrap(), "--data-dir", "fork"]);
            home.ok(&["raise", "nobody.knows.2"]);
            home.ok(&["raise", "nobody.knows.3", "--data-dir", "fork"]);
            let put_back = aside(ledger.clone());
            fs::copy(home.dir.path().join("fork/workspaces/default/ledger.db"), &ledger).unwrap();
            Scene::new(home, move |_| put_back())
        }
        "history-accepted" => {
            let (home, _) = lost();
            let seen_more = ["index.db", "index.db-wal"].map(|name| aside(folder(&home).join(name)));
            home.ok(&["ledger", "accept-loss", "--reason", "its log was deleted"]);
            for file in seen_more {
                file();
            }
            Scene::fixed(home)
        }
        "note-damaged" => {
            flip(&folder(&home).join("ledger.db-head"), 20);
            Scene::fixed(home)
        }
        "seen-another" => {
            let mark = json!({"here": {"default": {"seq": 2, "hash": "ab".repeat(32)}}});
            home.file("data/seen.json", &mark.to_string());
            Scene::new(home, |home| drop(home.ok(&["ledger", "confirm"])))
        }
        "heads-unsigned" => {
            fs::remove_file(folder(&home).join("heads.signed")).unwrap();
            Scene::new(home, |home| drop(home.ok(&["raise", "nobody.knows.2"])))
        }
        "heads-disagree" => {
            let heads = folder(&home).join("heads.signed");
            let put_back = aside(heads.clone());
            let text = fs::read_to_string(&heads).unwrap();
            // What is signed, not the signature: one that can't be read may have been cut off by a crash.
            let number = text.lines().nth(1).unwrap();
            fs::write(heads, text.replacen(&format!("\n{number}\n"), "\n1\n", 1)).unwrap();
            Scene::new(home, move |_| put_back())
        }
        other => panic!("{other} has no scene"),
    }
}

fn caches(id: &str, home: Home) -> Scene {
    let index = folder(&home).join("index.db");
    match id {
        "index-damaged" => {
            let bytes = fs::read(&index).unwrap();
            let text = bytes.windows(13).position(|part| part == b"nobody.knows.").unwrap();
            flip(&index, i64::try_from(text).unwrap());
            Scene::fixed(home)
        }
        "index-behind" => {
            let map = home.file("team.toml", crate::room::MAP);
            home.ok(&["map", "apply", map.to_str().unwrap()]);
            let old = aside(index);
            let server = Server::start(&home);
            let agent = home.data().join("tokens/default.first-agent");
            for at in 0..5 {
                let write =
                    |n| json!({"entity": format!("crm/{at}/{n}"), "changes": {"n": n}, "expected": {"n": 0}});
                let body = Json::Array((0..250).map(write).collect()).to_string();
                let (status, told) = ask(&server.url, &agent, "POST", "/v1/writes:batch", &body).unwrap();
                assert_eq!(
                    (status, &told["answers"][0]["reply"]["outcome"]),
                    (200, &json!("committed")),
                    "{told}"
                );
            }
            let mut server = server;
            assert_eq!(server.signal(Signal::TERM), Some(0));
            old();
            Scene::new(home, |home| drop(home.ok(&["log", "--json"])))
        }
        "image-damaged" => {
            let home = crate::values::with_values(8);
            crate::values::falsify(&home, crate::values::older);
            Scene::fixed(home)
        }
        "snapshot-damaged" => {
            flip(&folder(&home).join("snapshot"), 300);
            Scene::fixed(home)
        }
        other => panic!("{other} has no scene"),
    }
}

fn terminal(id: &str) -> Option<Scene> {
    let without = |name: &'static str| {
        Scene::new(founded(), |_| {}).with_look(move |home| {
            let mut command = doctor(home);
            command.env_remove(name);
            command
        })
    };
    Some(match id {
        "terminal-unknown" => without("TERM"),
        "letters-plain" => without("LANG"),
        "editor-unset" => without("EDITOR"),
        "terminal-small" if !programs::is_there("script") => return None,
        "terminal-small" => Scene::new(founded(), |_| {}).with_look(|home| {
            let small = format!("stty rows 8 cols 30; {} doctor --json", env!("CARGO_BIN_EXE_deeds"));
            let mut command = home.script(&format!("script -qec '{small}' /dev/null"));
            command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
            command
        }),
        other => panic!("{other} has no scene"),
    })
}

/// Whose scenes a finding is among.
fn stage(id: &str) -> fn(&str) -> Option<Scene> {
    match id.split('-').next().unwrap() {
        "directory" | "disk" => directory,
        "server" | "clock" if id != "clock-behind" => serving,
        "all" | "node" => serving,
        "token" if id == "token-missing" => serving,
        "ledger" | "history" | "note" | "seen" | "heads" | "clock" | "index" | "snapshot" | "image" => {
            ledgers
        }
        "terminal" | "letters" | "editor" => terminal,
        _ => files,
    }
}

/// Every row of the program's table that is among those scenes: made so, found, mended, and found no more.
fn play(stage_of: fn(&str) -> Option<Scene>) {
    let listed: Json = serde_json::from_str(&Home::new().ok(&["doctor", "--list", "--json"])).unwrap();
    for row in listed.as_array().unwrap() {
        let id = row["finding"].as_str().unwrap();
        if !std::ptr::fn_addr_eq(stage(id), stage_of) {
            continue;
        }
        let Some(Scene { home, look, mend }) = stage_of(id) else { continue };
        let (before, said) = found(&mut look(&home));
        assert!(before.contains(id), "{id} is not found: {before:?} {}", said.err);
        assert_eq!(
            said.status,
            i32::from(row["health"] == "wrong" || said.out.contains("\"wrong\"")),
            "{id}"
        );
        let look = mend(&home).unwrap_or_else(|| Box::new(doctor));
        let (after, said) = found(&mut look(&home));
        assert!(!after.contains(id), "{id} is found after its mend: {}{}", said.out, said.err);
    }
}

#[test]
fn mends_of_the_directory() {
    play(directory);
}

#[test]
fn mends_of_files() {
    play(files);
}

#[test]
fn mends_of_the_server() {
    play(serving);
}

#[test]
fn mends_of_ledgers() {
    play(ledgers);
}

#[test]
fn mends_of_the_terminal() {
    play(terminal);
}
