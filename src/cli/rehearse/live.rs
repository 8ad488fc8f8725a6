//! A rehearsal with the console on it: a server of its own in a temporary directory, whose clock is moved from one thing
//! that happens to the next. What is asked is decided in memory first and then by the server's coordinator, at the same time of
//! the same clock: the same deeds. Where a person at the console did something meanwhile, the memory follows the ledger.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::player::Player;
use crate::cli::context::Context;
use crate::cli::datadir::DataDir;
use crate::cli::demo::Place;
use crate::cli::session::{self, Embedded, Listen, log_to};
use crate::cli::status::Status;
use crate::cli::{console, output};
use crate::client::Client;
use crate::console::open::{Setup, open};
use crate::console::place::View;
use crate::console::rehearsing::{Controls, Going, Move, Rehearsing};
use crate::console::wire::Seen;
use crate::coordinator::Clock;
use crate::domain::deed::Deed;
use crate::domain::ids::{PersonId, WorkspaceId};
use crate::domain::map::Model;
use crate::domain::things::Limits;
use crate::domain::time::Time;
use crate::ledger::Ledger as _;
use crate::ledger::engine::embedded;
use crate::rehearse::{World, onlooker};
use crate::server::Workspace;

/// How much simulated time passes in a second, and how it is called; the last does not wait at all.
const PACES: [(i64, &str); 8] = [
    (1, "as it was"),
    (60, "1 min/s"),
    (10 * 60, "10 min/s"),
    (60 * 60, "1 h/s"),
    (6 * 3600, "6 h/s"),
    (24 * 3600, "1 day/s"),
    (7 * 24 * 3600, "1 week/s"),
    (0, "at full speed"),
];
/// The pace that a rehearsal begins with, and one that is over within a day.
const FIRST_PACES: (usize, usize) = (4, 1);
/// How often at most the console is told how it stands.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// How many records are read at once.
const PAGE: usize = 4096;
/// Waits that are shorter are gathered.
const SHORTEST_WAIT: Duration = Duration::from_millis(15);
/// The longest wait without a look at what is asked.
const LONGEST_WAIT: Duration = Duration::from_millis(100);

/// What is rehearsed: makes the player in a workspace that was just founded.
pub(super) struct Start<'a> {
    pub(super) model: Arc<Model>,
    pub(super) begins: Time,
    /// The view that says most of it.
    pub(super) view: View,
    pub(super) player: Box<dyn FnOnce(World) -> Player + Send + 'a>,
}

/// Opens the console on it. What became of it by the time it is closed.
pub(super) fn run(context: &Context, start: Start<'_>) -> anyhow::Result<(Status, Player)> {
    let place = Place::temporary()?;
    let dir = DataDir::open(&place.path, embedded())?;
    session::runtime()?.block_on(async {
        let lock = dir.try_lock()?.context("another deeds holds the temporary directory")?;
        log_to(&dir);
        let clock = Clock::manual(start.begins);
        let limits = Limits { counts_refusals: false, ..Limits::default() };
        let listen = Listen::from_settings(([127, 0, 0, 1], 0).into(), None).limited(limits);
        let embedded = Embedded::start_by(&dir, lock, &listen, clock.clone()).await?;
        let played = play(context, &embedded, clock, start).await;
        embedded.stop().await;
        played
    })
}

async fn play(
    context: &Context,
    embedded: &Embedded,
    clock: Clock,
    start: Start<'_>,
) -> anyhow::Result<(Status, Player)> {
    let (workspace, client, stage) = found(context, embedded, clock, &start.model).await?;
    let player = (start.player)(stage.world().await?);
    let (say, moves) = mpsc::unbounded_channel();
    let (tell, told) = watch::channel(Arc::new(player.stands()));
    let playing = tokio::spawn(stage.play(player, moves, tell));
    let setup = Setup {
        me: console::me(&client).await?,
        first: workspace.clone(),
        endpoints: console::as_endpoints(vec![(workspace, client)], session::own_agent().as_ref()),
        settings: console::settings(&context.config, start.view)?,
        welcome: vec!["The rehearsal is just beginning.".to_owned()],
        seen: Seen::default(),
        keeper: None,
        options: console::options(&context.config),
        rehearsal: Some(Controls { told, say }),
    };
    // The sender of moves goes with the console, and that ends the playing.
    let closed = open(setup).await?;
    let (player, trouble) = playing.await.context("the rehearsal broke off")?;
    if let Some(trouble) = trouble {
        output::complain(format!("the rehearsal ended early: {trouble:#}"));
    }
    Ok((console::status(&closed), player))
}

/// The workspace, with the seat of whoever looks on.
async fn found(
    context: &Context,
    embedded: &Embedded,
    clock: Clock,
    model: &Model,
) -> anyhow::Result<(WorkspaceId, Client, Stage)> {
    let workspace = model.workspace.clone();
    let person = onlooker(model).map_or_else(|| PersonId::new("onlooker"), |person| Ok(person.clone()))?;
    let token = embedded.workspaces().create(&workspace, &person, Some(model.clone())).await?;
    let client = embedded.client(context, token)?;
    let space = embedded.workspaces().get(&workspace).context("the workspace was not made")?;
    Ok((workspace, client, Stage { space, clock }))
}

/// The server's side of it.
pub(super) struct Stage {
    space: Arc<Workspace>,
    clock: Clock,
}

impl Stage {
    /// What the ledger has after that deed.
    async fn deeds(&self, mut after: u64) -> anyhow::Result<Vec<Deed>> {
        let mut deeds = Vec::new();
        loop {
            let page = self.space.handle().ledger().read(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(deeds) };
            after = last.seq;
            for record in &page {
                deeds.push(Deed::decode(&record.bytes)?);
            }
        }
    }

    /// The workspace as it was founded, in memory.
    async fn world(&self) -> anyhow::Result<World> {
        World::of(self.deeds(0).await?).context("the workspace has no first deed")
    }

    /// Plays until the days are over or nobody looks any more.
    async fn play(
        self,
        mut player: Player,
        mut moves: mpsc::UnboundedReceiver<Move>,
        tell: watch::Sender<Arc<Rehearsing>>,
    ) -> (Player, Option<anyhow::Error>) {
        player.world().keep_a_journal();
        let mut run = Run {
            pace: if player.stands().days > 1 { FIRST_PACES.0 } else { FIRST_PACES.1 },
            going: Going::On,
            until_day: None,
            told: None,
            owed: Duration::ZERO,
            counted: false,
        };
        loop {
            run.tell(&player, &tell);
            let heard = match run.going {
                Going::On => moves.try_recv(),
                Going::Paused | Going::Over => {
                    moves.recv().await.ok_or(mpsc::error::TryRecvError::Disconnected)
                }
            };
            match heard {
                Ok(asked) => {
                    run.hear(asked, player.stands().day);
                    continue;
                }
                Err(mpsc::error::TryRecvError::Disconnected) => return (player, None),
                Err(mpsc::error::TryRecvError::Empty) => {}
            }
            if !run.wait(&mut player).await {
                continue;
            }
            match self.step(&mut player).await {
                Ok(true) => run.stepped(player.stands().day),
                Ok(false) => run.going = Going::Over,
                Err(trouble) => return (player, Some(trouble)),
            }
        }
    }

    /// The next thing that happens, in memory and then in the ledger. False where nothing is left.
    pub(super) async fn step(&self, player: &mut Player) -> anyhow::Result<bool> {
        self.follow(player).await?;
        let (mark, before) = (player.world().mark(), player.world().state.head().0);
        if !player.step() {
            return Ok(false);
        }
        for (at, request) in player.world().take_journal() {
            self.clock.set(at);
            self.space.handle().submit(request).await?;
        }
        self.clock.set(player.now());
        if self.space.handle().head().seq != player.world().state.head().0 {
            // Somebody did something while this was asked.
            let deeds = self.deeds(before).await?;
            player.world().instead(mark, deeds);
        }
        Ok(true)
    }

    /// Takes in what was done at the console since the last step.
    async fn follow(&self, player: &mut Player) -> anyhow::Result<()> {
        let head = player.world().state.head().0;
        if self.space.handle().head().seq != head {
            let deeds = self.deeds(head).await?;
            let mark = player.world().mark();
            player.world().instead(mark, deeds);
        }
        Ok(())
    }
}

/// How it goes on.
struct Run {
    pace: usize,
    going: Going,
    /// To stand still when this day is over.
    until_day: Option<u32>,
    told: Option<Instant>,
    /// How long is still to be waited, and whether the next thing is in that.
    owed: Duration,
    counted: bool,
}

impl Run {
    fn hear(&mut self, asked: Move, day: u32) {
        match (asked, self.going) {
            (Move::Faster, _) => self.pace = (self.pace + 1).min(PACES.len() - 1),
            (Move::Slower, _) => self.pace = self.pace.saturating_sub(1),
            (Move::Pause | Move::Day, Going::Over) => {}
            (Move::Pause, Going::On) => self.going = Going::Paused,
            (Move::Pause, Going::Paused) => (self.going, self.until_day) = (Going::On, None),
            (Move::Day, Going::On | Going::Paused) => {
                (self.going, self.until_day) = (Going::On, Some(day));
            }
        }
        self.told = None;
    }

    fn stepped(&mut self, day: u32) {
        if self.until_day.is_some_and(|until| day > until) {
            (self.going, self.until_day, self.told) = (Going::Paused, None, None);
        }
    }

    /// Waits for as long as the time until the next thing takes at this pace. False where it is not over yet.
    async fn wait(&mut self, player: &mut Player) -> bool {
        let pace = PACES.get(self.pace).map_or(0, |(pace, _)| *pace);
        // A day that is asked for is played as fast as it goes.
        if pace == 0 || self.until_day.is_some() {
            (self.owed, self.counted) = (Duration::ZERO, false);
            tokio::task::yield_now().await;
            return true;
        }
        if !self.counted {
            let span = player.next_at().map_or(0, |next| next.since(player.now()).micros());
            self.owed += Duration::from_micros(u64::try_from(span / pace).unwrap_or(0));
            self.counted = true;
        }
        if self.owed >= SHORTEST_WAIT {
            let slice = self.owed.min(LONGEST_WAIT);
            tokio::time::sleep(slice).await;
            self.owed -= slice;
        } else {
            tokio::task::yield_now().await;
        }
        self.counted = self.owed >= SHORTEST_WAIT;
        !self.counted
    }

    fn tell(&mut self, player: &Player, tell: &watch::Sender<Arc<Rehearsing>>) {
        let still = self.going != Going::On;
        if !still && self.told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return;
        }
        self.told = Some(Instant::now());
        let pace = PACES.get(self.pace).map_or("", |(_, name)| *name);
        tell.send_replace(Arc::new(Rehearsing { pace, state: self.going, ..player.stands() }));
    }
}

#[cfg(test)]
mod tests;
