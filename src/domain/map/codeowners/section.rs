//! Sections, as GitLab has them: each says for itself who owns a path, by its last line that matches.

/// One section.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Section {
    /// Its name in small letters, as GitLab compares it; empty before the first heading.
    name: String,
    /// Who owns what a line without owners names.
    pub(super) defaults: Vec<String>,
}

impl Section {
    /// Reads `[Name]`, `^[Name][2] @owner`: how many must approve, and whether somebody must, is nothing that a map says.
    pub(super) fn heading(line: &str) -> Option<Self> {
        let (name, rest) = line.strip_prefix('^').unwrap_or(line).strip_prefix('[')?.split_once(']')?;
        let counted = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let rest = match counted {
            Some((count, rest)) if count.bytes().all(|byte| byte.is_ascii_digit()) => rest,
            Some(_) => return None,
            None => rest,
        };
        let is_heading = !name.trim().is_empty() && (rest.is_empty() || rest.starts_with([' ', '\t']));
        let defaults = rest.split_whitespace().map(str::to_owned).collect();
        is_heading.then(|| Self { name: name.trim().to_lowercase(), defaults })
    }

    /// The place of the section that a heading begins or goes on with.
    pub(super) fn enter(all: &mut Vec<Self>, heading: Self) -> usize {
        let known = all.iter().position(|section| section.name == heading.name);
        let at = known.unwrap_or(all.len());
        match all.get_mut(at) {
            // Where one name comes twice, the later heading's owners hold for what follows it.
            Some(section) => section.defaults = heading.defaults,
            None => all.push(heading),
        }
        at
    }
}
