//! The clients of others: what generators make of `/openapi.json`, and the examples of assets/examples, each against a real server. What
//! is looked at is what is in the ledger afterwards. `.ci/others` installs what they need into target/clients.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a failed step fails the test, wherever it stands"
)]

#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "common/programs.rs"]
mod programs;
#[path = "cli/run.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod run;
#[path = "cli/server.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod server;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use programs::{is_passed_over, is_there};
use run::{Home, Said};
use server::Server;

const README: &str = include_str!("../assets/examples/README.md");
/// Longest example.
const LINES: usize = 60;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where `.ci/others` has put what that example needs.
fn installed(example: &str) -> PathBuf {
    root().join("target/clients").join(example)
}

/// Whether it has, for that language.
fn is_ready(language: &str) -> bool {
    let clients = format!("{language}-clients");
    root().join("target/others").join(&clients).is_file() || is_passed_over(&clients)
}

/// The lines of the block of shell under that heading of the page.
fn block(heading: &str) -> Vec<&'static str> {
    let (_, section) = README.split_once(&format!("# {heading}\n")).unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    block.split_once("```").unwrap().0.lines().collect()
}

/// A home in which the page was followed up to its running server, and a copy of the examples beside the tokens.
struct Stage {
    home: Home,
    server: Server,
}

impl Stage {
    fn set() -> Self {
        let home = Home::new();
        copy(&root().join("assets/examples"), &home.dir.path().join("assets/examples"));
        let mut begin = block("Examples");
        assert_eq!(begin.pop(), Some("deeds serve &"));
        // The same data directory and the same team as the page has them.
        let lines = format!("set -eu\nunset DEEDS_PERSON\n{}", begin.join("\n"));
        let said = Self::shell(&home, &lines, &[], "");
        assert_eq!(said.status, 0, "{said:?}");
        let data = home.dir.path().join("assets/examples/data");
        let server = Server::start_with(&home, "127.0.0.1:0", |command| {
            command.env("DEEDS_DATA_DIR", data);
        });
        Self { home, server }
    }

    /// Lines of the shell with `deeds` and what is in those folders on the path.
    fn shell(home: &Home, lines: &str, folders: &[PathBuf], url: &str) -> Said {
        let deeds = Path::new(env!("CARGO_BIN_EXE_deeds")).parent().unwrap().to_owned();
        let rest = std::env::var_os("PATH").unwrap_or_default();
        let path = folders.iter().cloned().chain([deeds]).chain(std::env::split_paths(&rest));
        let mut command = home.script(lines);
        command.env("PATH", std::env::join_paths(path).unwrap()).env("DEEDS_URL", url);
        // Nobody is told about this run, and nobody is asked.
        command.env("CREWAI_DISABLE_TELEMETRY", "true").env("CREWAI_TRACING_ENABLED", "false");
        command.env("OTEL_SDK_DISABLED", "true").env("OPENAI_AGENTS_DISABLE_TRACING", "1");
        Said::of(&mut command)
    }

    /// Runs lines where the tokens are, and what they say.
    fn play(&self, lines: &str, folders: &[PathBuf]) -> String {
        let lines = format!("set -eu\ncd assets/examples\n{lines}");
        let said = Self::shell(&self.home, &lines, folders, &self.server.url);
        assert_eq!(said.status, 0, "{lines}\n{}\n{}", said.out, said.err);
        format!("{}{}", said.out, said.err)
    }

    /// Plays what stands on the page under that heading; what it would install is there already.
    fn play_page(&self, example: &str, folders: &[PathBuf]) -> String {
        let lines = block(example).into_iter().filter(|line| !line.contains(" install"));
        self.play(&lines.collect::<Vec<_>>().join("\n"), folders)
    }

    /// Plays an example of a framework with what stands in for its model.
    fn play_minded(&self, example: &str) -> String {
        let minds = root().join("tests/clients");
        let player = minds.join(format!("play_{}.py", example.replace('-', "_")));
        let path = format!("$PWD/{example}:{}", minds.display());
        let line = format!("PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={path} python {}", player.display());
        self.play(&line, &[installed(example).join("bin")])
    }

    /// What agents did by what the ledger says: who, what, how it came out, and the fields it was about.
    fn deeds(&self) -> Vec<String> {
        let log = Self::shell(
            &self.home,
            "DEEDS_DATA_DIR=$PWD/assets/examples/data DEEDS_WORKSPACE=examples deeds log --json",
            &[],
            "",
        );
        let deeds = log.out.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
        let by_agents = deeds.filter(|deed| deed["data"]["actor"]["class"] == "agent");
        by_agents
            .map(|deed| {
                let data = &deed["data"];
                let word = |key: &str| data[key].as_str().unwrap().to_owned();
                let fields = data["fields"].as_array().into_iter().flatten();
                let fields = fields.map(|field| format!("#{}", field["name"].as_str().unwrap()));
                let who = data["actor"]["name"].as_str().unwrap().to_owned();
                let words = [who, word("action"), word("outcome")].into_iter().chain(fields);
                words.collect::<Vec<_>>().join(" ")
            })
            .collect()
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let into = to.join(path.file_name().unwrap());
        // What somebody tried out there stays there.
        let ours =
            !["data", "node_modules", "deeds_client"].contains(&path.file_name().unwrap().to_str().unwrap());
        if path.is_dir() && ours {
            copy(&path, &into);
        } else if path.is_file() && path.extension().is_none_or(|kind| kind != "token") {
            fs::copy(&path, &into).unwrap();
        }
    }
}

/// How the story of the four-second upsell ends in the ledger.
const UPSELL: [&str; 4] = [
    "support write committed #health",
    "support write committed #health",
    "sales send_upsell stale #health",
    "sales write committed #next_step",
];

#[test]
fn curl_follows_what_next_says() {
    if !is_there("curl") {
        return;
    }
    let stage = Stage::set();
    let said = stage.play_page("curl", &[]);
    assert!(said.contains("next: read again, decide again"), "{said}");
    assert!(said.contains("sales proposes crm/account/acme#health = good"), "{said}");
    assert_eq!(stage.deeds(), [&UPSELL[..], &["sales write proposed #health"]].concat());
}

#[test]
fn plain_python_follows_what_next_says() {
    if !is_there("python3") {
        return;
    }
    let stage = Stage::set();
    let said = stage.play_page("python", &[]);
    assert!(
        said.contains("sales would mail: stale") && said.contains("sales plans a call: committed"),
        "{said}"
    );
    assert_eq!(stage.deeds(), UPSELL);
}

#[test]
fn the_client_that_openapi_python_client_makes_plays_the_upsell() {
    if !is_ready("python") {
        return;
    }
    let stage = Stage::set();
    let said = stage.play_page("python-generated", &[installed("python-generated").join("bin")]);
    assert!(!said.to_lowercase().contains("warning"), "{said}");
    assert!(
        said.contains("sales would mail: stale") && said.contains("sales plans a call: committed"),
        "{said}"
    );
    let alike = ["sales conclude committed", "sales together committed"];
    assert_eq!(stage.deeds(), [&UPSELL[..], &alike].concat());
}

#[test]
fn the_client_of_openapi_typescript_and_openapi_fetch_plays_the_upsell() {
    if !is_ready("node") {
        return;
    }
    let stage = Stage::set();
    let there = stage.home.dir.path().join("assets/examples/typescript/node_modules");
    std::os::unix::fs::symlink(installed("typescript").join("node_modules"), there).unwrap();
    let said = stage.play_page("typescript", &[]);
    assert!(!said.contains('⚠'), "{said}");
    assert!(
        said.contains("sales would mail: stale") && said.contains("sales plans a call: committed"),
        "{said}"
    );
    assert_eq!(stage.deeds(), UPSELL);
}

#[test]
fn openai_agents_stops_the_mail_that_was_overtaken() {
    if !is_ready("python") {
        return;
    }
    let stage = Stage::set();
    let said = stage.play_minded("openai-agents");
    assert!(said.contains("committed: at risk"), "{said}");
    assert_eq!(stage.deeds(), UPSELL);
}

#[test]
fn pydantic_ai_makes_a_plan_again_that_rests_on_what_has_changed() {
    if !is_ready("python") {
        return;
    }
    let stage = Stage::set();
    let said = stage.play_minded("pydantic-ai");
    assert!(said.contains("committed: at risk"), "{said}");
    let overtaken = "sales write stale #health";
    assert_eq!(stage.deeds(), [UPSELL[0], UPSELL[1], overtaken, "sales write committed #next_step"]);
}

#[test]
fn langgraph_goes_to_the_owner_and_hears_that_they_declined() {
    if !is_ready("python") {
        return;
    }
    let stage = Stage::set();
    let said = stage.play_minded("langgraph");
    assert!(said.contains("support declined your proposal: as they told me"), "{said}");
    assert_eq!(stage.deeds(), ["sales write proposed #health", "support decline recorded"]);
}

#[test]
fn crewai_goes_on_from_what_the_owner_accepted() {
    if !is_ready("python") {
        return;
    }
    let stage = Stage::set();
    let said = stage.play_minded("crewai");
    assert!(said.contains("committed"), "{said}");
    let done = [
        "sales write proposed #health",
        "support write committed #health",
        "support accept recorded",
        "sales write committed #next_step",
    ];
    assert_eq!(stage.deeds(), done);
}

#[test]
fn every_example_is_short_and_on_the_page() {
    let folder = root().join("assets/examples");
    let examples = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let examples: Vec<PathBuf> = examples.filter(|path| path.is_dir() && !path.ends_with("data")).collect();
    assert_eq!(examples.len(), 8);
    for example in examples {
        let name = example.file_name().unwrap().to_str().unwrap();
        assert!(README.contains(&format!("| [{name}](#{name}) |")), "{name} is not in the table");
        assert!(!block(name).is_empty(), "{name} has no lines to run it");
        let programs = fs::read_dir(&example).unwrap().map(|entry| entry.unwrap().path());
        for program in programs.filter(|path| path.is_file()) {
            let lines = fs::read_to_string(&program).unwrap().lines().count();
            let made = program.ends_with("deeds.d.ts") || program.ends_with("package-lock.json");
            assert!(lines <= LINES || made, "{} has {lines} lines", program.display());
        }
    }
}
