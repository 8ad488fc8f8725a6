//! Claude Code's `PreToolUse` hook: the call on standard input, the answer on standard output.
//!
//! The form is documented at <https://code.claude.com/docs/en/hooks>. Tools that change a file are stopped where it is
//! not the agent's, tools that look at one where it is hidden. A guard only ever restricts: it never answers `allow`, with
//! which Claude Code would not ask its user. What nothing speaks against is left to Claude Code's own permissions, with
//! a word to the user where there is something to know, and else with nothing printed.

use std::io::{self, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::links::names;
use super::repository::{By, Repository, entity, resolve};
use super::search::{self, Search};
use super::zones::Verdict;
use super::{Asking, known, no_agent, undecided};
use crate::cli::context::Context;
use crate::cli::output::{self, visible};
use crate::cli::status::{Status, Usage};
use crate::config::HookDefault;
use crate::domain::path::{EntityPath, Pattern};
use crate::hook::Wish;

/// The longest call that is read, in bytes; what is written into a file is in it.
const MAX_CALL_BYTES: u64 = 64 * 1024 * 1024;
/// What it is called where it tells what it stopped.
const BY: &str = "claude-code";
/// The one event that is decided.
const EVENT: &str = "PreToolUse";
/// Where Claude Code was started, in a hook's environment.
const PROJECT: &str = "CLAUDE_PROJECT_DIR";

/// The tools that change a file or look at files, and where in their input the path is.
const TOOLS: [(&str, &str, Wish); 9] = [
    ("Write", "file_path", Wish::Change),
    ("Edit", "file_path", Wish::Change),
    ("MultiEdit", "file_path", Wish::Change),
    ("NotebookEdit", "notebook_path", Wish::Change),
    ("Read", "file_path", Wish::Look),
    ("NotebookRead", "notebook_path", Wish::Look),
    ("Grep", "path", Wish::Look),
    ("Glob", "path", Wish::Look),
    ("LS", "path", Wish::Look),
];

/// A call, as far as it matters.
#[derive(Deserialize)]
struct Call {
    hook_event_name: String,
    tool_name: String,
    cwd: Option<PathBuf>,
    #[serde(default)]
    tool_input: Value,
}

/// What is printed.
#[derive(Serialize)]
enum Answer {
    /// The call is stopped, or its user asked.
    #[serde(rename = "hookSpecificOutput")]
    Decided(Decision),
    /// The user is told something, and the decision is left to Claude Code.
    #[serde(rename = "systemMessage")]
    Told(String),
}

#[derive(Serialize)]
struct Decision {
    #[serde(rename = "hookEventName")]
    event: &'static str,
    #[serde(rename = "permissionDecision")]
    answer: Restriction,
    #[serde(rename = "permissionDecisionReason")]
    reason: String,
}

/// The decisions that a guard may take; `allow` is none of them.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Restriction {
    Deny,
    Ask,
}

impl Answer {
    fn decided(answer: Restriction, why: &str) -> Self {
        Self::Decided(Decision { event: EVENT, answer, reason: by_deeds(why) })
    }

    fn told(why: &str) -> Self {
        Self::Told(by_deeds(why))
    }

    /// What the setting says to a call that can't be decided.
    fn by_default(default: HookDefault, why: &str) -> Self {
        let why = undecided(why, default);
        match default {
            HookDefault::Allow => Self::told(&why),
            HookDefault::Deny => Self::decided(Restriction::Deny, &why),
            HookDefault::Ask => Self::decided(Restriction::Ask, &why),
        }
    }
}

/// Several hooks may speak in the same place.
fn by_deeds(why: &str) -> String {
    format!("deeds: {why}")
}

/// Reads the call, decides, prints.
pub(super) fn run(context: &Context, asking: &Asking) -> anyhow::Result<Status> {
    if io::stdin().is_terminal() {
        return Err(Usage::error(
            "standard input is a terminal, and a hook reads a tool call there; install it with --install, or see --help",
        ));
    }
    let answer = read()
        .and_then(|call| decide(context, asking, &call))
        .unwrap_or_else(|why| Some(Answer::by_default(context.config.hook_default, &why)));
    if let Some(answer) = answer {
        output::json_line(&answer)?;
    }
    Ok(Status::Done)
}

fn read() -> Result<Call, String> {
    let mut bytes = Vec::new();
    let stdin = io::stdin().lock();
    stdin
        .take(MAX_CALL_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("the call on standard input can't be read: {error}"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_CALL_BYTES {
        return Err(format!("the call on standard input has more than {MAX_CALL_BYTES} bytes"));
    }
    understood(&bytes)
}

fn understood(bytes: &[u8]) -> Result<Call, String> {
    serde_json::from_slice(bytes).map_err(|error| {
        visible(&format!("what is on standard input is not a tool call of Claude Code: {error}"))
    })
}

/// Any bytes as a call: what it is about is in the repository, as far as it is there at all.
#[cfg(any(test, fuzzing))]
pub(in crate::cli) fn any_call(bytes: &[u8]) {
    let Ok(Some((looked, _))) = understood(bytes).and_then(|call| looked(&call)) else { return };
    let repository = Repository { top: PathBuf::from("/repository") };
    let Ok(prefix) = "files".parse() else { return };
    // Of what is elsewhere git is asked, which takes long.
    if looked.at.starts_with(&repository.top)
        && let Ok((entities, within)) = looked.on_the_map(&repository, &prefix)
    {
        let below = |text: &str| text == "files" || text.starts_with("files/");
        assert!(!entities.is_empty() && entities.iter().all(|entity| below(entity.as_str())), "{entities:?}");
        assert!(within.is_none_or(|within| below(within.entity_text())), "{}", looked.at.display());
    }
}

/// What the call is about, where it is about files; why that can't be said, as a clause.
fn looked(call: &Call) -> Result<Option<(Looked, Wish)>, String> {
    if call.hook_event_name != EVENT {
        return Ok(None);
    }
    let Some((tool, key, wish)) = TOOLS.into_iter().find(|(name, ..)| *name == call.tool_name) else {
        return Ok(None);
    };
    let named = match call.tool_input.get(key) {
        Some(Value::String(path)) if !path.is_empty() && !path.contains('\0') => Path::new(path),
        // Those that look look here unless they are told otherwise.
        None if wish == Wish::Look && key == "path" => Path::new("."),
        Some(_) | None => return Err(format!("the call of {tool} names no file in `{key}`")),
    };
    let path = match (&call.cwd, named.is_absolute()) {
        (_, true) => named.to_owned(),
        (Some(cwd), false) if cwd.is_absolute() => cwd.join(named),
        (Some(_) | None, false) => {
            return Err(
                "the file is named by a relative path, and the call says no absolute `cwd`".to_owned()
            );
        }
    };
    Looked::of(tool, &path, &call.tool_input).map(|looked| Some((looked, wish)))
}

/// The answer, if there is something to say; why there can't be one, as a clause.
fn decide(context: &Context, asking: &Asking, call: &Call) -> Result<Option<Answer>, String> {
    let Some((looked, wish)) = looked(call)? else { return Ok(None) };
    let Some(repository) = project(call, &looked)? else { return Ok(None) };
    let (entities, within) = looked.on_the_map(&repository, asking.prefix(context))?;
    if entities.is_empty() {
        return Ok(None);
    }
    let agent = asking.agent(context).ok_or_else(no_agent)?;
    let known = known::find(context, asking.map())?;
    let verdict = |entity: &EntityPath| known.verdict(&agent, entity, wish);
    let wide = within.iter().map(|within| known.verdict_within(&agent, within));
    let verdict = worst(entities.iter().map(verdict).chain(wide));
    if matches!(verdict, Verdict::Refused(_) | Verdict::Observed(_)) {
        known.tell(context, BY, &agent, entities);
    }
    Ok(match verdict {
        Verdict::Refused(why) => Some(Answer::decided(Restriction::Deny, &why)),
        Verdict::Observed(why) => Some(Answer::told(&why)),
        // That the map may not be the one in force is worth a word.
        Verdict::Own(why) if known.offline => Some(Answer::told(&why)),
        Verdict::Own(_) | Verdict::Open => None,
    })
}

/// Of several verdicts the one that restricts most.
fn worst(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let weight = |verdict: &Verdict| match verdict {
        Verdict::Open => 0,
        Verdict::Own(_) => 1,
        Verdict::Observed(_) => 2,
        Verdict::Refused(_) => 3,
    };
    verdicts.max_by_key(weight).unwrap_or(Verdict::Open)
}

/// What a call looks at or changes: a file, or what a search reaches from a folder on.
struct Looked {
    at: PathBuf,
    reach: Option<String>,
}

impl Looked {
    fn of(tool: &str, path: &Path, input: &Value) -> Result<Self, String> {
        let at = resolve(path)?;
        match Search::of(tool).filter(|_| !at.is_file()) {
            None => Ok(Self { at, reach: None }),
            Some(search) => {
                let (folder, reach) = search.within(path, input);
                Ok(Self { at: resolve(&folder)?, reach: Some(reach) })
            }
        }
    }

    /// The entities that it is on the map, by each of its names, and the pattern of what a search reaches. None where it has
    /// nothing to do with the repository.
    fn on_the_map(
        &self,
        repository: &Repository,
        prefix: &EntityPath,
    ) -> Result<(Vec<EntityPath>, Option<Pattern>), String> {
        let below = repository.inside(&self.at)?;
        let Some(reach) = &self.reach else {
            let names = names(&repository.top, &self.at)?;
            if let (Some(why), true) = (names.more, below.is_some()) {
                return Err(why);
            }
            let mut entities = Vec::new();
            for name in names.others {
                let other = repository.inside(&name)?;
                entities.extend(other.map(|other| entity(prefix, other.as_os_str())).transpose()?);
            }
            entities.extend(below.map(|below| entity(prefix, below.as_os_str())).transpose()?);
            return Ok((entities, None));
        };
        match below {
            Some(below) => {
                let folder = entity(prefix, below.as_os_str())?;
                let within = search::pattern(&folder, reach)?;
                Ok((vec![folder], Some(within)))
            }
            // From above the repository all of it may be reached.
            None if repository.top.starts_with(&self.at) && goes_deep(reach) => {
                Ok((vec![prefix.clone()], Some(search::pattern(prefix, "**")?)))
            }
            None => Ok((Vec::new(), None)),
        }
    }
}

/// Whether a search looks below the folder that it begins in.
fn goes_deep(reach: &str) -> bool {
    reach.contains('/') || reach == "**"
}

/// The repository that Claude Code works in: the one it was started in, wherever the agent has gone since. Where it is not
/// told, that of the file: an agent that goes elsewhere would take its guard along.
/// What a search from above every repository would reach, nobody knows.
fn project(call: &Call, looked: &Looked) -> Result<Option<Repository>, String> {
    let around = |directory: &Path| {
        let resolved = resolve(directory)?;
        let there = resolved.ancestors().find(|directory| directory.is_dir()).unwrap_or(Path::new("/"));
        Repository::around(there, By::Directory)
    };
    if let Some(started) = std::env::var_os(PROJECT).filter(|path| !path.is_empty()) {
        return around(Path::new(&started));
    }
    let found = match (around(&looked.at)?, &call.cwd) {
        (Some(repository), _) => Some(repository),
        (None, Some(cwd)) => around(cwd)?,
        (None, None) => return Err("the call says no `cwd`".to_owned()),
    };
    if found.is_none() && looked.reach.as_ref().is_some_and(|reach| goes_deep(reach)) {
        return Err(format!(
            "it searches below {}, which is in no repository, and {PROJECT} does not say which one is meant; search in a repository",
            visible(&looked.at.display().to_string())
        ));
    }
    Ok(found)
}
