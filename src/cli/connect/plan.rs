//! What would be changed in a settings file: made of what is there, what was entered before, and what is wanted. Nothing is
//! written here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::entry::{Entry, Form, find};
use super::file::{look, shown};
use super::host::{Asks, Hooks, Host, Machine, Scope};
use super::record::Record;
use crate::cli::datadir::DataDir;
use crate::cli::status::Usage;

/// What is wanted in the settings of a coding agent.
pub(super) struct Wanted<'a> {
    pub(super) machine: &'a Machine,
    pub(super) scope: Scope,
    /// How this program is started there.
    pub(super) program: String,
    /// The arguments that say where and who.
    pub(super) place: Vec<String>,
    /// Whether its tools are entered.
    pub(super) tools: bool,
    /// The servers that go behind a gateway.
    pub(super) gateways: &'a [String],
    /// What its hooks ask; none where none are entered.
    pub(super) asks: &'a dyn Fn(&Hooks) -> anyhow::Result<Option<Asks>>,
}

/// A settings file, as it is and as it would be.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) host: &'static Host,
    pub(super) file: PathBuf,
    /// What is there now.
    pub(super) was: Option<String>,
    /// What it says without us.
    pub(super) base: Option<String>,
    /// What it would say; none where everything stands already.
    pub(super) text: Option<String>,
    pub(super) entries: Vec<Entry>,
}

impl Plan {
    /// The plans for all the files of a coding agent, and the gateways among those asked for that it has.
    pub(super) fn all(
        dir: &DataDir,
        host: &'static Host,
        wanted: &Wanted<'_>,
    ) -> anyhow::Result<(Vec<Self>, BTreeSet<String>)> {
        let servers = (host.servers)(wanted.machine, wanted.scope);
        let mut plan = Draft::of(dir, host, servers)?;
        let found = plan.servers(wanted)?;
        let mut drafts = vec![plan];
        if let Some(hooks) = &host.hooks
            && let Some(asks) = (wanted.asks)(hooks)?
        {
            let file = (hooks.file)(wanted.machine, wanted.scope);
            let also = (hooks.also)(wanted.machine, wanted.scope);
            // Some keep both in one file.
            if drafts.iter().all(|draft| draft.file != file) {
                drafts.push(Draft::of(dir, host, file)?);
            }
            if let Some(draft) = drafts.last_mut() {
                draft.hooks(&asks, also.as_deref())?;
            }
        }
        let drafts = drafts.into_iter().filter(|draft| !draft.entries.is_empty());
        Ok((drafts.map(Draft::done).collect::<anyhow::Result<_>>()?, found))
    }

    /// The difference, as `diff -u` says it.
    pub(super) fn difference(&self) -> String {
        difference(&self.file, self.was.as_deref(), self.text.as_deref())
    }
}

/// The difference between two texts of a file, as `diff -u` says it; none where there is no such file.
pub(super) fn difference(file: &Path, was: Option<&str>, text: Option<&str>) -> String {
    let name = |text: Option<&str>| text.map_or("/dev/null".to_owned(), |_| shown(file));
    TextDiff::from_lines(was.unwrap_or_default(), text.unwrap_or_default())
        .unified_diff()
        .header(&name(was), &name(text))
        .to_string()
}

/// A plan that is being made.
struct Draft {
    host: &'static Host,
    file: PathBuf,
    form: Form,
    was: Option<String>,
    base: Option<String>,
    record: Option<Record>,
    entries: Vec<Entry>,
}

impl Draft {
    fn of(dir: &DataDir, host: &'static Host, file: PathBuf) -> anyhow::Result<Self> {
        let (was, form) = (look(&file)?, Form::of(&file));
        let place = dir.connection_file(&file);
        let record = place.exists().then(|| super::record::read(&place)).transpose();
        let record = record.map_err(|place| {
            Usage::error(format!(
                "{}: it can't be read what was entered before; see `deeds doctor`",
                place.display()
            ))
        })?;
        let base = match (&record, &was) {
            (Some(record), Some(was)) if record.after == *was => record.before.clone(),
            (Some(record), Some(was)) => {
                let (text, _) = form
                    .take_out(was, &record.entries, record.before.as_deref())
                    .map_err(|why| broken(&file, &why))?;
                Some(text)
            }
            (_, was) => was.clone(),
        };
        Ok(Self { host, file, form, was, base, record, entries: Vec::new() })
    }

    /// Deeds' own tools, and the gateways that are wanted or were entered before; which of those wanted are here.
    fn servers(&mut self, wanted: &Wanted<'_>) -> anyhow::Result<BTreeSet<String>> {
        let with = |words: &[&str]| {
            wanted.place.iter().cloned().chain(words.iter().map(|&word| word.to_owned())).collect::<Vec<_>>()
        };
        if wanted.tools {
            self.entries.push(self.host.tools(&wanted.program, &with(&["mcp"])));
        }
        let before = self.record.iter().flat_map(Record::gateways).map(str::to_owned);
        let names: BTreeSet<String> = before.chain(wanted.gateways.iter().cloned()).collect();
        let all = self.read()?;
        let mut found = BTreeSet::new();
        for name in names {
            let Some(server) = find(&all, &[self.host.key.to_owned(), name.clone()]) else { continue };
            let text = |key: &str| server.get(key).and_then(|value| value.as_str());
            let Some(command) = text("command") else {
                return Err(Usage::error(format!(
                    "{}: the server {name} is no program; docs/GATEWAY.md says how one that has an address goes behind a gateway",
                    shown(&self.file)
                )));
            };
            let words = server.get("args").and_then(|value| value.as_array()).into_iter().flatten();
            let words: Vec<&str> = words.filter_map(|word| word.as_str()).collect();
            found.insert(name.clone());
            if command == wanted.program && words.contains(&"gateway") {
                continue;
            }
            let mut arguments = with(&["gateway", "--server", &name, "--", command]);
            arguments.extend(words.into_iter().map(str::to_owned));
            self.entries.extend(self.host.gateway(&name, &wanted.program, &arguments));
        }
        Ok(found)
    }

    /// The hooks, unless they are there by other means.
    fn hooks(&mut self, asks: &Asks, also: Option<&Path>) -> anyhow::Result<()> {
        let Some(hooks) = &self.host.hooks else { return Ok(()) };
        let mut places = vec![(self.file.clone(), self.read()?)];
        if let Some(also) = also
            && let Some(text) = look(also)?
        {
            places.push((also.to_owned(), Form::of(also).value(&text).map_err(|why| broken(also, &why))?));
        }
        for (file, all) in places {
            match hooks.there(&all) {
                Some(there) if there == asks.text() => return Ok(()),
                Some(there) => {
                    return Err(Usage::error(format!(
                        "{}: there is a hook of deeds already, which `deeds connect` did not enter: `{}`; take it out first, or leave the hooks as they are with --only mcp",
                        shown(&file),
                        crate::cli::output::visible(&there)
                    )));
                }
                None => {}
            }
        }
        self.entries.extend(hooks.entries(asks));
        Ok(())
    }

    /// What the file says without us.
    fn read(&self) -> anyhow::Result<serde_json::Value> {
        self.form.value(self.base.as_deref().unwrap_or_default()).map_err(|why| broken(&self.file, &why))
    }

    fn done(self) -> anyhow::Result<Plan> {
        let Self { host, file, form, was, base, mut entries, record } = self;
        // What was entered before stays, unless something else is wanted in its place.
        for old in record.into_iter().flat_map(|record| record.entries) {
            if !entries.iter().any(|entry| entry.path == old.path) {
                entries.push(old);
            }
        }
        let now = was.as_deref().map(|was| form.value(was)).transpose().map_err(|why| broken(&file, &why))?;
        let stand = now.is_some_and(|now| entries.iter().all(|entry| entry.stands(&now)));
        let mut text = None;
        if !stand {
            let new = form.enter(base.as_deref().unwrap_or_default(), &mut entries);
            text = Some(new.map_err(|why| broken(&file, &why))?);
        }
        Ok(Plan { host, file, was, base, text, entries })
    }
}

/// Why a file can't be read, where the reason begins with the place in it.
pub(super) fn broken(file: &Path, why: &str) -> anyhow::Error {
    Usage::error(format!("{}:{why}; correct it there. Nothing was written anywhere", shown(file)))
}
