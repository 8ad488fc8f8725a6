//! What every screen may look at: the board, the link, who is looking, what time it is. Screens read it; only the app
//! changes it.

use std::collections::VecDeque;
use std::sync::Arc;

use super::kept::{Keeping, Kept};
use super::rehearsing::Rehearsing;
use crate::api::AsOf;
use crate::domain::deed::Deed;
use crate::domain::ids::{PersonId, Seq, WorkspaceId};
use crate::domain::rule::reviewer;
use crate::domain::state::{Board, Thing, Whole};
use crate::domain::things::{Item, TokenClass};
use crate::domain::time::{Span, Time, Zone};

/// Things of the board whose payloads are kept beside those that are shown.
const KEPT: usize = 32;
/// Deeds kept from the stream; older ones are asked for.
pub const RECENT: usize = 4096;

/// Who is looking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Me {
    /// The person.
    pub person: PersonId,
    /// What the person's token allows.
    pub class: TokenClass,
}

/// The connection to the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The first answer has not come yet.
    Connecting,
    /// Deeds come as they happen.
    Live {
        /// How long the last request took, in milliseconds.
        latency_ms: Option<u64>,
    },
    /// Lost; the board is as old as it says.
    Lost {
        /// When it is tried again.
        retry_at: Time,
        /// Why, in words.
        why: String,
    },
    /// The server's history does not continue the one seen here before.
    Rewritten {
        /// Where it stops agreeing.
        at: Seq,
    },
    /// It will not come back by itself: the token has ended, the workspace is gone.
    Ended {
        /// Why, and the mend.
        why: String,
    },
}

/// What every screen may look at.
#[derive(Debug)]
pub struct World {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Others that this person may switch to.
    pub workspaces: Vec<WorkspaceId>,
    /// Who is looking.
    pub me: Me,
    /// The connection.
    pub link: Link,
    /// Why nothing can be recorded at present, as the server said with the board; a deed that comes says that it can.
    pub trouble: Option<String>,
    /// Whether what is recorded is on fewer machines than is promised.
    pub unreplicated: bool,
    /// The time on this machine, to the minute or as fine as a screen asked for.
    pub clock: Time,
    /// What ages are counted to: the time, or the latest deed where that is later. News never looks old or yet to come.
    pub now: Time,
    /// In which times are told: the workspace's timezone, or the one that this console is set to.
    pub zone: Zone,
    /// Set where it is one of this console's own.
    own_zone: Option<Zone>,
    /// What people look at; none before the first answer.
    pub board: Option<Box<Board>>,
    /// The latest deeds from the stream, oldest first, without gap.
    pub recent: VecDeque<Arc<Deed>>,
    /// The things whose payloads were fetched, the first one first: beyond a bound they go again.
    fetched: VecDeque<Thing>,
    /// What to do first in a workspace in which nothing has happened: lines, said by whoever started the console.
    pub welcome: Vec<String>,
    /// What is kept from one start to the next.
    pub keeping: Keeping,
    /// How the rehearsal stands that this is, where it is one: its clock is the simulated one.
    pub rehearsing: Option<Arc<Rehearsing>>,
    /// Set while the past is looked at: what stands above is as it was then, and the present goes on in here.
    past: Option<Past>,
}

/// The past that is looked at, and the present that goes on meanwhile.
#[derive(Debug)]
struct Past {
    as_of: AsOf,
    present: Moment,
}

/// What differs between the past and the present.
#[derive(Debug, Default)]
struct Moment {
    now: Time,
    board: Option<Box<Board>>,
    recent: VecDeque<Arc<Deed>>,
    fetched: VecDeque<Thing>,
}

impl World {
    /// What is kept of this ledger from one start to the next.
    pub fn kept(&self) -> &Kept {
        self.keeping.here()
    }

    /// Whether nothing has happened in the workspace.
    pub fn is_new(&self, board: &Board) -> bool {
        board.agents.is_empty() && board.closed.is_empty()
    }

    /// The first request of an agent that the welcome shows, as a shell takes it; where nothing has happened.
    pub fn first_request(&self) -> Option<String> {
        self.board.as_ref().filter(|board| self.is_new(board) && board.items.is_empty())?;
        let lines: Vec<&str> = self.welcome.iter().map(|line| line.trim_start()).collect();
        let at = lines.iter().position(|line| line.starts_with("curl "))?;
        lines.get(at..).map(|lines| lines.join("\n"))
    }

    /// The time as agents have it: it stands still while all of them are paused.
    pub fn agents_clock(&self) -> Time {
        self.board.as_ref().map_or(self.now, |board| board.agents_clock(self.now))
    }

    /// Before the first answer.
    pub fn new(workspace: WorkspaceId, me: Me) -> Self {
        Self {
            workspace,
            workspaces: Vec::new(),
            me,
            link: Link::Connecting,
            trouble: None,
            unreplicated: false,
            clock: Time::default(),
            now: Time::default(),
            zone: Zone::UTC,
            own_zone: None,
            board: None,
            recent: VecDeque::new(),
            fetched: VecDeque::new(),
            welcome: Vec::new(),
            keeping: Keeping::default(),
            rehearsing: None,
            past: None,
        }
    }

    /// Times are told in this timezone, whatever the workspace's is.
    pub fn tell_times_in(&mut self, zone: Zone) {
        self.own_zone = Some(zone);
        self.zone = zone;
    }

    /// Times are told as the map in force says, unless this console is set otherwise.
    pub fn read_zone(&mut self) {
        let of_map = || self.board.as_ref().map_or(Zone::UTC, |board| board.map.model().zone());
        self.zone = self.own_zone.unwrap_or_else(of_map);
    }

    /// Time has passed. It does in the present only.
    pub fn tick(&mut self, clock: Time) {
        self.clock = clock;
        self.in_the_present(|world| {
            world.now = world.recent.back().map_or(clock, |deed| clock.max(deed.recorded));
        });
    }

    /// The moment of the past that is looked at; none where it is the present.
    pub fn as_of(&self) -> Option<AsOf> {
        self.past.as_ref().map(|past| past.as_of)
    }

    /// Shows a board of the past from now on. The present goes on meanwhile.
    pub fn look_back(&mut self, board: Box<Board>, as_of: AsOf) {
        let then = Moment { now: as_of.time, board: Some(board), ..Moment::default() };
        let shown = self.show(then);
        // From one past to another, the present stays where it is.
        let present = self.past.take().map_or(shown, |past| past.present);
        self.past = Some(Past { as_of, present });
    }

    /// Shows the present again, as it is by now.
    pub fn come_back(&mut self) {
        if let Some(past) = self.past.take() {
            self.show(past.present);
        }
    }

    /// Does something in the present, whatever is looked at.
    pub fn in_the_present<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        let Some(mut past) = self.past.take() else { return work(self) };
        let then = self.show(std::mem::take(&mut past.present));
        let result = work(self);
        past.present = self.show(then);
        self.past = Some(past);
        result
    }

    /// Shows another moment; the one that was shown comes back.
    fn show(&mut self, moment: Moment) -> Moment {
        Moment {
            now: std::mem::replace(&mut self.now, moment.now),
            board: std::mem::replace(&mut self.board, moment.board),
            recent: std::mem::replace(&mut self.recent, moment.recent),
            fetched: std::mem::replace(&mut self.fetched, moment.fetched),
        }
    }

    /// The board of the present, whatever is looked at.
    pub fn present(&self) -> Option<&Board> {
        match &self.past {
            Some(past) => past.present.board.as_deref(),
            None => self.board.as_deref(),
        }
    }

    /// Takes a deed of the stream in. One that is already in, or leaves a gap, is not taken.
    pub fn take(&mut self, deed: Arc<Deed>) -> bool {
        let Some(board) = &mut self.board else { return false };
        if deed.seq != board.head.next() {
            return false;
        }
        board.fold(&deed);
        self.now = self.now.max(deed.recorded);
        self.recent.push_back(deed);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
        true
    }

    /// Whether only the beginning of what a thing carries is here.
    pub fn is_cut(&self, thing: &Thing) -> bool {
        self.board.as_ref().is_some_and(|board| board.cut.contains(thing))
    }

    /// Takes in all that a thing carries, and lets go of what was fetched before and is not shown any more.
    pub fn take_whole(&mut self, thing: &Thing, whole: Whole, shown: &[Thing]) {
        let Some(board) = &mut self.board else { return };
        if !board.take_whole(thing, whole) {
            return;
        }
        self.fetched.push_back(thing.clone());
        for _ in KEPT..self.fetched.len() {
            let Some(oldest) = self.fetched.pop_front() else { return };
            if shown.contains(&oldest) {
                self.fetched.push_back(oldest);
            } else {
                board.shorten(&oldest);
            }
        }
    }

    /// Passes over a deed of a type that is not known here: what follows it can still be taken in.
    pub fn skip(&mut self, seq: Seq) {
        if let Some(board) = &mut self.board
            && seq == board.head.next()
        {
            board.head = seq;
            // What is kept must have no gap.
            self.recent.clear();
        }
    }

    /// The board was replaced: what was kept beside it is of another one.
    pub fn begin_anew(&mut self) {
        self.recent.clear();
        self.fetched.clear();
    }

    /// A deed that came by lately.
    pub fn recent_deed(&self, seq: Seq) -> Option<&Arc<Deed>> {
        let first = self.recent.front()?.seq.0;
        self.recent.get(usize::try_from(seq.0.checked_sub(first)?).ok()?)
    }

    /// Whether anything may be decided now; if not, why and what would help.
    ///
    /// # Errors
    /// The reason in words.
    pub fn may_decide(&self) -> Result<(), String> {
        if let Some(then) = self.as_of() {
            return Err(format!(
                "this is how it was at deed {}, and the past can't be changed; go back to the present first",
                then.seq
            ));
        }
        match &self.link {
            Link::Live { .. } => {}
            Link::Connecting => return Err("not connected yet; wait for `live`".to_owned()),
            Link::Lost { .. } => {
                return Err("the link is down, so what is shown may be old; wait for `live`".to_owned());
            }
            Link::Rewritten { at } => {
                return Err(format!(
                    "the server's history differs from deed #{at} on; nothing can be decided until that is cleared up, and then `deeds ledger confirm`"
                ));
            }
            Link::Ended { why } => return Err(why.clone()),
        }
        if let Some(trouble) = &self.trouble {
            return Err(trouble.clone());
        }
        match self.me.class {
            TokenClass::Reviewer | TokenClass::Admin => Ok(()),
            TokenClass::Agent | TokenClass::Watcher | TokenClass::Guard => {
                Err(format!("a {} only looks; ask an admin for a reviewer's token", self.me.class.as_str()))
            }
        }
    }

    /// Whether this person may answer an item; if not, who may.
    ///
    /// # Errors
    /// The reason in words, with the names of those who may.
    pub fn may_answer(&self, item: &Item) -> Result<(), String> {
        self.may_decide()?;
        let Some(board) = &self.board else { return Err("the board is not here yet".to_owned()) };
        if board.cut.contains(&Thing::Item(item.no)) {
            return Err(format!("not all of #{} is here yet; it is being fetched", item.no));
        }
        let me = (&self.me.person, self.me.class);
        reviewer::may_answer(board, item, me, self.now).map(|_| ()).map_err(|(_, why)| why)
    }

    /// Whether this person may take the item from whoever has it.
    pub fn may_take_over(&self, item: &Item) -> bool {
        let me = (&self.me.person, self.me.class);
        let may = |board: &Board| reviewer::may_take_over(board, item, me, self.now).is_ok();
        self.may_decide().is_ok() && self.board.as_deref().is_some_and(may)
    }

    /// How long ago something was, as people read it.
    pub fn ago(&self, time: Time) -> String {
        let span = self.now.since(time);
        if span < Span::from_secs(1) { "now".to_owned() } else { format!("{} ago", span.rough()) }
    }
}
