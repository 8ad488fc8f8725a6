//! `deeds replay`: a conflict step by step as text, or as a recording for players of terminal sessions.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::context::Context;
use super::status::{Status, Usage};
use super::{console, output, session};
use crate::client::Client;
use crate::console::ask::{Told, Trouble, What};
use crate::console::glyphs::{ASCII, UNICODE};
use crate::console::replay::{CAST, Replay};
use crate::console::widgets::{Look, PLAIN};
use crate::console::wire;
use crate::coordinator::Clock;
use crate::domain::ids::{AlertNo, MapVersion};
use crate::domain::state::Board;
use crate::domain::things::Alert;

/// Which conflict, under which map, and where to.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds replay 12                     every step: who, what it had read and wrote, why\n  deeds replay 12 --under 41          what version 41 of the map would have said to each\n  deeds replay 12 --cast alert.cast   the same as the console plays it; `asciinema play alert.cast`\n\nExit status 1 if no such alert is kept."
)]
pub(crate) struct Command {
    /// The alert's number
    alert: AlertNo,
    /// The version of the map that the steps are laid under; the newest if nothing is said
    #[arg(long, value_name = "VERSION")]
    under: Option<MapVersion>,
    /// Write a recording (asciicast v2) into this file, which must not be there yet
    #[arg(long, value_name = "FILE")]
    cast: Option<PathBuf>,
    /// Columns and rows of the recording
    #[arg(long, value_name = "WxH", value_parser = console::size, requires = "cast")]
    size: Option<(u16, u16)>,
}

/// Runs it.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    let zone = console::zone(context.config.timezone)?;
    session::with_client(context, async |client| {
        let board = client.board().await?.board;
        let Some(alert) = alert_of(&board, command.alert) else {
            output::complain(format!(
                "no alert {} is kept; `deeds alerts list --all` lists them",
                command.alert
            ));
            return Ok(Status::No);
        };
        let zone = zone.unwrap_or_else(|| board.map.model().zone());
        let glyphs = if context.config.ascii { &ASCII } else { &UNICODE };
        let look = Look { glyphs, zone, ..PLAIN };
        let mut replay = fetched(client, alert, &board).await?;
        if let Some(version) = command.under.filter(|version| !replay.under(*version)) {
            return Err(Usage::error(format!("version {version} of the map is not kept")));
        }
        let Some(file) = &command.cast else {
            let text = replay.text(look);
            if context.out.json {
                let lines: Vec<&str> = text.lines().collect();
                output::json(&serde_json::json!({ "alert": command.alert, "lines": lines }))?;
            } else {
                output::line(text.trim_end())?;
            }
            return Ok(Status::Done);
        };
        let text = replay.cast(look, command.size.unwrap_or(CAST), Clock::System.now());
        let told = wire::ask(client, What::Save { file: file.clone(), text }).await;
        told.map_err(|trouble| failed(&trouble))?;
        output::line(format!("{} is written", file.display()))?;
        Ok(Status::Done)
    })
}

/// The alert, open or not.
fn alert_of(board: &Board, no: AlertNo) -> Option<Arc<Alert>> {
    board.alerts.get(&no).or_else(|| board.resolved.iter().find(|alert| alert.no == no)).cloned()
}

/// The replay with all that it needs.
async fn fetched(client: &Client, alert: Arc<Alert>, board: &Board) -> anyhow::Result<Replay> {
    super::deeds::index_caught_up(client).await?;
    let (mut replay, asks) = Replay::begin(alert, board);
    for (part, what) in asks {
        let told: Result<Told, Trouble> = wire::ask(client, what).await;
        replay.take(part, told);
    }
    match replay.trouble() {
        Some(why) => Err(anyhow::anyhow!("{why}")),
        None => Ok(replay),
    }
}

fn failed(trouble: &Trouble) -> anyhow::Error {
    anyhow::anyhow!("{trouble}")
}
