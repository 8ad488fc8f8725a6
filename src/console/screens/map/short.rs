//! Two letters for each agent, for the heads of a matrix in which their names have no room.

use std::collections::BTreeSet;

/// A short name for each, in their order; no two have the same. What says most is tried first: the beginnings of a name's
/// parts, then its first letter with one that follows, then with a number.
pub(super) fn short<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut shorts = Vec::new();
    for (at, name) in names.enumerate() {
        let free = candidates(name).find(|short| !taken.contains(short));
        // Of several hundred agents the legend tells the rest.
        let short = free.unwrap_or_else(|| format!("{:02}", at % 100));
        taken.insert(short.clone());
        shorts.push(short);
    }
    shorts
}

fn candidates(name: &str) -> impl Iterator<Item = String> {
    let letters: Vec<char> = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let first = letters.first().copied().unwrap_or('?');
    let parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter_map(|part| part.chars().next());
    let begins: Vec<char> = parts.skip(1).collect();
    let digits = ('1'..='9').collect::<Vec<_>>();
    let seconds = begins.into_iter().chain(letters.into_iter().skip(1)).chain(digits);
    seconds.map(move |second| [first, second].iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_names_are_two_letters_and_all_different() {
        let names = ["intake", "follow-up", "integration", "invoices", "beads/crew/emma", "x"];
        assert_eq!(short(names.into_iter()), ["in", "fu", "it", "iv", "bc", "x1"]);
        let many: Vec<String> = (0..40).map(|at| format!("agent-{at}")).collect();
        let shorts = short(many.iter().map(String::as_str));
        let different: BTreeSet<_> = shorts.iter().collect();
        assert_eq!(different.len(), 40, "{shorts:?}");
        assert!(shorts.iter().all(|short| short.chars().count() == 2));
    }
}
