//! Who asks the programs, and what they must go on answering.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::run::{Home, Said};
use crate::server::{Server, ask};

/// Nothing takes longer here, or it hangs.
pub(super) const BOUND: Duration = Duration::from_secs(25);
/// The exit status of what was ended for that.
pub(super) const HUNG: i32 = -9;

/// Runs programs in one home, as one user.
pub(super) struct Player<'a> {
    pub(super) home: &'a Home,
    pub(super) user: Option<u32>,
}

impl Player<'_> {
    pub(super) fn user(&self, command: &mut Command) {
        if let Some(user) = self.user {
            command.uid(user).gid(user);
        }
    }

    /// Runs the binary to its end, or to that of patience.
    pub(super) fn run(&self, arguments: &[&str]) -> Said {
        let mut command = self.home.command(arguments);
        self.user(&mut command);
        // Two tests never share a home, nor does one run two programs in it at once.
        let files = ["said.out", "said.err"].map(|name| self.home.dir.path().join(name));
        let [out, err] = files.each_ref().map(|file| File::create(file).unwrap());
        let mut child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn().unwrap();
        let end = Instant::now() + BOUND;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status.code().unwrap_or(-1);
            }
            if Instant::now() > end {
                child.kill().unwrap();
                child.wait().unwrap();
                break HUNG;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let [out, err] = files.map(|file| String::from_utf8_lossy(&fs::read(file).unwrap()).into_owned());
        Said { status, out, err }
    }

    pub(super) fn serve(&self) -> Result<Server, String> {
        Server::try_start(self.home, |command| self.user(command), BOUND)
    }

    /// A write by the agent of that workspace, in its zone: its deed, or what was said instead.
    pub(super) fn write(&self, server: &Server, write: &Write) -> Result<u64, String> {
        let body =
            json!({"entity": write.entity, "changes": {"n": write.value}, "expected": {"n": 0}}).to_string();
        let token = self.home.dir.path().join("kept").join(format!("{}.{}", write.workspace, write.agent));
        match ask(&server.url, &token, "POST", "/v1/writes", &body) {
            Ok((200, reply)) if reply["outcome"] == "committed" => Ok(reply["deed"].as_u64().unwrap()),
            Ok((status, reply)) => Err(format!("{status} {reply}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether the server says that it is ready; what it says otherwise.
    pub(super) fn ready(&self, server: &Server) -> Result<(), String> {
        match ask(&server.url, &self.home.dir.path().join("kept/default.dana"), "GET", "/readyz", "") {
            // What is ready says so in plain text.
            Ok((200, _)) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(()),
            Ok((status, problem)) => Err(format!("{status} {problem}")),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A write to what was never written.
pub(super) struct Write {
    pub(super) workspace: &'static str,
    pub(super) agent: &'static str,
    pub(super) entity: String,
    pub(super) value: u64,
}

/// A look whose answer only ever grows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    Export(&'static str),
    Search(&'static str, &'static str),
    Entity(&'static str, String),
    Inbox(&'static str),
    /// Who a token says that one is.
    Token(String),
}

impl Look {
    pub(super) fn workspace(&self) -> &str {
        match self {
            Self::Export(workspace)
            | Self::Search(workspace, _)
            | Self::Entity(workspace, _)
            | Self::Inbox(workspace) => workspace,
            Self::Token(name) => name.split('.').next().unwrap(),
        }
    }

    /// What is answered, as a set of facts; what was said where it was not answered.
    pub(super) fn answer(
        &self,
        player: &Player<'_>,
        server: Option<&Server>,
    ) -> Result<BTreeSet<String>, String> {
        let lines = |arguments: &[&str]| -> Result<String, String> {
            let said = player.run(arguments);
            // That the answer is no is an answer.
            let answered = matches!(said.status, 0 | 1);
            if answered { Ok(said.out) } else { Err(format!("exit {}: {}", said.status, said.err)) }
        };
        let parsed = |text: String| match text.trim() {
            "" => Ok(Value::Null),
            text => serde_json::from_str::<Value>(text).map_err(|error| error.to_string()),
        };
        Ok(match self {
            Self::Export(workspace) => {
                // The heading says how many there are, which grows.
                let lines = lines(&["-w", workspace, "log", "--export", "jsonl"])?;
                lines.lines().skip(1).map(str::to_owned).collect()
            }
            Self::Search(workspace, filter) => {
                lines(&["-w", workspace, "log", "--json", "-n", "1000", filter])?
                    .lines()
                    .map(str::to_owned)
                    .collect()
            }
            Self::Entity(workspace, entity) => {
                let record = parsed(lines(&["-w", workspace, "entity", entity, "--json"])?)?;
                let fields = record["fields"].as_object().cloned().unwrap_or_default();
                fields
                    .iter()
                    .map(|(name, field)| format!("{name} {} v{}", field["value"], field["version"]))
                    .collect()
            }
            Self::Inbox(workspace) => {
                let inbox = parsed(lines(&["-w", workspace, "inbox", "list", "--json"])?)?;
                let items = inbox["items"].as_array().cloned().unwrap_or_default();
                items.iter().map(|item| format!("{} {}", item["no"], item["title"])).collect()
            }
            Self::Token(name) => {
                let Some(server) = server else { return Ok(BTreeSet::new()) };
                let file = player.home.dir.path().join("kept").join(name);
                match ask(&server.url, &file, "GET", "/v1/whoami", "") {
                    Ok((200, who)) => BTreeSet::from([format!("{} {}", who["workspace"], who["principal"])]),
                    Ok((status, problem)) => return Err(format!("{status} {problem}")),
                    Err(error) => return Err(error.to_string()),
                }
            }
        })
    }
}
