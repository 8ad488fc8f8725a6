//! `deeds` and `deeds screen`: the console on a terminal, or one frame of it as text.

pub(in crate::cli) mod kept;
pub(super) mod seen;

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use clap::Args;

use super::context::{Context, read_text};
use super::output;
use super::session::{self, FIRST_AGENT, Session};
use super::status::{Status, Usage};
use super::then::Then;
use crate::client::{Client, SshAgent};
use crate::config::{Config, Timezone};
use crate::console::app::Settings;
use crate::console::keymap::Keymap;
use crate::console::open::{Closed, Drawn, Setup, frame, open};
use crate::console::picture;
use crate::console::place::View;
use crate::console::run::{Ending, Options};
use crate::console::theme::file::Custom;
use crate::console::theme::{Choice, Colours, Depth, Rgb, Surroundings};
use crate::console::wire::{Endpoint, Seen};
use crate::console::world::Me;
use crate::coordinator::Clock;
use crate::domain::ids::WorkspaceId;
use crate::domain::things::TokenClass;
use crate::domain::time::Zone;

/// The longest keymap file that is read, in bytes.
const KEYMAP_BYTES: u64 = 256 * 1024;

/// Opens the console.
pub(super) fn run(context: &Context) -> anyhow::Result<Status> {
    need_terminal()?;
    let settings = settings(&context.config, View::Inbox)?;
    if context.config.connect.is_some() {
        // Tokens for servers elsewhere, and what was seen there, are kept here too.
        context.open_dir()?;
    }
    let runtime = session::runtime()?;
    let shown = runtime.block_on(async {
        let session = Session::open(context).await?;
        let closed = show(context, &session, settings).await;
        session.end_soon().await;
        closed.map(|closed| status(&closed))
    });
    // What is still being worked out on other threads has nobody any more who waits for it.
    runtime.shutdown_background();
    shown
}

async fn show(context: &Context, session: &Session, settings: Settings) -> anyhow::Result<Closed> {
    session.keep_remote_token()?;
    session.take_over_when_free(&context.config);
    let endpoints = session.endpoints().await?;
    let (place, file) = seen::place(context, session);
    let known = file.as_deref().map(|file| seen::read(file, &place)).unwrap_or_default();
    let known: Seen = Arc::new(Mutex::new(known));
    let keeping = file.clone().map(|file| tokio::spawn(seen::keep(file, place.clone(), Arc::clone(&known))));
    let (keeper, writing) = kept::place(context).map(kept::begin).transpose()?.unzip();
    let setup = Setup {
        me: me(&session.client).await?,
        first: session.client.token().workspace.clone(),
        endpoints: as_endpoints(endpoints, session.silent_agent(context).as_ref()),
        settings,
        welcome: welcome(session),
        seen: Arc::clone(&known),
        keeper,
        rehearsal: None,
        options: options(&context.config),
    };
    let closed = open(setup).await;
    keeping.iter().for_each(tokio::task::JoinHandle::abort);
    if let Some(writing) = writing {
        writing.end();
    }
    let closed = closed?;
    tell_of_drafts(&closed);
    if let Some(file) = file {
        seen::write(&file, &place, &closed.seen);
    }
    Ok(closed)
}

/// Whoever leaves with texts that were not sent is told that they are kept.
pub(super) fn tell_of_drafts(closed: &Closed) {
    let texts = match closed.drafts {
        0 => return,
        1 => "1 text that was typed and not sent is".to_owned(),
        count => format!("{count} texts that were typed and not sent are"),
    };
    output::complain(format!("{texts} kept for the next console"));
}

/// Without a terminal there is nothing to show a console on.
pub(super) fn need_terminal() -> anyhow::Result<()> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Usage::error(
        "the console needs a terminal; `deeds screen inbox` prints one frame of it, `deeds --help` lists the commands",
    ))
}

/// How a console's end ends the process.
pub(super) fn status(closed: &Closed) -> Status {
    match closed.ending {
        Ending::Quit => Status::Done,
        Ending::Signal(_) | Ending::TerminalGone => Status::Other(closed.ending.exit_status()),
    }
}

/// Who looks, as the server says.
pub(super) async fn me(client: &Client) -> anyhow::Result<Me> {
    let who = client.whoami().await?;
    let person = who.actor.person().cloned().ok_or_else(|| {
        Usage::error(format!(
            "the token is agent {}'s; the console needs a reviewer's, an admin's or a watcher's",
            who.actor
        ))
    })?;
    Ok(Me { person, class: who.class })
}

/// Named clients as the console takes them, with what signs there.
pub(super) fn as_endpoints(clients: Vec<(WorkspaceId, Client)>, agent: Option<&SshAgent>) -> Vec<Endpoint> {
    let signs = |client: Client| client.signing(agent.cloned());
    clients.into_iter().map(|(workspace, client)| Endpoint { workspace, client: signs(client) }).collect()
}

/// How the console looks and listens.
pub(super) fn settings(config: &Config, view: View) -> anyhow::Result<Settings> {
    Ok(Settings {
        theme: config.theme,
        theme_file: config.theme_file.clone().map(theme_file).transpose()?,
        ascii: config.ascii,
        linear: config.linear,
        keymap: config.keymap.as_deref().map_or_else(|| Ok(Keymap::built_in()), keymap)?,
        mouse: config.mouse,
        zone: zone(config.timezone)?,
        title: config.title && !config.linear,
        notify: config.notify,
        view,
        ..Settings::default()
    })
}

/// The timezone that times are told in, where it is not the workspace's.
pub(super) fn zone(timezone: Timezone) -> anyhow::Result<Option<Zone>> {
    Ok(match timezone {
        Timezone::Workspace => None,
        Timezone::Named(zone) => Some(zone),
        Timezone::Local => {
            let name = iana_time_zone::get_timezone().context(
                "this machine's timezone has no name; set `timezone` to one, such as Europe/Madrid",
            )?;
            let unknown = || {
                Usage::error(format!(
                    "this machine's timezone {name:?} is not in the tz database; set `timezone` to one that is"
                ))
            };
            Some(name.parse().map_err(|_| unknown())?)
        }
    })
}

fn theme_file(file: PathBuf) -> anyhow::Result<(PathBuf, Custom)> {
    let custom = Custom::load(&file).map_err(Usage::error)?;
    Ok((file, custom))
}

fn keymap(file: &Path) -> anyhow::Result<Keymap> {
    let text = read_text(file, KEYMAP_BYTES)?;
    Keymap::with_file(&file.display().to_string(), &text).map_err(|errors| {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        Usage::error(errors.join("\n"))
    })
}

/// Mouse, synchronized updates, clock.
pub(super) fn options(config: &Config) -> Options {
    Options {
        linear: config.linear,
        mouse: config.mouse,
        synchronized: config.synchronized_output,
        links: config.links,
        clock: || Clock::System.now().micros(),
    }
}

/// What to do first, where nothing has happened yet.
fn welcome(session: &Session) -> Vec<String> {
    let mut lines = vec![
        "Nothing waits for a decision. What to do first:".to_owned(),
        String::new(),
        "  deeds demo                    look at three sample teams at work".to_owned(),
        "  deeds map apply team.toml     put your own map in force (`map check` first)".to_owned(),
        "  deeds connect --agent NAME    have Claude Code and its like ask the map".to_owned(),
        "  deeds --connect URL           look at a team on another machine".to_owned(),
    ];
    let workspace = &session.client.token().workspace;
    let Some(file) = session.local_dir().map(|dir| dir.token_file(workspace, FIRST_AGENT)) else {
        return lines;
    };
    lines.push(String::new());
    lines.push("How an agent connects; this request shows up here, as a case to expand:".to_owned());
    lines.push(String::new());
    if file.exists() {
        lines.push(format!("  curl -sS {}/v1/writes \\", session.client.base_url()));
        lines.push(format!("    -H @{} \\", quoted(&file.display().to_string())));
        lines.push("    -H 'content-type: application/json' \\".to_owned());
        // In two lines, so that 80 columns hold all of it.
        lines.push("    -d '{\"entity\":\"crm/contact/acme\",\"changes\":{\"status\":\"new\"},".to_owned());
        lines.push("         \"expected\":{\"status\":0}}'".to_owned());
    } else {
        lines.push(format!("  deeds -w {workspace} tokens create agent NAME --out NAME.token"));
    }
    lines
}

/// A path as a shell takes it.
fn quoted(path: &str) -> String {
    let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+@%".contains(c));
    if plain { path.to_owned() } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// One frame as text.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds screen inbox --size 120x36\n  deeds -w northwind screen conflicts\n  deeds screen conflicts --at -2h\n  deeds screen map --svg > map.svg\n  watch -n 5 deeds screen log"
)]
pub(crate) struct ScreenCommand {
    /// The view: inbox, log, map, conflicts, agents, work or watch
    #[arg(value_parser = view)]
    view: View,
    /// Columns and rows
    #[arg(long, value_name = "WxH", default_value = "120x36", value_parser = size)]
    size: (u16, u16),
    /// As a picture (SVG) in colours of its own, dark or light as the setting `theme` says
    #[arg(long)]
    svg: bool,
    #[command(flatten)]
    then: Then,
}

fn view(text: &str) -> Result<View, String> {
    let names: Vec<&str> = View::ALL.iter().map(|view| view.name()).collect();
    View::named(text).ok_or_else(|| format!("views are {}", names.join(", ")))
}

pub(super) fn size(text: &str) -> Result<(u16, u16), String> {
    let mend = || "write columns and rows, such as 120x36, each from 1 to 500".to_owned();
    let (width, height) = text.split_once('x').ok_or_else(mend)?;
    let part = |text: &str| text.parse().ok().filter(|cells| (1..=500).contains(cells)).ok_or_else(mend);
    Ok((part(width)?, part(height)?))
}

/// Prints one frame.
pub(super) fn screen(context: &Context, command: &ScreenCommand) -> anyhow::Result<Status> {
    let mut settings = settings(&context.config, command.view)?;
    let (ground, letters) = drawn_in(&mut settings, command.svg);
    let (width, height) = command.size;
    session::with_session(context, async |session| {
        if session.client.token().class == TokenClass::Agent {
            me(&session.client).await?;
        }
        let endpoints = session.endpoints().await?;
        // A moment that can't be looked at is told before anything is drawn.
        let client = command.then.look(&session.client).await?;
        let setup = Setup {
            me: me(&session.client).await?,
            first: session.client.token().workspace.clone(),
            endpoints: as_endpoints(endpoints, session.silent_agent(context).as_ref()),
            settings,
            welcome: welcome(session),
            seen: Seen::default(),
            keeper: None,
            rehearsal: None,
            options: options(&context.config),
        };
        let drawn = frame(setup, width, height, client.looks_at_text())
            .await
            .map_err(|trouble| anyhow::anyhow!("{}; {}", trouble.what, trouble.next))
            .context("the frame can't be drawn")?;
        let text = drawn.text();
        if let (true, Drawn::Frame(buffer)) = (command.svg, &drawn) {
            output::line(picture::svg(buffer, ground, letters).trim_end())?;
        } else if context.out.json {
            let lines: Vec<&str> = text.lines().collect();
            output::json(&serde_json::json!({ "view": command.view.name(), "lines": lines }))?;
        } else {
            output::line(text.trim_end_matches('\n'))?;
        }
        Ok(Status::Done)
    })
}

/// The background of a picture and its text; a picture has colours of its own.
fn drawn_in(settings: &mut Settings, picture: bool) -> (Rgb, Rgb) {
    let light = settings.theme.light().unwrap_or(false);
    let (ground, letters) = if light { picture::LIGHT } else { picture::DARK };
    if picture {
        if settings.theme != Choice::HighContrast {
            settings.theme = if light { Choice::TrueLight } else { Choice::TrueDark };
        }
        let told = Colours { background: Some(ground), foreground: Some(letters), ..Colours::default() };
        settings.surroundings = Surroundings { colours: told, depth: Depth::True, ..settings.surroundings };
    }
    (ground, letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_and_paths_are_quoted() {
        assert_eq!(size("120x36"), Ok((120, 36)));
        for bad in ["", "120", "0x3", "axb", "999x9"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        assert_eq!(quoted("/a/b"), "/a/b");
        assert_eq!(quoted("/a b/it's"), r"'/a b/it'\''s'");
    }
}
