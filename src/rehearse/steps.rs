//! What can be done in a step: one row for each verb, with the keys that it takes and what it becomes. A row is all that
//! a new verb needs; the page on tests prints its table from here.

use super::desk::{self, Desk, Doing};
use super::reader::Kind;

/// A verb.
pub(super) struct Verb {
    /// The key that names it.
    pub(super) name: &'static str,
    /// What its key takes.
    pub(super) kind: Kind,
    /// The keys that it must have beside.
    pub(super) needs: &'static [&'static str],
    /// Those that it may have.
    pub(super) takes: &'static [&'static str],
    /// What it is, in a few words.
    pub(super) sentence: &'static str,
    /// What comes of it.
    pub(super) make: fn(&Desk<'_>) -> Result<Doing, String>,
}

const fn verb(
    (name, kind): (&'static str, Kind),
    needs: &'static [&'static str],
    takes: &'static [&'static str],
    sentence: &'static str,
    make: fn(&Desk<'_>) -> Result<Doing, String>,
) -> Verb {
    Verb { name, kind, needs, takes, sentence, make }
}

const OF_WRITE: &[&str] = &["set", "text", "based_on", "from_memory", "with_token", "why"];
const OF_WORK: &[&str] = &["on", "result", "why"];

/// Every verb.
#[rustfmt::skip]
pub(super) const VERBS: &[Verb] = &[
    verb(("read", Kind::Path), &[], &[], "looks at a record, or a field of it, and remembers its versions", desk::read),
    verb(("write", Kind::Entity), &[], OF_WRITE, "changes fields with `set`, a file with `text`; on the versions of now", desk::write),
    verb(("create", Kind::Entity), &[], OF_WRITE, "makes a record that is not there yet", desk::create),
    verb(("archive", Kind::Entity), &[], OF_WRITE, "puts a record away", desk::archive),
    verb(("delete", Kind::Entity), &[], OF_WRITE, "deletes a record", desk::delete),
    verb(("act", Kind::Text), &["on", "action"], &["thread", "based_on", "from_memory", "wait", "why"], "asks before a side effect on an output or a path", desk::act),
    verb(("done", Kind::Text), &[], &["why"], "its oldest act there was done", desk::done),
    verb(("failed", Kind::Text), &[], &["why"], "its oldest act there failed", desk::failed),
    verb(("publish", Kind::Text), &[], &["body", "thread", "on", "action", "based_on", "from_memory", "why"], "publishes on an output", desk::publish),
    verb(("escalate", Kind::Any), &["why"], &["on"], "tells a person what it can't decide", desk::escalate),
    verb(("conclude", Kind::Text), &["on", "found"], &["based_on", "from_memory", "why"], "says what it found out", desk::conclude),
    verb(("raise", Kind::Text), &[], &["with", "on", "why"], "says that something happened", desk::raise),
    verb(("claim", Kind::Text), &["key"], &["with", "on"], "asks whether an event is its own", desk::claim),
    verb(("take", Kind::Text), &[], OF_WORK, "takes work of its stream: the event, the task, the record of a proposal, or the word of its kind", desk::take),
    verb(("complete", Kind::Text), &[], OF_WORK, "is done with such work", desk::complete),
    verb(("accept", Kind::Text), &[], OF_WORK, "accepts a proposal or a task", desk::accept),
    verb(("decline", Kind::Text), &[], OF_WORK, "declines a proposal", desk::decline),
    verb(("fail", Kind::Text), &[], OF_WORK, "failed at such work", desk::fail),
    verb(("return", Kind::Text), &[], OF_WORK, "gives such work back", desk::give_back),
    verb(("hand_over", Kind::Text), &["to", "result"], &["status", "context", "constraints", "attempt", "max_attempts", "on", "why"], "hands a task over", desk::hand_over),
    verb(("fan_out", Kind::Tables), &["within"], &["needed", "on", "why"], "starts pieces of work at once: [{ to = \"…\", input = … }]", desk::fan_out),
    verb(("lease", Kind::Text), &[], &["for"], "locks a path, or `task:` and a task; for 10 minutes", desk::lease),
    verb(("renew", Kind::Text), &[], &["for"], "holds it longer", desk::renew),
    verb(("release", Kind::Text), &[], &[], "gives it back", desk::release),
    verb(("transfer", Kind::Text), &["to"], &[], "gives it to another agent", desk::transfer),
    verb(("answer", Kind::Any), &[], &["item", "include", "why"], "answers an item, the newest where none is named: approve, reject, handle, out-of-scope, expand (by what is suggested), or the answer as a table", desk::answer),
    verb(("undo", Kind::Count), &[], &[], "takes the answer to that item back", desk::undo),
    verb(("start_review", Kind::Text), &[], &["why"], "begins a review of a queue", desk::start_review),
    verb(("end_review", Kind::Text), &[], &["why", "leave"], "ends it; `leave` says why the rest waits", desk::end_review),
    verb(("freeze", Kind::Entity), &["why"], &["for"], "keeps all agents off a record", desk::freeze),
    verb(("unfreeze", Kind::Entity), &["why"], &[], "ends that", desk::unfreeze),
    verb(("pause", Kind::Text), &["why"], &["for"], "stops an agent", desk::pause),
    verb(("resume", Kind::Text), &["why"], &[], "lets it go on", desk::resume),
    verb(("override", Kind::Path), &["value", "why"], &["for"], "sets a field by hand and holds it", desk::set_by_hand),
    verb(("apply", Kind::Text), &[], &["why"], "puts the map in that file in force; admins only", desk::apply),
    verb(("send", Kind::Table), &[], &[], "any command of the API, as its body: { do = \"item\", item = 1, step = \"claim\" }", desk::send),
];

/// What the other keys of steps take.
pub(super) const KEYS: &[(&str, Kind)] = &[
    ("by", Kind::Text),
    ("at", Kind::Moment),
    ("on", Kind::Entity),
    ("set", Kind::Table),
    ("text", Kind::Any),
    ("based_on", Kind::Paths),
    ("from_memory", Kind::Flag),
    ("with_token", Kind::Flag),
    ("why", Kind::Text),
    ("action", Kind::Text),
    ("thread", Kind::Text),
    ("wait", Kind::Flag),
    ("body", Kind::Any),
    ("found", Kind::Any),
    ("with", Kind::Table),
    ("key", Kind::Text),
    ("result", Kind::Any),
    ("status", Kind::Text),
    ("context", Kind::Any),
    ("constraints", Kind::Any),
    ("attempt", Kind::Count),
    ("max_attempts", Kind::Count),
    ("to", Kind::Text),
    ("within", Kind::Length),
    ("needed", Kind::Count),
    ("for", Kind::Length),
    ("item", Kind::Count),
    ("include", Kind::Any),
    ("leave", Kind::Text),
    ("value", Kind::Any),
];
