//! The databases that the settings name, and in which of them each workspace is: where its row of the directory is. A new one
//! goes where a hash of both names is the highest, so that nodes that make the same one at once put it into the same place.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use super::super::LedgerError;
use super::link::{Database, blocking};
use super::rows;

type Found<T> = Result<T, LedgerError>;

/// All of them.
#[derive(Debug)]
pub(super) struct Databases {
    first: Arc<Database>,
    others: Vec<Arc<Database>>,
    /// Where workspaces were found; they stay there.
    found: Mutex<BTreeMap<String, Arc<Database>>>,
}

impl Databases {
    /// Those of these addresses, of each of which so many synchronous standbys are promised. Nothing is connected yet.
    pub(super) fn new(urls: &str, password: Option<&str>, standbys: u32) -> Found<Self> {
        let (first, others) = addresses(urls);
        let reached = |url: &String| Database::new(url, password, standbys).map(Arc::new);
        let others = others.iter().map(reached).collect::<Found<_>>()?;
        let this = Self { first: reached(&first)?, others, found: Mutex::default() };
        let mut places: Vec<&str> = this.all().map(|database| database.place()).collect();
        places.sort_unstable();
        match places.windows(2).find_map(|two| (two.first() == two.last()).then(|| two.first())).flatten() {
            Some(twice) => {
                let (place, reason) = ((*twice).to_owned(), "it is named twice; name it once".to_owned());
                Err(LedgerError::Unfit { place, reason })
            }
            None => Ok(this),
        }
    }

    /// All of them, in the order of the settings.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Database>> {
        iter::once(&self.first).chain(&self.others)
    }

    /// What is there once lies in the first.
    pub(super) fn first(&self) -> &Arc<Database> {
        &self.first
    }

    /// Where a workspace is, as far as that was found, else where it would be made.
    pub(super) fn likely(&self, workspace: &str) -> Arc<Database> {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).get(workspace).cloned();
        found.unwrap_or_else(|| Arc::clone(self.chosen(workspace)))
    }

    /// Where a workspace is made.
    pub(super) fn chosen(&self, workspace: &str) -> &Arc<Database> {
        let rank = |database: &&Arc<Database>| {
            let digest: [u8; 32] = Sha256::new()
                .chain_update(database.place())
                .chain_update("\n")
                .chain_update(workspace)
                .finalize()
                .into();
            digest
        };
        self.all().max_by_key(rank).unwrap_or(&self.first)
    }

    /// Where a workspace is; none where it is nowhere.
    ///
    /// # Errors
    /// When it is in two of them, or one can't be asked.
    pub(super) async fn of(&self, workspace: &str) -> Found<Option<Arc<Database>>> {
        if self.others.is_empty() {
            return Ok(Some(Arc::clone(&self.first)));
        }
        if let Some(found) = self.found.lock().unwrap_or_else(PoisonError::into_inner).get(workspace) {
            return Ok(Some(Arc::clone(found)));
        }
        let mut found: Option<&Arc<Database>> = None;
        for database in self.all() {
            let name = workspace.to_owned();
            let listed = database.ask(async move |client| Ok(rows::is_listed(&client, &name).await?)).await;
            if !listed.map_err(|failed| failed.told(database.place()))? {
                continue;
            }
            if let Some(other) = found.replace(database) {
                let place = |database: &Database| format!("{}, workspace {workspace}", database.place());
                return Err(LedgerError::Twice { place: place(other), other: place(database) });
            }
        }
        if let Some(database) = found {
            let mut known = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(workspace.to_owned(), Arc::clone(database));
        }
        Ok(found.cloned())
    }

    /// The same for who may block.
    pub(super) fn find(self: &Arc<Self>, workspace: &str) -> Found<Option<Arc<Database>>> {
        let (this, workspace) = (Arc::clone(self), workspace.to_owned());
        let found = blocking(async move { this.of(&workspace).await });
        found.unwrap_or_else(|failed| Err(failed.told(self.first.place())))
    }

    /// Notes what each database lists, and gives all names, each once. What is in two of them is asked for anew, so that it is told.
    pub(super) fn note(&self, lists: Vec<(&Arc<Database>, Vec<String>)>) -> BTreeSet<String> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = BTreeSet::new();
        for (database, names) in lists {
            for name in names {
                if !all.insert(name.clone()) {
                    found.remove(&name);
                } else if !self.others.is_empty() {
                    found.insert(name, Arc::clone(database));
                }
            }
        }
        all
    }
}

/// An address each, where several stand in one text; at least one. An address may have spaces in it.
fn addresses(urls: &str) -> (String, Vec<String>) {
    let (mut first, mut others) = (String::new(), Vec::<String>::new());
    for word in urls.split_whitespace() {
        let begins = ["postgresql://", "postgres://"].iter().any(|scheme| word.starts_with(scheme));
        match others.last_mut() {
            _ if first.is_empty() => word.clone_into(&mut first),
            _ if begins => others.push(word.to_owned()),
            Some(last) => last.extend([" ", word]),
            None => first.extend([" ", word]),
        }
    }
    (first, others)
}

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn addresses_are_told_apart() {
        let cases: [(&str, &[&str]); 5] = [
            ("", &[""]),
            ("postgresql://a/x", &["postgresql://a/x"]),
            (" postgresql://a/x\n  postgres://b,c/y ", &["postgresql://a/x", "postgres://b,c/y"]),
            ("host=a user=b", &["host=a user=b"]),
            ("postgresql://a:b c@d/x postgresql://e/y", &["postgresql://a:b c@d/x", "postgresql://e/y"]),
        ];
        for (text, wanted) in cases {
            let (first, others) = addresses(text);
            assert_eq!([vec![first], others].concat(), wanted, "{text}");
        }
    }
}
