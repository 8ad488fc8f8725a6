//! A workspace in memory with a token for everybody, the clock that the steps move, and the book that is kept beside it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::apart::Apart;
use super::book::Book;
use super::disk::{Disk, Done};
use super::step::{AGENTS, EVERYBODY, PEOPLE, Step, What};
use super::{ask, foretold, index, keep, recount};
use deeds::domain::command::{Command, Override, OverrideVerb, Principal, Request, TokenStep};
use deeds::domain::decide::{Answer, decide, found, next_due};
use deeds::domain::deed::{Body, Deed, NewWorkspace, Origin};
use deeds::domain::ids::{Actor, AgentId, ItemNo, MapVersion, PersonId, TokenId};
use deeds::domain::map::Model;
use deeds::domain::state::{Board, State, Timer};
use deeds::domain::things::{Item, Token, TokenClass};
use deeds::domain::time::{Span, Time};

/// Most ticks until nothing is due any more.
const TICKS: usize = 64;
/// Most deeds of one decision: what one request sets off has an end.
const DEEDS_AT_ONCE: usize = 400;

/// A workspace in memory.
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) deeds: Vec<Deed>,
    pub(crate) now: Time,
    pub(crate) enforce: bool,
    /// The tokens that each of everybody ever had, the present one last.
    pub(crate) tokens: Vec<Vec<TokenId>>,
    /// Each item as it was when somebody first looked at it.
    pub(crate) seen: BTreeMap<ItemNo, Arc<Item>>,
    book: Book,
    /// The same with values outside memory, where that is asked for.
    apart: Option<Apart>,
    /// The same on a real image, likewise.
    disk: Option<Disk>,
    /// What every map of it has beside its shape.
    pub(crate) asked: usize,
}

impl World {
    /// Born with a map and a token for everybody; by a program before formats, where it is old.
    pub(crate) fn new(model: Model, enforce: bool, old: bool) -> Self {
        // Monday, 21 September 2026, in the morning.
        let now = Time::from_micros(1_789_970_400_000_000);
        let mut born = found(Arc::new(model), Actor::Deeds, now);
        if let Body::WorkspaceFounded(new) = &born.body
            && old
        {
            born.body = Body::WorkspaceCreated(Box::new(NewWorkspace {
                format: 1,
                version: MapVersion(0),
                ..(**new).clone()
            }));
            born.decided = None;
        }
        let mut state = State::new(born.body.model().unwrap().workspace.clone());
        state.fold(&born);
        let book = Book::new(&state, &born);
        let tokens = vec![Vec::new(); EVERYBODY];
        let mut world = Self {
            state,
            deeds: vec![born],
            now,
            enforce,
            tokens,
            seen: BTreeMap::new(),
            book,
            apart: None,
            disk: None,
            asked: 0,
        };
        for who in 0..EVERYBODY {
            world.give_token(who);
        }
        world
    }

    /// From now on the same is decided once more with values outside memory.
    pub(crate) fn set_apart(&mut self) {
        self.apart = Some(Apart::of(&self.deeds));
    }

    /// What lies outside memory is the same.
    pub(crate) fn agrees(&mut self) {
        if let Some(apart) = &mut self.apart {
            apart.agrees(&self.state, &self.deeds);
        }
    }

    /// From now on the same is decided once more on a real image that is killed and damaged; the same chance does the same.
    pub(crate) fn set_on_disk(&mut self, chance: u64) {
        self.disk = Some(Disk::of(&self.deeds, chance));
    }

    /// What lies on disk is the same. Says what was done to it.
    pub(crate) fn agrees_on_disk(&mut self) -> Done {
        let disk = self.disk.as_mut().unwrap();
        disk.agrees(&self.state);
        disk.done
    }

    /// Does one step and checks what came of it.
    pub(crate) fn step(&mut self, step: &Step) {
        self.pass(Span::from_secs(i64::from(step.seconds)));
        match &step.what {
            What::Pass { minutes, ticks } => {
                self.pass(Span::from_mins(i64::from(*minutes)));
                if *ticks {
                    self.settle();
                }
            }
            What::Days { days, ticks } => {
                for _ in 0..*days {
                    self.pass(Span::from_days(1));
                    if *ticks {
                        self.settle();
                    }
                }
                self.settle();
                self.book.readiness(&self.state, self.now);
            }
            What::Burst { what, times, of_late } => {
                for n in 0..*times {
                    self.pass(Span::from_secs(i64::from(step.seconds) * 5));
                    let what = if n % of_late == 0 { &what.1 } else { &what.0 };
                    let one = Step { what: what.clone(), key: None, ..step.clone() };
                    if let Some(request) = ask::request(self, &one) {
                        self.send(&request);
                    }
                }
            }
            What::Revoke { whose } => {
                if let Some(request) = ask::request(self, step) {
                    self.send(&request);
                }
                if self.state.access.tokens.values().filter(|token| token.revoked.is_some()).count() % 3 != 0
                {
                    self.give_token(*whose);
                }
            }
            _ => {
                if let Some(request) = ask::request(self, step) {
                    self.send(&request);
                }
            }
        }
        for (no, item) in &self.state.board.items {
            self.seen.entry(*no).or_insert_with(|| Arc::clone(item));
        }
        index::check(&self.state);
    }

    /// What a step is asked as: name, class, and a token that it has now or had once.
    pub(crate) fn principal(&self, who: usize, old: bool) -> Principal {
        let tokens = &self.tokens[who];
        let token = if old { tokens.first() } else { tokens.last() };
        let (actor, class) = somebody(who);
        Principal { actor, class, token: token.cloned() }
    }

    /// Decides a request, folds what came of it, and has the book look at it.
    pub(crate) fn send(&mut self, request: &Request) -> Answer {
        let decision = decide(&self.state, request, self.now);
        assert!(decision.deeds.len() < DEEDS_AT_ONCE, "no end: {request:?}");
        if let Some(apart) = &mut self.apart {
            apart.send(request, &decision, self.now);
        }
        if let Some(disk) = &mut self.disk {
            disk.send(request, &decision, self.now);
        }
        let before = self.state.clone();
        foretold::check(&before, request, &decision.answer, &decision.deeds, self.now);
        for deed in &decision.deeds {
            assert_eq!(deed.seq, self.state.head().next(), "a gap");
            assert!(deed.cause.is_none_or(|cause| cause < deed.seq), "caused by what comes later: {deed:?}");
            self.state.fold(deed);
        }
        self.book.look(&before, request, &decision.answer, &decision.deeds, self.now, &self.seen);
        self.deeds.extend(decision.deeds);
        decision.answer
    }

    /// Ticks until nothing is due. What is due must be settled or moved by a deed, and all of it within a bound.
    pub(crate) fn settle(&mut self) {
        for _ in 0..TICKS {
            if next_due(&self.state).is_none_or(|at| at > self.now) {
                self.book.settled(&self.state, self.now);
                return;
            }
            let from = self.deeds.len();
            self.send(&by_deeds(Command::Tick));
            assert!(self.deeds.len() > from, "nothing settles {:?} at {}", self.due(), self.now);
        }
        panic!("after {TICKS} ticks at {} there is still due: {:#?}", self.now, self.due());
    }

    fn due(&self) -> Vec<&(Time, Timer)> {
        let due = self.state.board.timers.iter().take_while(|(at, _)| *at <= self.now);
        due.collect()
    }

    /// Asks how ready everybody is.
    pub(crate) fn readiness(&self) {
        self.book.readiness(&self.state, self.now);
        self.book.readiness_to_come(&self.state, self.now);
    }

    /// Lets time run on, timer by timer, until everything that has an end has ended.
    pub(crate) fn run_out(&mut self) {
        if self.state.board.halted.is_some() {
            // Nothing of the agents ends while they are stopped.
            let step = OverrideVerb::ResumeAll;
            let order = Override { step, reason: Arc::from("enough"), lasts: None };
            let actor = Actor::Person(PersonId::new("dana").unwrap());
            let principal = Principal { actor, class: TokenClass::Admin, token: None };
            let command = Command::Override(order);
            self.send(&Request::new(principal, command));
        }
        let end = self.now.plus(Span::from_days(2));
        self.settle();
        while let Some(at) = next_due(&self.state).filter(|at| *at <= end) {
            self.now = at;
            self.settle();
        }
        self.now = end;
        self.settle();
        index::check(&self.state);
        self.book.ended(&self.state, self.now);
    }

    /// Replay from the wire gives the same state, byte for byte; the board folds alone; a snapshot reads back.
    pub(crate) fn replay(&self) {
        recount::recount(&self.state.board);
        let workspace = self.state.board.workspace.clone();
        keep::keep(&workspace, &self.deeds);
        let origin = Origin { source: Arc::from("urn:uuid:0"), workspace: workspace.clone() };
        let mut replayed = State::new(workspace.clone());
        let mut board = Board::new(workspace);
        for deed in &self.deeds {
            let bytes = deed.encode(&origin).unwrap();
            let decoded = Deed::decode(&bytes).unwrap_or_else(|error| panic!("{error}: {deed:?}"));
            assert_eq!(decoded, *deed, "a deed reads back as another one");
            replayed.fold(&decoded);
            board.fold(&decoded);
        }
        let bytes = self.state.to_bytes().unwrap();
        let again = replayed.to_bytes().unwrap();
        assert_eq!(String::from_utf8_lossy(&bytes), String::from_utf8_lossy(&again), "replay differs");
        assert_eq!(board, self.state.board, "the board folded alone differs");
        assert_eq!(State::from_bytes(&bytes).unwrap(), self.state, "a snapshot differs");
    }

    fn pass(&mut self, span: Span) {
        self.now = self.now.plus(span);
    }

    fn give_token(&mut self, who: usize) {
        let (actor, class) = somebody(who);
        let id = TokenId::new(&format!("t{who}n{}", self.tokens[who].len())).unwrap();
        let token = Token {
            id: id.clone(),
            class,
            name: Arc::from(actor.name()),
            hash: Arc::from("00"),
            expires: None,
            invitation: None,
        };
        self.send(&by_deeds(Command::Token(TokenStep::Create(token))));
        self.tokens[who].push(id);
    }
}

/// Name and class of one of everybody.
fn somebody(who: usize) -> (Actor, TokenClass) {
    if let Some(agent) = AGENTS.get(who) {
        return (Actor::Agent(AgentId::new(agent).unwrap()), TokenClass::Agent);
    }
    let (name, class) = PEOPLE[who - AGENTS.len()];
    let class = match class {
        "admin" => TokenClass::Admin,
        "watcher" => TokenClass::Watcher,
        "guard" => TokenClass::Guard,
        _ => TokenClass::Reviewer,
    };
    (Actor::Person(PersonId::new(name).unwrap()), class)
}

fn by_deeds(command: Command) -> Request {
    let principal = Principal { actor: Actor::Deeds, class: TokenClass::Admin, token: None };
    Request::new(principal, command)
}
