//! The hook of a coding agent: a use of a tool on standard input, the answer on standard output, in the form of its host.
//!
//! A guard only ever restricts. What nothing speaks against is left to the host's own permissions, with a word to the user where
//! there is something to know, and else with nothing printed. Whatever goes wrong here is told as a question or a no, by the form
//! of the host or by the exit status that all of them take for a no: silence would be consent.

use std::io::{self, IsTerminal as _, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::judge::{self, Asked, Decided};
use super::{Asking, known, undecided};
use crate::cli::context::Context;
use crate::cli::output::{self, visible};
use crate::cli::status::{Status, Usage};
use crate::config::HookDefault;
use crate::hook::{Answer, Dialect};

/// The longest call that is read, in bytes; what is written into a file is in it.
const MAX_CALL_BYTES: u64 = 64 * 1024 * 1024;

const FAULT: &str = "this is a fault of deeds, which is on standard error; report it with what `deeds hook capture` keeps of the call";
/// How long an answer may take: hosts wait for ten seconds, and then some of them go on without.
const PATIENCE: Duration = Duration::from_secs(7);
/// Room for what is nested deep, in bytes.
const STACK: usize = 64 << 20;

/// Reads the call, decides, prints.
pub(super) fn run(context: &Context, dialect: &'static Dialect, asking: &Asking) -> anyhow::Result<Status> {
    if io::stdin().is_terminal() {
        return Err(Usage::error(
            "standard input is a terminal, and a hook reads a tool call there; install it with `deeds connect`, or see --help",
        ));
    }
    let (own, theirs) = (context.clone(), asking.clone());
    let decided = answered(context.config.hook_default, move || {
        let Some(call) = dialect.read(&read()?)? else { return Ok(Decided::default()) };
        let (project, home) = (dialect.project.and_then(place_in), place_in("HOME"));
        let dir = own.existing_dir().ok();
        let asked = Asked {
            agent: theirs.agent(&own),
            prefix: theirs.prefix(&own),
            project: project.as_deref(),
            home: home.as_deref(),
            memory: dir.as_ref(),
            map: &|| known::find(&own, theirs.map()),
        };
        let mut decided = judge::decide(&asked, dialect, &call)?;
        if let Some(note) = decided.note.take() {
            known::tell(&own, note);
        }
        Ok(decided)
    });
    if let Some(answer) = decided.answer {
        output::json_line(&dialect.said(&answer))?;
    }
    Ok(Status::Done)
}

/// The place that a variable of the environment says.
fn place_in(variable: &str) -> Option<PathBuf> {
    std::env::var_os(variable).filter(|place| !place.is_empty()).map(PathBuf::from)
}

/// What is decided, on a thread of its own and in time; whatever goes wrong on the way is an answer, too.
pub(super) fn answered(
    default: HookDefault,
    decide: impl FnOnce() -> Result<Decided, String> + Send + 'static,
) -> Decided {
    let (told, answer) = mpsc::channel();
    let decide = move || {
        // Nobody waits any more where it took too long.
        told.send(catch_unwind(AssertUnwindSafe(decide))).unwrap_or_default();
    };
    let begun = thread::Builder::new().name("guard".to_owned()).stack_size(STACK).spawn(decide);
    let answer = match begun.map(|_| answer.recv_timeout(PATIENCE)) {
        Ok(Ok(Ok(Ok(decided)))) => return decided,
        Ok(Ok(Ok(Err(why)))) => by_default(default, &visible(&why)),
        // Nobody has chosen that a fault of ours lets anything through.
        Ok(Ok(Err(_))) => stopped(default, FAULT.to_owned()),
        Ok(Err(_)) => {
            stopped(default, format!("it could not be decided within {PATIENCE:?}; do less in one call"))
        }
        Err(error) => stopped(default, format!("no thread can be started: {error}")),
    };
    Decided { answer: Some(answer), note: None }
}

/// What did not come to a decision, as strictly as the setting says and never let be.
pub(super) fn stopped(default: HookDefault, why: String) -> Answer {
    match default {
        HookDefault::Deny => Answer::Deny(why),
        HookDefault::Allow | HookDefault::Ask => Answer::Ask(why),
    }
}

/// What the setting says to a call that can't be decided.
fn by_default(default: HookDefault, why: &str) -> Answer {
    let why = undecided(why, default);
    match default {
        HookDefault::Allow => Answer::Tell(why),
        HookDefault::Deny => Answer::Deny(why),
        HookDefault::Ask => Answer::Ask(why),
    }
}

/// What is on standard input.
pub(super) fn read() -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let stdin = io::stdin().lock();
    stdin
        .take(MAX_CALL_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("the call on standard input can't be read: {error}"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_CALL_BYTES {
        return Err(format!("the call on standard input has more than {MAX_CALL_BYTES} bytes"));
    }
    Ok(bytes)
}

/// Any bytes as a call of every host: what it is about is in the repository, as far as it is there at all.
#[cfg(any(test, fuzzing))]
pub(in crate::cli) fn any_call(bytes: &[u8]) {
    for dialect in crate::hook::DIALECTS {
        let Ok(Some(call)) = dialect.read(bytes) else { continue };
        let Ok(prefix) = "files".parse() else { return };
        let Ok(reached) = super::targets::Reached::without_git(&call, &prefix) else { continue };
        let below = |text: &str| text == "files" || text.starts_with("files/");
        assert!(reached.entities.iter().all(|one| below(one.entity.as_str())));
        assert!(reached.searches.iter().all(|within| below(within.entity_text())));
    }
}
