//! A story played again: which files are stories, and what would have been different, as it plays and at its end.

use std::convert::Infallible;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;

use super::live::Start;
use super::player::{Play, Player};
use super::{Command as Arguments, is_shown, shown};
use crate::cli::context::Context;
use crate::cli::output::{self, Output, visible};
use crate::cli::session;
use crate::cli::status::{Status, Usage};
use crate::console::place::View;
use crate::coordinator::Clock;
use crate::domain::command::{Command, Import, Principal, Request};
use crate::domain::deed::Deed;
use crate::domain::ids::Actor;
use crate::domain::map::{Model, parse};
use crate::domain::reply::Reply;
use crate::domain::things::TokenClass;
use crate::import::{self, Beads, Door, Events, Look};
use crate::ledger::{export, read_all};
use crate::rehearse::{LeftOut, Replay, Retold, Story, Turn, Turned, Turns, World};

/// What a ledger's file begins with.
const SQLITE: &[u8] = b"SQLite format 3\0";
/// What an export begins with.
const EXPORT: &[u8] = b"{\"ledger\":";
/// The ledger in the folder of a workspace.
const LEDGER: &str = "ledger.db";
/// Which files are stories.
const STORIES: &str = "a story is a ledger (ledger.db of a workspace), an export made with `deeds log --export jsonl`, or a log of beads (events.jsonl); tests of a map are played with `deeds map test`";

/// Plays the story in that file under the map, or under its own.
pub(super) fn play(
    context: &Context,
    command: &Arguments,
    file: &Path,
    map: Option<Arc<Model>>,
) -> anyhow::Result<Status> {
    let (out, days) = (context.out, command.days);
    let story = read(file, map.as_deref())?;
    if is_shown(out, command) {
        let model = Arc::clone(map.as_ref().unwrap_or_else(|| story.model()));
        let begins = story.begins();
        let days = days.map_or(story.days(), |days| days.min(story.days()));
        let player = Box::new(move |world| {
            let replay = Box::new(Replay::within(story, map, world));
            Player::new(Play::Story { replay, begins, days })
        });
        return shown(context, Start { model, begins, view: View::Log, player });
    }
    let mut told = Ok(());
    let came = Replay::new(story, map).play(days, |turned, turn| {
        if !out.json && told.is_ok() {
            told = tell_turn(out, turned, turn);
        }
    });
    told?;
    out.show(&came, || tell(out, &came))?;
    Ok(Status::Done)
}

fn read(file: &Path, map: Option<&Model>) -> anyhow::Result<Story> {
    let path: PathBuf = if file.is_dir() { file.join(LEDGER) } else { file.to_owned() };
    let shown = path.display();
    let open = || File::open(&path).map_err(|error| Usage::error(format!("{shown}: {error}; {STORIES}")));
    let mut begins = Vec::new();
    open()?.take(64).read_to_end(&mut begins).with_context(|| shown.to_string())?;
    let mut deeds = Vec::new();
    let mut take = |bytes: &[u8]| {
        deeds.push(Deed::decode(bytes).map_err(|error| error.to_string())?);
        Ok(())
    };
    if begins.starts_with(SQLITE) {
        let mut read: Result<(), String> = Ok(());
        read_all(&path, |record| {
            if read.is_ok() {
                read = take(&record.bytes).map_err(|error| format!("deed {}: {error}", record.seq));
            }
        })
        .with_context(|| shown.to_string())?;
        read.map_err(|error| anyhow::anyhow!("{shown}: {error}"))?;
    } else if begins.starts_with(EXPORT) {
        export::read_all(BufReader::new(open()?), take).with_context(|| shown.to_string())?;
    } else if begins.trim_ascii_start().starts_with(b"{") {
        let map = map.ok_or_else(|| {
            Usage::error(format!(
                "{shown}: another system's history has no map of its own; name one with --map"
            ))
        })?;
        deeds = imported(&path, map)?;
    } else {
        return Err(Usage::error(format!("{shown}: this is no story; {STORIES}")));
    }
    Story::new(deeds).map_err(|why| Usage::error(format!("{shown}: {why}; {STORIES}")))
}

/// A workspace in memory that only takes a history in.
struct Taking(Mutex<World>);

impl Door for Taking {
    type Error = Infallible;

    async fn send(&self, lines: &[Import]) -> Result<Vec<Result<Reply, String>>, Infallible> {
        let mut world = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut take = |line: &Import| {
            let principal = Principal { actor: Actor::Deeds, class: TokenClass::Admin, token: None };
            let command = Command::Import(line.clone());
            let request = Request::new(principal, command);
            world.send(&request).ok_or_else(|| "it is in already".to_owned())
        };
        Ok(lines.iter().map(&mut take).collect())
    }

    async fn look(&self) -> Result<Look, Infallible> {
        let world = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Look { head: world.state.head(), ..Look::default() })
    }
}

/// The deeds that another system's history comes to.
fn imported(path: &Path, map: &Model) -> anyhow::Result<Vec<Deed>> {
    let observes = format!("workspace = {:?}\nmode = \"observe\"\n", map.workspace.as_str());
    let model = parse(&observes).model.context("a map that only observes can't be made")?;
    // Each line has its own time; it is taken in after the last of them.
    let door = Taking(Mutex::new(World::new(Arc::new(model), Clock::System.now())));
    let events = Events::new(BufReader::new(File::open(path)?), Beads);
    let report = session::runtime()?.block_on(import::run(events, &door, |_| {}))?;
    let world = door.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    let shown = path.display();
    if world.deeds.len() < 2 {
        return Err(Usage::error(format!("{shown}: no line of it could be read; {STORIES}")));
    }
    if report.left_out() > 0 {
        output::complain(format!(
            "{shown}: {} lines were left out; `deeds import` tells which",
            report.left_out()
        ));
    }
    Ok(world.deeds)
}

/// The first decision that turns in such a way.
fn tell_turn(out: Output, turned: Turned, turn: &Turn) -> anyhow::Result<()> {
    let Turn { deed, at, who, asked, about, then, now } = turn;
    output::line(visible(&format!(
        "{at}  deed {deed}  {who} {asked} {about}: {} → {}, {}",
        then.words(true),
        now.words(true),
        turned.words()
    )))?;
    let why = now.why.as_ref().or(then.why.as_ref());
    why.map_or(Ok(()), |why| out.faint(format!("  {}", visible(why))))
}

pub(super) fn tell(out: Output, came: &Retold) -> anyhow::Result<()> {
    if !came.turns.is_empty() {
        output::line("")?;
        let row = |row: &Turns| {
            let Turns { turned, who, asked, about, then, now, count, examples } = row;
            let first = examples.first().map(|turn| turn.deed.to_string()).unwrap_or_default();
            let cells = [turned.words().to_owned(), count.to_string(), who.clone(), asked.clone()];
            let rest = [about.clone(), then.clone(), now.clone(), first];
            cells.into_iter().chain(rest).map(|cell| visible(&cell)).collect()
        };
        let rows: Vec<Vec<String>> = came.turns.iter().map(row).collect();
        out.table(&["WHAT", "TIMES", "WHO", "ASKED", "ABOUT", "THEN", "NOW", "FIRST DEED"], &rows)?;
    }
    output::line("")?;
    let left = |left: &[LeftOut]| {
        let one = |one: &LeftOut| {
            let first: Vec<String> = one.first.iter().map(ToString::to_string).collect();
            format!("{} × {} (deeds {})", one.count, one.why, first.join(", "))
        };
        (!left.is_empty()).then(|| left.iter().map(one).collect::<Vec<_>>().join("; "))
    };
    let aftermath = came
        .aftermath
        .iter()
        .map(|(name, (then, now))| format!("{} {then} → {now}", name.trim_start_matches("deeds.")));
    let aftermath: Vec<String> = aftermath.collect();
    let Retold { decisions, asked, same, different, answers, answers_left_out, open, deeds, chain, .. } =
        came;
    let moot = format!("{answers} given as they were, {answers_left_out} to what does not wait here");
    out.facts([
        ("from", Some(came.begins.clone())),
        ("to", Some(came.ends.clone())),
        ("decisions", Some(format!("{decisions}, {asked} asked again"))),
        ("came out", Some(format!("{same} the same, {different} otherwise"))),
        ("answers", (answers + answers_left_out > 0).then_some(moot)),
        ("not there", left(&came.moot)),
        ("not told", left(&came.untold)),
        ("then → now", (!aftermath.is_empty()).then(|| aftermath.join(", "))),
        ("open items", Some(format!("{} then, {} now", open.0, open.1))),
        ("deeds", Some(format!("{deeds}, chain {chain}"))),
    ])
}
