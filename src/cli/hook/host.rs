//! The hook of a coding agent: a use of a tool on standard input, the answer on standard output, in the form of its host.
//!
//! A guard only ever restricts. What nothing speaks against is left to the host's own permissions, with a word to the user where
//! there is something to know, and else with nothing printed. Whatever goes wrong here is told as a question or a no, by the form
//! of the host or by the exit status that all of them take for a no: silence would be consent.

use std::io::{self, IsTerminal as _, Read as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::{Asking, judge, undecided};
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
    let default = context.config.hook_default;
    let (told, answer) = mpsc::channel();
    let (own, theirs) = (context.clone(), asking.clone());
    let decide = move || {
        let decided = catch_unwind(AssertUnwindSafe(|| {
            let call = dialect.read(&read()?)?;
            call.map_or(Ok(None), |call| judge::decide(&own, &theirs, dialect, &call))
        }));
        // Nobody waits any more where it took too long.
        told.send(decided).unwrap_or_default();
    };
    thread::Builder::new().name("guard".to_owned()).stack_size(STACK).spawn(decide)?;
    let answer = match answer.recv_timeout(PATIENCE) {
        Ok(Ok(Ok(answer))) => answer,
        Ok(Ok(Err(why))) => Some(by_default(default, &visible(&why))),
        // Nobody has chosen that a fault of ours lets anything through.
        Ok(Err(_)) => Some(stopped(default, FAULT.to_owned())),
        Err(_) => Some(stopped(
            default,
            format!("it could not be decided within {PATIENCE:?}; do less in one call"),
        )),
    };
    if let Some(answer) = answer {
        output::json_line(&dialect.said(&answer))?;
    }
    Ok(Status::Done)
}

/// What did not come to a decision, as strictly as the setting says and never let be.
fn stopped(default: HookDefault, why: String) -> Answer {
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
