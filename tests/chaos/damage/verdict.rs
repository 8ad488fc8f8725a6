//! What is wrong with what came of a damage.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use super::player::Player;
use super::trial::{Damage, Doctor, Outcome, When};

/// A promise that was broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Broken {
    /// Something is missing or different, and nothing said so.
    SilentlyWrong,
    /// `doctor` found nothing, and something failed or was wrong.
    FineOverAFault,
    Hung,
    Panicked,
    /// A workspace beside the damaged one was not served.
    OthersHurt,
    /// A mend that names what is not there.
    NoSuchMend,
    /// A file that the table does not know.
    UnknownFile,
}

/// What was broken, with what shows it.
pub(super) fn broken(damage: &Damage, outcome: &Outcome) -> Vec<(Broken, String)> {
    let mut all = Vec::new();
    let fine = |doctor: &Doctor| doctor.status == 0 && doctor.told.is_empty();
    let (failed, failed_at_last) = (&outcome.failed, &outcome.failed_at_last);
    let (wrong, wrong_at_last) = (&outcome.wrong, &outcome.wrong_at_last);
    let somehow: Vec<&String> =
        [wrong, wrong_at_last, failed, failed_at_last].into_iter().flatten().collect();
    let told = !(outcome.first.told.is_empty()
        && outcome.last.told.is_empty()
        && outcome.logged.is_empty()
        && failed.is_empty()
        && failed_at_last.is_empty());
    if let Some(one) = wrong.first().or(wrong_at_last.first())
        && !told
    {
        all.push((Broken::SilentlyWrong, one.clone()));
    }
    if let Some(one) = somehow.first()
        && fine(&outcome.first)
    {
        all.push((Broken::FineOverAFault, format!("at first, and then: {one}")));
    }
    if let Some(one) = wrong_at_last.first().or(failed_at_last.first())
        && fine(&outcome.last)
    {
        all.push((Broken::FineOverAFault, format!("at last, and still: {one}")));
    }
    all.extend(outcome.hung.iter().map(|one| (Broken::Hung, one.clone())));
    all.extend(outcome.panicked.iter().map(|one| (Broken::Panicked, one.clone())));
    if damage.place.starts_with("workspaces/default") || damage.place.starts_with("workspaces/many") {
        // Shared memory that is cut under a program is a signal that ends it, whatever it does: the next start has everything.
        let ended = damage.when == When::WhileAServerRuns && damage.place.to_string_lossy().ends_with("-shm");
        let meanwhile = if ended { &[][..] } else { failed };
        let others = meanwhile
            .iter()
            .chain(failed_at_last)
            .filter(|one| one.starts_with("other ") || one.starts_with("serve"));
        all.extend(others.take(1).map(|one| (Broken::OthersHurt, one.clone())));
    }
    all.extend(
        outcome
            .unknown
            .iter()
            .filter(|place| !of_the_harm(place))
            .map(|place| (Broken::UnknownFile, place.display().to_string())),
    );
    all
}

/// What the harm itself left there.
fn of_the_harm(place: &Path) -> bool {
    let parts = place.iter().filter_map(|part| part.to_str());
    parts.into_iter().any(|part| part.contains(".old") || part.ends_with('2'))
}

/// The mends that name commands or pages which are not there.
pub(super) fn mends(player: &Player<'_>, outcome: &Outcome) -> Vec<(Broken, String)> {
    let mends = outcome.first.mends.iter().chain(&outcome.last.mends);
    let wrong = mends.filter_map(|mend| missing(player, mend).map(|what| format!("{what}, in: {mend}")));
    wrong.map(|what| (Broken::NoSuchMend, what)).collect()
}

fn missing(player: &Player<'_>, mend: &str) -> Option<String> {
    let quoted = mend.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.strip_prefix("deeds "));
    for command in quoted {
        let plain =
            |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !word.starts_with('-');
        let words: Vec<&str> = command.split(' ').take_while(plain).collect();
        if !is_there(player, &words) {
            return Some(format!("there is no `deeds {}`", words.join(" ")));
        }
    }
    let page = mend.split([' ', ',', ';']).find(|word| word.starts_with("docs/"))?;
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap_or_default();
    let section = mend.split('*').nth(1).unwrap_or_default().to_lowercase();
    (!text.to_lowercase().contains(&format!("# {section}"))).then(|| format!("{page} has no *{section}*"))
}

/// Whether the binary knows the command; asked once for each.
fn is_there(player: &Player<'_>, words: &[&str]) -> bool {
    static KNOWN: Mutex<BTreeMap<String, bool>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    *known.entry(words.join(" ")).or_insert_with(|| player.run(&[words, &["--help"]].concat()).status == 0)
}
