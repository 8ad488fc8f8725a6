//! `deeds gateway`: an MCP server behind the map, for one agent's client on standard input and output. The wire is
//! `crate::gateway`; here is how its server is named, what it gets in its environment, and the agent's token.

mod secrets;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Subcommand};

use super::agent::As;
use super::context::Context;
use super::datadir::DataDir;
use super::output::{self, visible};
use super::session::{self, Session};
use super::signals::Signals;
use super::status::{Status, Usage};
use crate::client::Client;
use crate::gateway::{Gateway, Served, Target, Tell, serve_stdio};

/// Where the last of what servers said lies, in the data directory.
const KEPT: &str = "gateway";
/// Programs that run others: their first argument that is no option names the server.
const RUNNERS: [&str; 10] =
    ["npx", "bunx", "uvx", "node", "bun", "deno", "python", "python3", "uv", "docker"];

/// Which server, and for whom.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  deeds gateway --as coder -- npx -y @modelcontextprotocol/server-filesystem .\n  deeds gateway --as sales --server crm --url https://crm.example/mcp --header-file crm.headers\n  deeds gateway --token-file coder.token --server git -- uvx mcp-server-git\n\nPut it where the client's settings name the server's own command. Calls of tools are decided by the rows [[tool]] of the map\nbefore they are sent on; all else passes byte for byte. What the server says beside the protocol goes to standard error,\nand the last of it to gateway/NAME.log in the data directory."
)]
pub(crate) struct Command {
    #[command(flatten)]
    by: As,
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    check: Option<Sub>,
}

/// What else there is.
#[derive(Debug, Subcommand)]
pub(crate) enum Sub {
    /// Hold what the map says of tools against the tools that a server has
    #[command(
        after_help = "Examples:\n  deeds gateway check crm                                      a [gateway.crm] of the settings\n  deeds gateway check --server files -- npx -y @modelcontextprotocol/server-filesystem .\n\nTells rows that name no tool, tools that no row names or two do, arguments that a tool's schema does not have, and `verify`\nthat is not there. Exit status 1 if there is anything to tell."
    )]
    Check(Check),
}

/// Which server.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// A gateway of the settings
    #[arg(value_name = "NAME", conflicts_with_all = ["server", "url", "command"])]
    name: Option<String>,
    #[command(flatten)]
    place: Place,
}

/// Where the server is.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// How the server is called on the map; without it, after its package or host
    #[arg(long, value_name = "NAME")]
    server: Option<String>,
    /// A server that speaks Streamable HTTP
    #[arg(long, value_name = "URL", conflicts_with = "command")]
    url: Option<String>,
    /// Headers for it, a line for each: Name: value
    #[arg(long, value_name = "FILE", requires = "url")]
    header_file: Option<PathBuf>,
    /// More for its environment, a line for each: NAME=value
    #[arg(long, value_name = "FILE", conflicts_with = "url")]
    env_file: Option<PathBuf>,
    /// The directory that file names among arguments are in; here without it
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// The command that starts it, and its arguments
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

impl Place {
    fn target(&self) -> anyhow::Result<Target> {
        match (&self.url, self.command.as_slice()) {
            (Some(url), _) => {
                let headers = self.header_file.as_deref().map(secrets::headers).transpose()?;
                Ok(Target::Url { url: url.clone(), headers: headers.unwrap_or_default() })
            }
            (None, [_, ..]) => {
                let env = self.env_file.as_deref().map(secrets::environment).transpose()?;
                let env = env.unwrap_or_default();
                let command = self.command.clone();
                Ok(Target::Program { command, env, inherit: true, directory: None })
            }
            (None, []) => Err(Usage::error(
                "no server is named: write its command behind --, or its address with --url",
            )),
        }
    }

    fn name(&self) -> String {
        let found = || match &self.url {
            Some(url) => {
                crate::client::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned))
            }
            None => name_of(&self.command),
        };
        self.server.clone().or_else(found).unwrap_or_else(|| "server".to_owned())
    }

    fn root(&self) -> Option<Arc<str>> {
        let root = self.root.clone().or_else(|| std::env::current_dir().ok())?;
        let root = std::fs::canonicalize(&root).unwrap_or(root);
        root.to_str().map(Arc::from)
    }
}

/// After its package: `@modelcontextprotocol/server-filesystem@1` is `filesystem`.
fn name_of(command: &[String]) -> Option<String> {
    let program = |text: &str| Path::new(text).file_name().map(|name| name.to_string_lossy().into_owned());
    let is_runner = |text: &String| program(text).is_some_and(|name| RUNNERS.contains(&name.as_str()));
    let words = ["run", "exec", "-y"];
    let named = command.iter().skip_while(|word| is_runner(word));
    let mut named = named.filter(|word| !word.starts_with('-') && !words.contains(&word.as_str()));
    let package = named.find_map(|word| program(word))?;
    let mut name = package.split('@').find(|part| !part.is_empty())?.to_owned();
    for end in [".js", ".mjs", ".py", ".ts"] {
        name = name.strip_suffix(end).map(str::to_owned).unwrap_or(name);
    }
    for (before, after) in [("mcp-server-", ""), ("server-", ""), ("mcp-", ""), ("", "-mcp")] {
        let short = name.strip_prefix(before).and_then(|name| name.strip_suffix(after));
        name = short.filter(|short| !short.is_empty()).map(str::to_owned).unwrap_or(name);
    }
    Some(name)
}

/// Asks a server for its tools and says what of the map does not fit them.
fn check(context: &Context, by: &As, check: &Check) -> anyhow::Result<Status> {
    let (name, target) = match &check.name {
        Some(name) => {
            let described = context.config.gateways.get(name);
            let none = || Usage::error(format!("the settings have no [gateway.{}]", visible(name)));
            (name.clone(), secrets::target(name, described.ok_or_else(none)?)?)
        }
        None => (check.place.name(), check.place.target()?),
    };
    session::with_client(&by.of(context), async |client| {
        let gateway = gateway(context, &name, (target, None), client.clone());
        let checked = Box::pin(gateway.check()).await.map_err(anyhow::Error::msg)?;
        let rows = checked
            .findings
            .iter()
            .map(|one| serde_json::json!({ "about": one.about, "why": one.why, "mend": one.mend }));
        let found = serde_json::json!({
            "server": name, "tools": checked.tools, "rows": checked.rows, "findings": rows.collect::<Vec<_>>(),
        });
        context.out.show(&found, || {
            for one in &checked.findings {
                output::line(format!(
                    "{}: {}; {}",
                    visible(&one.about),
                    visible(&one.why),
                    visible(&one.mend)
                ))?;
            }
            let (name, findings) = (visible(&name), checked.findings.len());
            output::line(format!(
                "{name}: {} tools, {} rows of the map, {findings} to look at",
                checked.tools, checked.rows
            ))
        })?;
        Ok(if checked.findings.is_empty() { Status::Done } else { Status::No })
    })
}

fn gateway(
    context: &Context,
    name: &str,
    (target, root): (Target, Option<Arc<str>>),
    client: Client,
) -> Gateway {
    Gateway {
        server: name.into(),
        target,
        via: via().into(),
        root,
        door: Arc::new(client),
        tell: tell(name),
        kept: kept(context, name),
    }
}

/// Serves the client until it has gone.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    if let Some(Sub::Check(asked)) = &command.check {
        return check(context, &command.by, asked);
    }
    let target = command.place.target()?;
    let name = command.place.name();
    let runtime = session::runtime()?;
    let served = runtime.block_on(async {
        let mut signals = Signals::listen();
        let session = Session::open(&command.by.of(context)).await?;
        session.take_over_when_free(&context.config);
        let gateway = gateway(context, &name, (target, command.place.root()), session.client.clone());
        output::complain(format!("{} is the server `{}` of the map", visible(&name), visible(&name)));
        let served = Box::pin(serve_stdio(&gateway, signals.asked_to_stop())).await;
        drop(gateway);
        session.end_soon().await;
        served.map_err(anyhow::Error::msg)
    });
    // Standard input may still be read by a thread that nobody waits for.
    runtime.shutdown_background();
    served.map(|()| Status::Done)
}

/// What this process is called in the deeds of the calls that it forwards.
fn via() -> String {
    let mut random = [0_u8; 4];
    // Without random bytes two gateways have one name; their acts are told apart all the same.
    getrandom::fill(&mut random).unwrap_or_default();
    format!("gateway-{}", crate::domain::hash::hex(&random))
}

fn tell(name: &str) -> Tell {
    let name = visible(name);
    Arc::new(move |line| output::complain(format!("[{name}] {}", visible(line))))
}

/// The servers behind that the settings name for `deeds serve`, with what they get to see.
pub(super) fn served(context: &Context, dir: &DataDir) -> anyhow::Result<Vec<Served>> {
    let served = context.config.gateways.iter().map(|(name, described)| {
        let root = described.directory.as_ref().and_then(|root| root.to_str()).map(Arc::from);
        Ok(Served {
            name: name.as_str().into(),
            target: secrets::target(name, described)?,
            root,
            agent: described.agent.clone(),
            kept: kept_in(dir, name),
        })
    });
    served.collect()
}

/// The file for what the server says, where there is a data directory.
fn kept(context: &Context, name: &str) -> Option<PathBuf> {
    kept_in(&context.existing_dir().ok()?, name)
}

fn kept_in(dir: &DataDir, name: &str) -> Option<PathBuf> {
    let folder = dir.path().join(KEPT);
    DirBuilder::new().recursive(true).mode(0o700).create(&folder).ok()?;
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
    Some(folder.join(format!("{}.log", name.chars().take(64).map(plain).collect::<String>())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_called_after_its_package() {
        for (command, name) in [
            ("npx -y @modelcontextprotocol/server-filesystem@2026.8.31 .", "filesystem"),
            ("uvx mcp-server-git", "git"),
            ("node /opt/x/crm.js --port 1", "crm"),
            ("/usr/bin/python3 -u server.py", "server"),
            ("./github-mcp", "github"),
            ("docker run -i mcp/time", "time"),
        ] {
            let words: Vec<String> = command.split(' ').map(str::to_owned).collect();
            assert_eq!(name_of(&words).as_deref(), Some(name), "{command}");
        }
    }
}
