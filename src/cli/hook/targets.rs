//! What a use of a tool comes to in a repository, and so on the map: files by every name they have, everything below a folder,
//! what a search reaches.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::judge::Asked;
use super::links::names;
use super::repository::{By, Repository, entity, resolve};
use crate::cli::output::visible;
use crate::domain::path::{EntityPath, Pattern};
use crate::hook::{Call, Dialect, Touch, Wish, pattern, shell};

/// As many files below a folder are looked at: a hook must not hold anybody up.
const BELOW: usize = 20_000;
/// What git keeps for itself, in every work tree.
const GIT: &str = ".git";

/// What a call is about.
#[derive(Default)]
pub(super) struct Reached {
    /// What happens to what, on the map.
    pub(super) entities: Vec<Reach>,
    /// What searches look at.
    pub(super) searches: Vec<Pattern>,
    /// Tools of MCP servers, which the map may have a row for.
    pub(super) tools: Vec<Used>,
    /// What can't be told.
    pub(super) unsure: Vec<Unsure>,
}

impl Reached {
    /// Whether there is nothing to decide.
    pub(super) fn is_nothing(&self) -> bool {
        self.entities.is_empty()
            && self.searches.is_empty()
            && self.tools.is_empty()
            && self.unsure.is_empty()
    }

    /// The entities, each once, also those that tools seem to name.
    pub(super) fn named(&self) -> Vec<EntityPath> {
        let of_tools = self.tools.iter().flat_map(|used| &used.files);
        let mut all: Vec<EntityPath> =
            self.entities.iter().chain(of_tools).map(|reach| reach.entity.clone()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Something that happens to an entity.
pub(super) struct Reach {
    pub(super) entity: EntityPath,
    pub(super) wish: Wish,
    /// The file that it is, with links followed.
    pub(super) file: PathBuf,
}

/// A tool of an MCP server.
pub(super) struct Used {
    pub(super) server: String,
    pub(super) tool: String,
    pub(super) arguments: Value,
    /// The directory of the repository.
    pub(super) top: PathBuf,
    /// Files that its arguments seem to name.
    pub(super) files: Vec<Reach>,
}

/// Something that can't be told.
pub(super) struct Unsure {
    /// Why, as a clause.
    pub(super) why: String,
    /// What may happen.
    pub(super) wish: Wish,
    /// What was to be run, in which names may stand.
    pub(super) text: String,
}

/// The repositories that a call has to do with.
struct Around<'a> {
    dialect: Option<&'a Dialect>,
    cwd: Option<&'a Path>,
    /// Where the agent was started.
    project: Option<&'a Path>,
    home: Option<&'a Path>,
    known: BTreeMap<PathBuf, Option<PathBuf>>,
}

/// What a call reaches; why that can't be said, as a clause.
pub(super) fn of(asked: &Asked<'_>, dialect: &Dialect, call: &Call) -> Result<Reached, String> {
    let around = Around {
        dialect: Some(dialect),
        cwd: call.cwd.as_deref(),
        project: asked.project,
        home: asked.home,
        known: BTreeMap::new(),
    };
    let mut looking = Looking { around, prefix: asked.prefix, reached: Reached::default() };
    for touch in &call.touches {
        looking.at(touch)?;
    }
    Ok(looking.reached)
}

struct Looking<'a> {
    around: Around<'a>,
    prefix: &'a EntityPath,
    reached: Reached,
}

impl Looking<'_> {
    fn at(&mut self, touch: &Touch) -> Result<(), String> {
        match touch {
            Touch::File(path, wish) => {
                let path = self.around.absolute(path)?;
                self.file(&path, *wish)
            }
            Touch::Search { named, folder, reach } => {
                let at = resolve(&self.around.absolute(named)?)?;
                if at.is_file() {
                    return self.file(&at, Wish::Look);
                }
                let folder = resolve(&self.around.absolute_of(folder)?)?;
                self.search(&folder, reach)
            }
            Touch::Shell { script, cwd } => self.shell(script, cwd.as_deref()),
            Touch::Tool { server, tool, arguments } => self.tool(server, tool, arguments),
            Touch::Unsure(why) => self.unsure(why.clone(), Wish::Change, String::new()),
        }
    }

    /// A file by each of its names. Nothing where it has nothing to do with the repository.
    fn file(&mut self, path: &Path, wish: Wish) -> Result<(), String> {
        let found = self.reaches(path, wish)?;
        self.reached.entities.extend(found);
        Ok(())
    }

    fn reaches(&mut self, path: &Path, wish: Wish) -> Result<Vec<Reach>, String> {
        let at = resolve(path)?;
        let Some(repository) = self.around.repository(&at)? else { return Ok(Vec::new()) };
        let below = self.around.inside(&repository, &at)?;
        let names = names(&repository.top, &at)?;
        if let (Some(why), true) = (names.more, below.is_some()) {
            return Err(why);
        }
        let mut all = Vec::new();
        for name in names.others {
            all.extend(self.around.inside(&repository, &name)?);
        }
        all.extend(below);
        all.iter()
            .map(|below| {
                let entity = entity(self.prefix, below.as_os_str())?;
                Ok(Reach { entity, wish, file: at.clone() })
            })
            .collect()
    }

    /// A folder with everything that is below it now.
    fn below(&mut self, folder: &Path, wish: Wish) -> Result<(), String> {
        let at = resolve(folder)?;
        if !at.is_dir() || self.around.dialect.is_none() {
            return self.file(&at, wish);
        }
        let before = self.reached.entities.len();
        let (mut open, mut left) = (vec![at.clone()], BELOW);
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                left = left.checked_sub(1).ok_or_else(|| {
                    format!("there is too much below {} to look at", visible(&at.display().to_string()))
                })?;
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    open.extend((entry.file_name() != GIT).then_some(path));
                } else {
                    self.file(&path, wish)?;
                }
            }
        }
        // An empty one is something by itself.
        if self.reached.entities.len() == before { self.file(&at, wish) } else { Ok(()) }
    }

    fn search(&mut self, folder: &Path, reach: &str) -> Result<(), String> {
        let deep = reach.contains('/') || reach == "**";
        let found = self.around.repository(folder)?;
        let Some(repository) = found else {
            // What a search from above every repository would reach, nobody knows.
            let said = self.around.dialect.and_then(|dialect| dialect.project).unwrap_or("the host");
            return if deep { Err(above(folder, said)) } else { Ok(()) };
        };
        let (entity, within) = match self.around.inside(&repository, folder)? {
            Some(below) => {
                let entity = entity(self.prefix, below.as_os_str())?;
                let within = pattern(&entity, reach)?;
                (entity, within)
            }
            // From above the repository all of it may be reached.
            None if deep && repository.top.starts_with(folder) => {
                (self.prefix.clone(), pattern(self.prefix, "**")?)
            }
            None => return Ok(()),
        };
        self.reached.searches.push(within);
        self.reached.entities.push(Reach { entity, wish: Wish::Look, file: folder.to_owned() });
        Ok(())
    }

    fn shell(&mut self, script: &str, cwd: Option<&str>) -> Result<(), String> {
        let here = match cwd {
            Some(cwd) => self.around.absolute(cwd)?,
            None => self.around.absolute(".")?,
        };
        let touched = shell::touched(script);
        for target in touched.targets {
            let path = if target.path.starts_with('~') {
                self.around.absolute(&target.path)?
            } else {
                here.join(&target.path)
            };
            let into = target.into.map(|name| path.join(name)).filter(|_| path.is_dir());
            match (into, target.whole_folder) {
                (Some(inside), _) => self.file(&inside, target.wish)?,
                (None, true) => self.below(&path, target.wish)?,
                (None, false) => self.file(&path, target.wish)?,
            }
        }
        for folder in touched.entered {
            let there =
                if folder.starts_with('~') { self.around.absolute(&folder)? } else { here.join(&folder) };
            if !there.is_dir() && self.around.dialect.is_some() {
                let why = format!(
                    "{folder} is no folder, so that it can't be told where what follows `cd` happens"
                );
                self.unsure(why, Wish::Change, script.to_owned())?;
            }
        }
        for unsure in touched.unsure {
            self.unsure(unsure.why, unsure.wish, script.to_owned())?;
        }
        Ok(())
    }

    fn tool(&mut self, server: &str, tool: &str, arguments: &Value) -> Result<(), String> {
        let here = self.around.absolute(".")?;
        let Some(repository) = self.around.repository(&here)? else { return Ok(()) };
        let mut files = Vec::new();
        for name in file_names(arguments) {
            // What only looks like one is none.
            files.extend(self.reaches(&here.join(name), Wish::Change).unwrap_or_default());
        }
        let (server, tool, arguments) = (server.to_owned(), tool.to_owned(), arguments.clone());
        self.reached.tools.push(Used { server, tool, arguments, top: repository.top, files });
        Ok(())
    }

    /// Where there is no repository nothing is guarded.
    fn unsure(&mut self, why: String, wish: Wish, text: String) -> Result<(), String> {
        let here = self.around.absolute(".")?;
        if self.around.repository(&here)?.is_some() {
            self.reached.unsure.push(Unsure { why, wish, text });
        }
        Ok(())
    }
}

fn above(folder: &Path, said: &str) -> String {
    format!(
        "it searches below {}, which is in no repository, and {said} does not say which one is meant; search in a repository",
        visible(&folder.display().to_string())
    )
}

/// What among the arguments of a tool looks like a file, at any depth: a text with a slash in it or under a key that files have.
fn file_names(arguments: &Value) -> Vec<&str> {
    const MOST: usize = 64;
    fn below<'a>(value: &'a Value, is_named: bool, found: &mut Vec<&'a str>) {
        match value {
            Value::String(text) => {
                // A file may be named by its address, too.
                let text = text.strip_prefix("file://").unwrap_or(text);
                let looks = is_named || text.contains('/');
                let is_one = looks && text.len() < 4_096 && !text.is_empty() && !text.contains(['\n', '\0']);
                found.extend((is_one && !text.contains("://") && found.len() < MOST).then_some(text));
            }
            Value::Array(all) => all.iter().for_each(|one| below(one, is_named, found)),
            Value::Object(all) => all.iter().for_each(|(key, one)| {
                let key = key.to_ascii_lowercase();
                below(
                    one,
                    ["path", "file", "destination", "target", "uri"].iter().any(|word| key.contains(word)),
                    found,
                );
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut found = Vec::new();
    below(arguments, false, &mut found);
    found
}

impl Around<'_> {
    fn absolute(&self, path: &str) -> Result<PathBuf, String> {
        self.absolute_of(Path::new(path))
    }

    /// The path from the root on; `~` is the home of whoever runs this.
    fn absolute_of(&self, path: &Path) -> Result<PathBuf, String> {
        if let Ok(rest) = path.strip_prefix("~") {
            let home = self.home.ok_or("a file is named below `~`, and nobody says whose home that is")?;
            return Ok(home.join(rest));
        }
        match (self.cwd, path.is_absolute()) {
            (_, true) => Ok(path.to_owned()),
            (Some(cwd), false) if cwd.is_absolute() => Ok(cwd.join(path)),
            (Some(_) | None, false) => {
                Err("the file is named by a relative path, and the call says no absolute `cwd`".to_owned())
            }
        }
    }

    /// The repository that the agent works in: the one it was started in, wherever it has gone since. Where that is not told,
    /// that of the file, and else the one that it is in: an agent that goes elsewhere would take its guard along.
    fn repository(&mut self, at: &Path) -> Result<Option<Repository>, String> {
        if let Some(started) = self.project {
            return self.around(started);
        }
        match (self.around(at)?, self.cwd) {
            (None, Some(cwd)) => self.around(cwd),
            (found, _) => Ok(found),
        }
    }

    /// Where it is below the top. Of what is elsewhere git is asked, which takes long.
    fn inside(&self, repository: &Repository, at: &Path) -> Result<Option<PathBuf>, String> {
        match self.dialect {
            Some(_) => repository.inside(at),
            None => Ok(at.strip_prefix(&repository.top).ok().map(Path::to_owned)),
        }
    }

    fn around(&mut self, place: &Path) -> Result<Option<Repository>, String> {
        let resolved = resolve(place)?;
        let there = resolved.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("/")).to_owned();
        // What lies below a folder is in the same repository, up to one that begins on the way.
        for folder in there.ancestors() {
            if let Some(top) = self.known.get(folder) {
                return Ok(top.clone().map(|top| Repository { top }));
            }
            if folder.join(GIT).exists() {
                break;
            }
        }
        let found = match self.dialect {
            Some(_) => Repository::around(&there, By::Directory)?.map(Repository::whole).transpose()?,
            None => Some(Repository { top: PathBuf::from("/repository") }),
        };
        self.known.insert(there, found.as_ref().map(|found| found.top.clone()));
        Ok(found)
    }
}

#[cfg(any(test, fuzzing))]
impl Reached {
    /// What a call reaches below a directory, without git.
    pub(super) fn without_git(call: &Call, prefix: &EntityPath) -> Result<Self, String> {
        let around = Around {
            dialect: None,
            cwd: Some(Path::new("/repository")),
            project: None,
            home: Some(Path::new("/home")),
            known: BTreeMap::new(),
        };
        let mut looking = Looking { around, prefix, reached: Self::default() };
        for touch in &call.touches {
            looking.at(touch)?;
        }
        Ok(looking.reached)
    }
}
