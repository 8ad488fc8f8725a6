//! Signed decisions, RULES §13.5: which ones are asked for, what is signed, whose signature holds, and where nobody could give one.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{overriding, reviewer};
use crate::domain::code::Code;
use crate::domain::command::{
    AlertVerb, ApplyMap, Command, ItemStep, ItemVerb, KeyStep, OverrideVerb, Principal, Proof, TokenStep,
};
use crate::domain::hash::hex;
use crate::domain::ids::{Actor, ItemNo, PersonId, Seq};
use crate::domain::map::{Model, Queue, SignedFor};
use crate::domain::signature;
use crate::domain::state::{Board, State};
use crate::domain::things::{Alert, Case, Item, ItemAnswer, KnownKey, Signed, Signer, TokenClass};
use crate::domain::time::Time;

/// The first line of a statement.
pub const FORM: &str = "deeds decision v1";

/// What a decision says, apart from who decides and where: what a person means to sign, and a server can't change unseen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meant {
    /// What it is about, and which.
    pub about: String,
    /// The version of it that was shown; 0 where it has none.
    pub version: u64,
    /// The digest of what was shown; empty where nothing stands for it.
    pub shown: Arc<str>,
    /// What is decided, as JSON on one line.
    pub said: String,
}

/// The one text that is signed. Its form is its lines: a name, a colon, a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The ledger's `urn:uuid:…`.
    pub ledger: Arc<str>,
    /// Who decides.
    pub person: PersonId,
    /// The last deed that they signed before; 0 before the first.
    pub after: Seq,
    /// What.
    pub meant: Meant,
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Meant { about, version, shown, said } = &self.meant;
        writeln!(f, "{FORM}\nledger: {}\nperson: {}\nafter: {}", self.ledger, self.person, self.after)?;
        writeln!(f, "about: {about}\nversion: {version}\nshown: {shown}\nsaid: {said}")
    }
}

impl Statement {
    /// Reads a statement; none where the text is not exactly one.
    pub fn read(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix(FORM)?.strip_prefix('\n')?.lines();
        let mut line = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(": ");
        let statement = Self {
            ledger: line("ledger")?.into(),
            person: line("person")?.parse().ok()?,
            after: Seq(line("after")?.parse().ok()?),
            meant: Meant {
                about: line("about")?.to_owned(),
                version: line("version")?.parse().ok()?,
                shown: line("shown")?.into(),
                said: line("said")?.to_owned(),
            },
        };
        (statement.to_string() == text).then_some(statement)
    }
}

impl Meant {
    /// What this command says; none of one that nobody signs.
    pub fn of(command: &Command) -> Option<Self> {
        let plain = |about: String, said: String| Self { about, version: 0, shown: Arc::from(""), said };
        if let Command::Item(ItemStep { item, step: ItemVerb::Answer(answered) }) = command {
            let shown = (answered.version, Arc::clone(&answered.digest));
            return Some(Self::of_answer(*item, shown, &answered.answer, &answered.include));
        }
        if let Command::Item(ItemStep { item, step: ItemVerb::Undo }) = command {
            return Some(plain(format!("undo {item}"), "{}".to_owned()));
        }
        if let Command::ApplyMap(apply) = command {
            return Some(Self::of_map(apply));
        }
        if let Command::Override(step) = command {
            return Some(plain("override".to_owned(), text(step)));
        }
        if let Command::Key(step) = command {
            return Some(plain("key".to_owned(), text(step)));
        }
        if let Command::RebaseClock(rebase) = command {
            return Some(plain("clock".to_owned(), text(rebase)));
        }
        if let Command::Alert(step) = command
            && step.step == AlertVerb::Resolve
        {
            return Some(plain(format!("alert {}", step.alert), text(step)));
        }
        if let Command::MapReview(review) = command {
            return Some(plain("map review".to_owned(), text(review)));
        }
        if let Command::Conclude(conclude) = command {
            return Some(plain("conclusion".to_owned(), text(conclude)));
        }
        let Command::Token(TokenStep::Invite(one)) = command else { return None };
        Some(Self::of_invitation(one.class, &one.name, one.expires))
    }

    /// What an answer to that item says, as shown at that version with that digest.
    pub fn of_answer(
        item: ItemNo,
        (version, shown): (u64, Arc<str>),
        answer: &ItemAnswer,
        include: &[ItemNo],
    ) -> Self {
        #[derive(Serialize)]
        struct Said<'a> {
            answer: &'a ItemAnswer,
            include: &'a [ItemNo],
        }
        Self { about: format!("answer {item}"), version, shown, said: text(&Said { answer, include }) }
    }

    /// What an invitation says.
    pub fn of_invitation(class: TokenClass, name: &str, expires: Option<Time>) -> Self {
        #[derive(Serialize)]
        struct Said<'a> {
            class: TokenClass,
            name: &'a str,
            expires: Option<Time>,
        }
        let said = text(&Said { class, name, expires });
        Self { about: "invitation".to_owned(), version: 0, shown: Arc::from(""), said }
    }

    fn of_map(apply: &ApplyMap) -> Self {
        #[derive(Serialize)]
        struct Said<'a> {
            model: String,
            reason: Option<&'a str>,
            planned: bool,
            take_back: bool,
        }
        let said = text(&Said {
            model: digest(&apply.model),
            reason: apply.reason.as_deref(),
            planned: apply.planned,
            take_back: apply.take_back,
        });
        Self { about: "map".to_owned(), version: apply.if_version.0, shown: Arc::from(""), said }
    }
}

/// As JSON on one line, its keys in the order of the shape.
fn text(said: &impl Serialize) -> String {
    serde_json::to_string(said).unwrap_or_default()
}

/// The digest of a map as it stands in the deed that puts it in force.
pub fn digest(model: &Model) -> String {
    format!("sha256:{}", hex(&Sha256::digest(serde_json::to_vec(model).unwrap_or_default())))
}

/// Why the map in force asks for a signature under this command, in words; none where it asks for none. What only stops
/// something, or takes a key away, never does: there must be no way to hinder it.
pub fn asks(state: &State, command: &Command) -> Option<String> {
    let board = &state.board;
    let model = board.map.model();
    if let Command::Item(ItemStep { item, step: ItemVerb::Answer(answered) }) = command {
        let items = std::iter::once(item).chain(&answered.include).filter_map(|no| board.items.get(no));
        return items.into_iter().find_map(|item| asks_of_answer(board, item, &answered.answer));
    }
    if let Command::Item(ItemStep { item, step: ItemVerb::Undo }) = command {
        let closed = board.closed_item(*item)?;
        return of_queue(model, reviewer::queue(&board.map, &closed.item));
    }
    if let Command::Override(step) = command {
        let queues =
            if only_stops(&step.step) { Vec::new() } else { overriding::concerned(state, &step.step) };
        return queues.into_iter().find_map(|queue| of_queue(model, queue));
    }
    if let Command::Token(TokenStep::Invite(one)) = command {
        let decides = matches!(one.class, TokenClass::Reviewer | TokenClass::Admin);
        return anywhere(model).filter(|_| decides);
    }
    if let Command::Alert(step) = command {
        let ends = step.step == AlertVerb::Resolve;
        return board.alerts.get(&step.alert).filter(|_| ends).and_then(|alert| asks_of_alert(board, alert));
    }
    if let Command::ApplyMap(apply) = command {
        // One that begins to ask is signed too: who signs it can, and it stands in the ledger that it was asked for from here on.
        let anybody = board.signers.values().any(|signer| signer.live().next().is_some());
        return anywhere(model).or_else(|| anywhere(&apply.model).filter(|_| anybody));
    }
    // A person's word decides a question, and a review of the map its item, wherever they wait.
    let changes_what_counts = matches!(
        command,
        Command::Conclude(_)
            | Command::MapReview(_)
            | Command::RebaseClock(_)
            | Command::Key(KeyStep::Confirm { .. })
    );
    anywhere(model).filter(|_| changes_what_counts)
}

/// The same of the end of an alert: it may let go what it stopped.
pub(super) fn asks_of_alert(board: &Board, alert: &Alert) -> Option<String> {
    let (map, model) = (&board.map, board.map.model());
    let item = alert.item.and_then(|no| board.items.get(&no)).map(|item| reviewer::queue(map, item));
    let agents = alert.who.iter().filter_map(Actor::agent).map(|agent| map.queue_of(agent));
    item.into_iter().chain(agents).find_map(|queue| of_queue(model, queue))
}

/// Why a signature is of use to the caller where none is asked for: an earlier key of theirs vouches for a new one.
pub fn may_sign(state: &State, person: &PersonId, command: &Command) -> Option<String> {
    let adds = matches!(command, Command::Key(KeyStep::Add { .. }));
    let vouches = adds && state.board.live_keys(person).next().is_some();
    vouches.then(|| "an earlier key of yours vouches for a new one".to_owned())
}

/// The same of an answer to an open item.
pub fn asks_of_answer(board: &Board, item: &Item, answer: &ItemAnswer) -> Option<String> {
    let model = board.map.model();
    let of_queue = of_queue(model, reviewer::queue(&board.map, item));
    let lets_out = || {
        let irreversible = model.signed == Some(SignedFor::Irreversible) && goes_out(&item.case, answer);
        irreversible.then(|| "what goes out takes no way back: the map asks for a signature".to_owned())
    };
    let stands = changes_what_is_in_force(&item.case, answer).then(|| anywhere(model)).flatten();
    of_queue.or_else(lets_out).or(stands)
}

/// Whether the answer changes the map, or closes what comes later, in other queues too.
fn changes_what_is_in_force(case: &Case, answer: &ItemAnswer) -> bool {
    let gives = matches!(answer, ItemAnswer::Approve { .. }) && matches!(case, Case::ZoneOffer { .. });
    gives || answer.is_of_scope() || matches!(answer, ItemAnswer::OutOfScope { rule: true, .. })
}

pub(super) fn of_queue(model: &Model, queue: &Queue) -> Option<String> {
    if model.signed == Some(SignedFor::All) {
        return Some("the map asks for a signature under every decision".to_owned());
    }
    queue.signed.then(|| format!("the queue {} asks for a signature", queue.name))
}

/// Why a map asks for signatures at all.
pub fn anywhere(model: &Model) -> Option<String> {
    let asks = model.signed.is_some() || model.queues.iter().any(|queue| queue.signed);
    asks.then(|| "the map asks for signatures, and so does what could change that".to_owned())
}

/// Whether an override only stops something: that is never signed.
pub fn only_stops(verb: &OverrideVerb) -> bool {
    matches!(verb, OverrideVerb::Freeze { .. } | OverrideVerb::Pause { .. } | OverrideVerb::PauseAll)
}

/// Whether something leaves with the answer that nothing brings back.
fn goes_out(case: &Case, answer: &ItemAnswer) -> bool {
    let approved = matches!(answer, ItemAnswer::Approve { .. } | ItemAnswer::ApproveEdited { .. });
    let stored = matches!(case, Case::UnownedTarget { .. } | Case::UnownedOutput { .. });
    approved && case.is_approval() || stored && answer.is_of_scope()
}

/// The statement that a person signs for this command; none of one that nobody signs.
pub fn statement(
    board: &Board,
    ledger: &Arc<str>,
    person: &PersonId,
    command: &Command,
) -> Option<Statement> {
    let meant = Meant::of(command)?;
    let person = board.map.model().person_of(person).clone();
    let after = board.signed_last(&person);
    Some(Statement { ledger: Arc::clone(ledger), person, after, meant })
}

/// What is kept of the signature that came with a command; none where none came, and none was asked for.
///
/// # Errors
/// What it lacks.
pub fn accept(
    state: &State,
    principal: &Principal,
    (command, proof): (&Command, &Proof),
) -> Result<Option<Box<Signed>>, (Code, String)> {
    let (ledger, armored) = match proof {
        Proof::Supposed => return Ok(None),
        // Programs have no keys; what they may not decide is said elsewhere.
        Proof::None if principal.actor.person().is_none() => return Ok(None),
        Proof::None => {
            let Some(why) = asks(state, command) else { return Ok(None) };
            return Err((Code::SignatureNeeded, why));
        }
        Proof::Signature { ledger, armored } => (ledger, armored),
    };
    let wrong = |why: String| (Code::SignatureWrong, why);
    let person = principal.actor.person().ok_or_else(|| wrong("only people sign".to_owned()))?;
    let statement = statement(&state.board, ledger, person, command)
        .ok_or_else(|| wrong("nobody signs this; send it without a signature".to_owned()))?;
    let maker =
        signature::maker(armored).map_err(|error| wrong(format!("the signature does not hold: {error}")))?;
    let key = state.board.live_keys(&statement.person).find(|known| known.key == maker);
    let key = key.ok_or_else(|| {
        wrong(format!("{} is not a key that counts for {}", maker.fingerprint(), statement.person))
    })?;
    let text = statement.to_string();
    key.key.verify(&text, armored).map_err(|error| {
        wrong(format!("the signature does not hold: {error}; what is to be signed is:\n{text}"))
    })?;
    Ok(Some(Box::new(Signed { statement: text.into(), signature: Arc::clone(armored) })))
}

impl Board {
    /// What is known of a person's signatures, by the name of the map and by their account's, which the map may have come to know
    /// later.
    pub(in crate::domain) fn signers_of(
        &self,
        person: &PersonId,
    ) -> impl Iterator<Item = (&PersonId, &Arc<Signer>)> {
        let model = self.map.model();
        let person = model.person_of(person).clone();
        self.signers.iter().filter(move |(name, _)| *model.person_of(name) == person)
    }

    /// The keys of a person that count.
    pub fn live_keys(&self, person: &PersonId) -> impl Iterator<Item = &KnownKey> {
        self.signers_of(person).flat_map(|(_, signer)| signer.live())
    }

    /// The last deed that a person signed; 0 before the first.
    pub fn signed_last(&self, person: &PersonId) -> Seq {
        self.signers_of(person).filter_map(|(_, signer)| signer.last).max().unwrap_or_default()
    }
}

/// Where a map asks for signatures that nobody could give, in words.
pub fn dead_ends(board: &Board, model: &Model, now: Time) -> Vec<String> {
    let keys = board.signers.iter().filter(|(_, signer)| signer.live().next().is_some());
    let who: BTreeSet<&PersonId> = keys.map(|(name, _)| model.person_of(name)).collect();
    let signs = |person: &PersonId| who.contains(model.person_of(person));
    let mut found = Vec::new();
    for queue in &model.queues {
        let asked = queue.signed || model.signed.is_some();
        if asked && !queue.reviewers().any(signs) {
            let names: Vec<&str> = queue.reviewers().map(PersonId::as_str).collect();
            found.push(format!(
                "what waits in `{}` is to be signed, and none of {} has a key that counts",
                queue.name,
                names.join(", ")
            ));
        }
    }
    if anywhere(model).is_some() && !board.admins(now).any(signs) {
        found.push("changes of the map are to be signed, and no admin has a key that counts".to_owned());
    }
    found
}
