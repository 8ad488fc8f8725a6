//! What a call of a tool takes behind the gateway, beside the same call without it, in one run (*P18*).
//!
//! `cargo bench --bench gateway`. A server that answers at once (Python, `tests/gateway/odd.py`), a real `deeds serve`; looks
//! cost a question to the rules before and a deed after, which the next call waits for; acts two durable commits.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench that meets an error has no result"
)]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

const CALLS: usize = 400;
const RUNS: usize = 3;
const MAP: &str = r#"
workspace = "default"
mode = "enforce"
governance_owner = "dana"
[[agent]]
id = "coder"
owner = "dana"
writes = ["odd/**"]
[[queue]]
name = "desk"
owner = "dana"
review = "daily 09:00"
priority = ["coder"]
[[tool]]
server = "odd"
name = "get"
does = "nothing"
[[tool]]
server = "odd"
name = "fail"
does = "act"
entity = "odd/{id}"
"#;

fn main() {
    let home = tempfile::tempdir().unwrap();
    let deeds = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deeds"));
        command.args(arguments).current_dir(home.path()).env("DEEDS_DATA_DIR", home.path().join("data"));
        command.env("DEEDS_PERSON", "dana").env("DEEDS_LISTEN", "127.0.0.1:0").stderr(Stdio::null());
        command
    };
    std::fs::write(home.path().join("team.toml"), MAP).unwrap();
    let mut server = deeds(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(deeds(&["map", "apply", "team.toml"]).stdout(Stdio::null()).status().unwrap().success());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateway/odd.py");
    let behind = ["python3", script.to_str().unwrap(), home.path().to_str().unwrap()];
    println!("P18: a call of a tool, {CALLS} one after another, {RUNS} runs each; p50 and p99");
    for (tool, what) in [("get", "a look"), ("fail", "an act")] {
        for run in 1..=RUNS {
            let mut direct = Command::new(behind[0]);
            direct.args(&behind[1..]).stderr(Stdio::null());
            let without = times(direct, tool, run);
            let through = times(
                deeds(&[&["gateway", "--as", "coder", "--server", "odd", "--"][..], &behind].concat()),
                tool,
                run,
            );
            println!(
                "{what}: without {:?} {:?}, behind the gateway {:?} {:?}",
                at(&without, 50),
                at(&without, 99),
                at(&through, 50),
                at(&through, 99)
            );
        }
    }
    server.kill().unwrap();
    server.wait().unwrap();
}

/// How long each call took, the shortest first.
fn times(mut command: Command, tool: &str, run: usize) -> Vec<Duration> {
    let mut child: Child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
    ask(
        &mut input,
        &mut output,
        r#"{"jsonrpc":"2.0","id":"i","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{}}}"#,
    );
    let mut all: Vec<Duration> = (0..CALLS)
        .map(|number| {
            let began = Instant::now();
            let frame = format!(
                r#"{{"jsonrpc":"2.0","id":{number},"method":"tools/call","params":{{"name":"{tool}","arguments":{{"id":"{run}-{number}"}}}}}}"#
            );
            ask(&mut input, &mut output, &frame);
            began.elapsed()
        })
        .collect();
    drop(input);
    child.wait().unwrap();
    all.sort();
    all
}

fn ask(input: &mut ChildStdin, output: &mut BufReader<ChildStdout>, frame: &str) {
    writeln!(input, "{frame}").unwrap();
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    assert!(line.contains("\"result\"") && !line.contains("not done"), "{line}");
}

fn at(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}
