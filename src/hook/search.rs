//! What a search looks at: a `Grep`, `Glob` or `LS` names no file but a folder and a pattern, and would show what is hidden
//! below it. It is decided by whether the two patterns meet, not by what lies there now.

use std::path::{Component, Path, PathBuf};

use serde_json::{Map, Value};

use super::call::Touch;
use crate::domain::path::{EntityPath, FieldName, Pattern};

/// A search of a tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// The texts of everything below, less what its `glob` leaves out.
    Grep,
    /// The names of everything that its `pattern` fits.
    Glob,
    /// The names in one folder.
    List,
}

impl Search {
    /// What a search looks at, by its input.
    pub(super) fn touch(self, named: &str, input: &Map<String, Value>) -> Touch {
        let text = |keys: [&str; 3]| {
            keys.iter().find_map(|key| input.get(*key)).and_then(Value::as_str).unwrap_or_default()
        };
        match self {
            Self::List => self.of(named, ""),
            Self::Glob => self.of(named, text(["pattern", "glob", "include"])),
            Self::Grep => self.of(named, text(["glob", "include", "include_pattern"])),
        }
    }

    /// The folder that it begins in, from the one that is named, and what it looks at there.
    pub(super) fn of(self, named: &str, glob: &str) -> Touch {
        let from = Path::new(named);
        let (folder, reach) = match self {
            Self::List => (from.to_owned(), "*".to_owned()),
            Self::Glob => at_its_beginning(from, glob),
            Self::Grep => (from.to_owned(), narrowed(glob)),
        };
        Touch::Search { named: named.to_owned(), folder, reach }
    }
}

/// A glob may begin with folders, also with such as lead elsewhere.
fn at_its_beginning(folder: &Path, glob: &str) -> (PathBuf, String) {
    let parts: Vec<Component<'_>> = Path::new(glob).components().collect();
    let plain =
        |part: &Component<'_>| !part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{', '!']);
    // The last one is a name to look for, whatever it is written with.
    let fixed = parts.iter().take(parts.len().saturating_sub(1)).take_while(|part| plain(part)).count();
    let (begin, rest) = parts.split_at_checked(fixed).unwrap_or((&[], &parts));
    let folder = folder.join(begin.iter().collect::<PathBuf>());
    let rest: Vec<_> = rest.iter().map(|part| part.as_os_str().to_string_lossy()).collect();
    (folder, understood(&rest.join("/")))
}

/// What a filter of ripgrep leaves: a name without a folder fits anywhere below.
fn narrowed(glob: &str) -> String {
    match glob {
        "" => "**".to_owned(),
        glob if glob.contains('/') => understood(glob.trim_start_matches('/')),
        glob => match understood(glob).as_str() {
            "**" => "**".to_owned(),
            name => format!("**/{name}"),
        },
    }
}

/// The glob as a pattern of a map; everything, where the map's language can't say it.
fn understood(glob: &str) -> String {
    let strange = glob.is_empty() || glob.contains(['?', '[', ']', '{', '}', '!', '#', '\\']);
    let parts = || glob.split('/');
    if strange || parts().any(|part| part.is_empty() || part == "." || part == "..") {
        return "**".to_owned();
    }
    glob.to_owned()
}

/// The files that are looked at, as the map names them.
///
/// # Errors
/// Why they have no name there, as a clause.
pub fn pattern(folder: &EntityPath, rest: &str) -> Result<Pattern, String> {
    let whole: Pattern =
        format!("{folder}/{rest}").parse().map_err(|error| format!("it can't be on a map: {error}"))?;
    Ok(whole.with_field(&FieldName::whole()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_search_looks_at_is_a_pattern() {
        for (search, input, folder, rest) in [
            (Search::Grep, json!({"pattern": "x"}), "/r", "**"),
            (Search::Grep, json!({"glob": "*.md"}), "/r", "**/*.md"),
            (Search::Grep, json!({"glob": "docs/**"}), "/r", "docs/**"),
            (Search::Grep, json!({"glob": "/docs/*.md"}), "/r", "docs/*.md"),
            (Search::Grep, json!({"glob": "!secrets/**"}), "/r", "**"),
            (Search::Grep, json!({"glob": "*.{md,rs}"}), "/r", "**"),
            (Search::Glob, json!({"pattern": "**/*.rs"}), "/r", "**/*.rs"),
            (Search::Glob, json!({"pattern": "src/*.rs"}), "/r/src", "*.rs"),
            (Search::Glob, json!({"pattern": "secrets/key"}), "/r/secrets", "key"),
            (Search::Glob, json!({"pattern": "../other/**"}), "/r/../other", "**"),
            (Search::Glob, json!({"pattern": "/etc/*"}), "/etc", "*"),
            (Search::Glob, json!({"pattern": "src/[ab]/x"}), "/r/src", "**"),
            (Search::Glob, json!({}), "/r", "**"),
            (Search::List, json!({}), "/r", "*"),
        ] {
            let Touch::Search { folder: from, reach, .. } = search.touch("/r", input.as_object().unwrap())
            else {
                panic!("{input}")
            };
            assert_eq!((from, reach), (PathBuf::from(folder), rest.to_owned()), "{input}");
        }
        let folder: EntityPath = "files".parse().unwrap();
        assert_eq!(pattern(&folder, "**/*.md").unwrap().as_str(), "files/**/*.md#");
    }
}
