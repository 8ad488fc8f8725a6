//! One line of a CODEOWNERS file: its pattern as a pattern of the map, and its owners.

use super::section::Section;
use super::{Dialect, Remark, RemarkKind};
use crate::domain::ids::AgentId;
use crate::domain::path::{EntityPath, MAX_ENTITY_BYTES, Pattern};

/// One line that GitHub heeds and that can match something on a map.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) line: usize,
    pub(super) text: String,
    /// All that the line matches, and more where it is not `exact`.
    pub(super) pattern: Pattern,
    /// The owner that the map knows; nobody where the line says so, or where it can't be said.
    pub(super) owner: Option<Owner>,
    /// In which section it stands, each of which says for itself who owns what; 0 before the first heading.
    pub(super) section: usize,
}

/// Who owns, in the file's word and the map's.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    pub(super) said: String,
    pub(super) agent: AgentId,
}

/// What a pattern comes to on the map.
enum Said {
    Exactly(Pattern),
    /// This and less; why.
    AtMost(Pattern, String),
    /// Nothing that could be on a map; why.
    Nothing(String),
    /// GitHub does not take it; why.
    Invalid(String),
}

/// One sign of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Slash,
    Star,
    /// `?`: any one character.
    One,
    Char(char),
}

/// A file as it is read.
struct Reader<'f> {
    prefix: &'f EntityPath,
    dialect: Dialect,
    rules: Vec<Rule>,
    remarks: Vec<Remark>,
}

/// Reads all lines: the rules in the order in which later ones decide.
pub(super) fn read(text: &str, prefix: &EntityPath, dialect: Dialect) -> (Vec<Rule>, Vec<Remark>) {
    let mut reader = Reader { prefix, dialect, rules: Vec::new(), remarks: Vec::new() };
    let mut sections = vec![Section::default()];
    let mut within = 0;
    // Nothing that is excluded from a section comes back into it.
    let mut excluded: Vec<Rule> = Vec::new();
    for (line, text) in lines(text) {
        match (dialect, Section::heading(text)) {
            (Dialect::GitLab, Some(heading)) => within = Section::enter(&mut sections, heading),
            (Dialect::GitLab | Dialect::GitHub, _) => {
                let defaults = sections.get(within).map_or(&[][..], |section| section.defaults.as_slice());
                let count = reader.rules.len();
                reader.line(line, text, defaults);
                for rule in reader.rules.iter_mut().skip(count) {
                    rule.section = within;
                }
                if dialect == Dialect::GitLab && text.starts_with('!') {
                    excluded.extend(reader.rules.drain(count..));
                }
            }
        }
    }
    let Reader { mut rules, remarks, .. } = reader;
    rules.extend(excluded);
    rules.sort_by_key(|rule| rule.section);
    (rules, remarks)
}

/// The lines that say something, with their numbers from 1.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().map(|line| line.trim_matches(is_blank)).enumerate();
    let said = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    said.map(|(at, line)| (at + 1, line))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r')
}

impl Reader<'_> {
    fn remark(&mut self, line: usize, text: &str, kind: RemarkKind, reason: String) {
        self.remarks.push(Remark { line, text: text.to_owned(), kind, reason });
    }

    fn line(&mut self, line: usize, text: &str, defaults: &[String]) {
        let excludes = self.dialect == Dialect::GitLab && text.starts_with('!');
        let (pattern, said) = split(text.strip_prefix('!').filter(|_| excludes).unwrap_or(text));
        let defaults = defaults.iter().map(String::as_str);
        let owners = match self.dialect {
            Dialect::GitHub => {
                let words = said.into_iter().take_while(|word| !word.starts_with('#'));
                words.map(owner).collect::<Result<Vec<_>, _>>()
            }
            // What is no owner is no part of the line, wherever it stands.
            Dialect::GitLab => {
                let own: Vec<_> = said.into_iter().filter_map(|word| owner(word).ok()).collect();
                let inherited = own.is_empty() && !excludes;
                Ok(if inherited { defaults.filter_map(|word| owner(word).ok()).collect() } else { own })
            }
        };
        let owners = match owners {
            Ok(owners) if excludes => owners.into_iter().take(0).collect(),
            Ok(owners) => owners,
            Err(reason) => return self.remark(line, text, RemarkKind::Invalid, reason),
        };
        let rule = |pattern, owner| Rule { line, text: text.to_owned(), pattern, owner, section: 0 };
        match read_pattern(pattern, self.prefix, self.dialect) {
            Said::Invalid(reason) => self.remark(line, text, RemarkKind::Invalid, reason),
            Said::Nothing(reason) => self.remark(line, text, RemarkKind::NoPath, reason),
            Said::AtMost(pattern, why) => {
                let reason = format!("{why}; nobody owns what `{pattern}` matches");
                self.remark(line, text, RemarkKind::Inexact, reason);
                self.rules.push(rule(pattern, None));
            }
            Said::Exactly(pattern) => {
                if let Some((kind, reason)) = told_of(&owners, &pattern) {
                    self.remark(line, text, kind, reason);
                }
                let first = owners.into_iter().find_map(Result::ok);
                self.rules.push(rule(pattern, first));
            }
        }
    }
}

/// What a map can't say of a line's owners.
fn told_of(owners: &[Result<Owner, String>], pattern: &Pattern) -> Option<(RemarkKind, String)> {
    match owners.iter().find_map(|owner| owner.as_ref().ok()) {
        None => {
            let why = owners.first()?.as_ref().err()?;
            Some((RemarkKind::NoAgent, format!("{why}; nobody owns what `{pattern}` matches")))
        }
        Some(owner) if owners.len() > 1 => Some((
            RemarkKind::SeveralOwners,
            format!("a file has one writer: {} has the zone, the others propose to it", owner.said),
        )),
        Some(_) => None,
    }
}

/// The pattern, and the words after it.
fn split(text: &str) -> (&str, Vec<&str>) {
    let mut escaped = false;
    let end = text.find(|c| {
        let ends = is_blank(c) && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    let (pattern, rest) = text.split_at(end.unwrap_or(text.len()));
    (pattern, rest.split(is_blank).filter(|word| !word.is_empty()).collect())
}

/// An owner as the map calls it; the inner error where it can't, the outer one where GitHub does not take it.
fn owner(said: &str) -> Result<Result<Owner, String>, String> {
    let name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    if said.strip_prefix("@@").is_some_and(name) {
        return Ok(Err(format!("`{said}` is everybody of a role, which is nobody on a map")));
    }
    let id = if let Some(login) = said.strip_prefix('@') {
        // GitLab's groups have groups in them.
        login.split('/').all(name).then_some(login)
    } else {
        let address = said.split_once('@');
        address.filter(|(who, host)| !who.is_empty() && !host.is_empty() && !host.contains('@')).map(|_| said)
    };
    let Some(id) = id else {
        return Err(format!(
            "{said:?} is not an owner (@user, @org/team or an address), so the line is skipped"
        ));
    };
    Ok(match id.parse() {
        Ok(agent) => Ok(Owner { said: said.to_owned(), agent }),
        Err(_) => Err(format!("`{said}` can't be an agent's id (letters, digits and . _ - / @)")),
    })
}

fn read_pattern(text: &str, prefix: &EntityPath, dialect: Dialect) -> Said {
    let invalid = |reason: &str| Said::Invalid(format!("{reason}, so the line is skipped"));
    let on_github = dialect == Dialect::GitHub;
    if on_github && text.starts_with('!') {
        return invalid("`!` does not negate a pattern here");
    }
    if on_github && text.starts_with("\\#") {
        return invalid("a `#` at the start can't be escaped here");
    }
    let signs = match signs(text, dialect) {
        Ok(signs) => signs,
        Err(reason) => return invalid(reason),
    };
    let mut rest = signs.as_slice();
    let mut anchored = false;
    if let [Sign::Slash, tail @ ..] = rest {
        (rest, anchored) = (tail, true);
    }
    let mut only_below = false;
    if let [head @ .., Sign::Slash] = rest {
        (rest, only_below) = (head, true);
    }
    anchored |= on_github && rest.contains(&Sign::Slash);
    if rest.is_empty() {
        return Said::Nothing("it names no file and no directory".to_owned());
    }
    let mut parts = Parts { segments: Vec::new(), exact: true };
    if !anchored {
        parts.segments.push("**".to_owned());
    }
    let named: Vec<&[Sign]> = rest.split(|sign| *sign == Sign::Slash).collect();
    for (at, segment) in named.iter().enumerate() {
        let last = at + 1 == named.len();
        if let Err(reason) = parts.push(segment, last) {
            return Said::Nothing(reason.to_owned());
        }
    }
    // GitHub's own exception: `dir/*` is about the files right there, not about those in directories below. On GitLab no
    // pattern is about what is in a directory but one that ends in `/`, and the lone star.
    let flat = match dialect {
        Dialect::GitHub => anchored && named.last().is_some_and(|last| **last == [Sign::Star]),
        Dialect::GitLab => anchored || rest != [Sign::Star],
    };
    let flat = flat && !only_below;
    if only_below {
        parts.segments.push("*".to_owned());
    }
    if !flat {
        parts.segments.push("**".to_owned());
    }
    parts.pattern(prefix)
}

fn signs(text: &str, dialect: Dialect) -> Result<Vec<Sign>, &'static str> {
    let mut signs = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        signs.push(match c {
            '/' => Sign::Slash,
            '*' => Sign::Star,
            '?' => Sign::One,
            // A range of characters on GitLab, what it says on GitHub.
            '[' if dialect == Dialect::GitLab && chars.clone().any(|c| c == ']') => {
                chars.by_ref().find(|c| *c == ']');
                Sign::One
            }
            '\\' => match chars.next() {
                Some('/') => Sign::Slash,
                Some(c) => Sign::Char(c),
                None => return Err("nothing follows the last `\\`"),
            },
            c => Sign::Char(c),
        });
    }
    Ok(signs)
}

/// The segments of a pattern of the map, as they are put together.
struct Parts {
    segments: Vec<String>,
    exact: bool,
}

impl Parts {
    fn push(&mut self, signs: &[Sign], last: bool) -> Result<(), &'static str> {
        let stars = signs.iter().all(|sign| *sign == Sign::Star);
        if stars && signs.len() > 1 {
            // At the end it is everything inside: at least one name. Between slashes it may be none.
            self.segments.push(if last { "*" } else { "**" }.to_owned());
            return Ok(());
        }
        let mut text = String::new();
        for sign in signs {
            let wild = match sign {
                Sign::Char('#') => return Err("a path on a map has no `#`"),
                Sign::Char('*') => return Err("a path on a map has no `*`"),
                Sign::Char(c) if c.is_control() => return Err("a path on a map has no control characters"),
                Sign::Char(c) => {
                    text.push(*c);
                    false
                }
                Sign::One => {
                    self.exact = false;
                    true
                }
                Sign::Star | Sign::Slash => true,
            };
            if wild && !text.ends_with('*') {
                text.push('*');
            }
        }
        match text.as_str() {
            "" => return Err("a name between two slashes is empty"),
            "." | ".." => return Err("`.` and `..` are no names in a repository"),
            text if text.starts_with('{') && text.ends_with('}') => {
                return Err("a name on a map is not in braces");
            }
            _ => {}
        }
        self.segments.push(text);
        Ok(())
    }

    fn pattern(self, prefix: &EntityPath) -> Said {
        let exact = self.exact;
        let segments = simplified(self.segments);
        let all = matches!(segments.as_slice(), [one, deep] if one == "*" && deep == "**");
        let below = if all { "**".to_owned() } else { segments.join("/") };
        let text = format!("{prefix}/{below}");
        match text.parse() {
            Ok(pattern) if exact => Said::Exactly(pattern),
            Ok(pattern) => Said::AtMost(
                pattern,
                "`?` and `[ ]` stand for one character, which a map can't say".to_owned(),
            ),
            Err(_) => match shortened(prefix, &segments) {
                Some(pattern) => {
                    Said::AtMost(pattern, format!("on a map a pattern has at most {MAX_ENTITY_BYTES} bytes"))
                }
                None => Said::Nothing(format!("on a map a path has at most {MAX_ENTITY_BYTES} bytes")),
            },
        }
    }
}

/// Stars and double stars in a row mean as much as the stars first and one double star after them.
fn simplified(segments: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut deep = false;
    for segment in segments {
        match segment.as_str() {
            "**" => deep = true,
            "*" => out.push(segment),
            _ => {
                if std::mem::take(&mut deep) {
                    out.push("**".to_owned());
                }
                out.push(segment);
            }
        }
    }
    if deep {
        out.push("**".to_owned());
    }
    out
}

/// As many of the first segments as a pattern holds, and everything below.
fn shortened(prefix: &EntityPath, segments: &[String]) -> Option<Pattern> {
    const DEEP: &str = "/**";
    let mut text = prefix.to_string();
    for segment in segments {
        if text.len() + 1 + segment.len() + DEEP.len() > MAX_ENTITY_BYTES {
            break;
        }
        text.push('/');
        text.push_str(segment);
    }
    text.push_str(DEEP);
    text.parse().ok()
}
