//! The way in: a console on a terminal, or one frame as text.

use std::time::Duration;

use ratatui::buffer::Buffer;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::app::{App, Settings};
use super::ask::{Ask, Heard, Trouble};
use super::kept::Keeper;
use super::linear::Teller;
use super::message::{Effect, Message};
use super::place::View;
use super::rehearsing::Controls;
use super::run::{self, ConsoleError, Ending, Options, Program as _};
use super::terminal::clipboard::{Route, ask_tmux};
use super::terminal::notice::Way;
use super::theme::Surroundings;
use super::wire::{self, Endpoint, Seen, SeenAll, Wire};
use super::world::Me;
use crate::domain::ids::WorkspaceId;

/// How long one printed frame waits for what it shows.
const FRAME_WAIT: Duration = Duration::from_secs(5);
/// Without news for this long, a printed frame has what it shows.
const FRAME_QUIET: Duration = Duration::from_millis(300);

/// What a console starts with.
#[derive(Debug)]
pub struct Setup {
    /// The workspaces that can be looked at, each with its token's client.
    pub endpoints: Vec<Endpoint>,
    /// The one to start in.
    pub first: WorkspaceId,
    /// Who is expected to look; the server's word counts.
    pub me: Me,
    /// How it looks and listens. What is known of the terminal is added here.
    pub settings: Settings,
    /// What to do first in a workspace in which nothing has happened.
    pub welcome: Vec<String>,
    /// The last deed seen of each ledger, from the last time.
    pub seen: Seen,
    /// What was kept before, and where what changes of it goes; none where nothing is kept.
    pub keeper: Option<Keeper>,
    /// Mouse, synchronized updates, clock.
    pub options: Options,
    /// The way to whoever moves the clock, where it is simulated.
    pub rehearsal: Option<Controls>,
}

/// How a console ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// Why.
    pub ending: Ending,
    /// The last deed seen of each ledger, to be kept for the next time.
    pub seen: SeenAll,
    /// The workspace it was in.
    pub workspace: WorkspaceId,
    /// The view it was in.
    pub view: View,
    /// How many texts that were typed and not sent are kept for the next start.
    pub drafts: usize,
}

/// Opens the console on the terminal and runs it until it ends. To be awaited on the program's main thread.
///
/// # Errors
/// When there is no terminal, or it can't be used. It is given back first.
pub async fn open(mut setup: Setup) -> Result<Closed, ConsoleError> {
    let prepared = run::prepare(setup.options)?;
    let around = Surroundings::from_environment(|name| std::env::var(name).ok());
    setup.settings.surroundings = around.with(prepared.answer.colours);
    setup.settings.clipboard = Route::from_environment(|name| std::env::var(name).ok());
    setup.settings.notices = Way::from_environment(|name| std::env::var(name).ok());
    setup.settings.mouse = setup.options.mouse;
    let clipboard = setup.settings.clipboard;
    let mut app = App::new(setup.first.clone(), setup.me, setup.settings).with_welcome(setup.welcome);
    let (tell, heard) = mpsc::channel(wire::QUEUE);
    if clipboard == Route::Asking {
        let tell = tell.clone();
        // Where the console has ended meanwhile nobody hears it.
        ask_tmux(move |route| _ = tell.blocking_send(Heard::Clipboard(route)));
    }
    let mut wire = Wire::start(setup.endpoints, &setup.first, setup.seen, tell, setup.options.clock);
    if let Some(mut keeper) = setup.keeper {
        app = app.with_kept(std::mem::take(&mut keeper.before));
        wire.keep(keeper);
    }
    if let Some(controls) = setup.rehearsal {
        wire.rehearse(controls);
    }
    let ending = run::run(&mut app, prepared, heard, |ask| wire.perform(ask), setup.options).await?;
    let (workspace, view, drafts) = (app.workspace(), app.place(), app.kept_drafts());
    Ok(Closed { ending, seen: wire.seen(), workspace, view, drafts })
}

/// What is on the console.
#[derive(Debug)]
pub enum Drawn {
    /// As cells.
    Frame(Buffer),
    /// As it is told in lines.
    Told(String),
}

impl Drawn {
    /// As text.
    pub fn text(&self) -> String {
        match self {
            Self::Frame(buffer) => super::testing::text(buffer),
            Self::Told(lines) => lines.clone(),
        }
    }
}

/// One frame of the console, without a terminal: as soon as everything that it shows has come. Of that moment, if
/// one is named.
///
/// # Errors
/// When the server does not let itself be looked at, with what can be done.
pub async fn frame(setup: Setup, width: u16, height: u16, then: Option<&str>) -> Result<Drawn, Trouble> {
    let mut asked = then.is_none();
    let linear = setup.settings.linear;
    let mut app = App::new(setup.first.clone(), setup.me, setup.settings).with_welcome(setup.welcome);
    let (tell, mut heard) = mpsc::channel(wire::QUEUE);
    let mut wire = Wire::start(setup.endpoints, &setup.first, Seen::default(), tell, setup.options.clock);
    let perform = |wire: &mut Wire, effects: Vec<Effect<Ask>>| {
        for effect in effects {
            if let Effect::Do(ask) = effect {
                wire.perform(ask);
            }
        }
    };
    let take = |app: &mut App, wire: &mut Wire, message: Message<Heard>| {
        let effects = app.update(message);
        perform(wire, effects.into_iter().chain(app.settle()).collect());
    };
    take(&mut app, &mut wire, Message::Clock { now_micros: (setup.options.clock)() });
    take(&mut app, &mut wire, Message::Resize { width, height });
    let end = Instant::now() + FRAME_WAIT;
    loop {
        if !asked && app.has_board() {
            asked = true;
            perform(&mut wire, app.look_at(then.unwrap_or_default()));
        }
        let shown = app.has_board() && app.looks_back() == then.is_some();
        let quiet = if shown { Instant::now() + FRAME_QUIET } else { end };
        match timeout_at(quiet.min(end), heard.recv()).await {
            Ok(Some(message)) => take(&mut app, &mut wire, Message::Server(message)),
            Ok(None) | Err(_) => break,
        }
        if !app.has_board() && app.trouble().is_some() {
            break;
        }
    }
    if app.has_board() && app.looks_back() == then.is_some() {
        if linear {
            return Ok(Drawn::Told(Teller::default().tell(app.scene(), true).replace("\r\n", "\n")));
        }
        return Ok(Drawn::Frame(run::frame_of(&app, width, height).unwrap_or_default()));
    }
    Err(app.trouble().unwrap_or_else(|| Trouble {
        what: "the server did not answer in time".to_owned(),
        next: "check that `deeds serve` runs and that the address is right".to_owned(),
    }))
}
