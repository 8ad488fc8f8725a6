//! The versions of a field as the ledger tells them: what it is now, and what it was.

use std::sync::Arc;

use crate::domain::deed::Deed;
use crate::domain::ids::Version;
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldPath;
use crate::domain::time::Time;
use crate::domain::value::Value;

/// One version of a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Then {
    pub(super) version: Version,
    pub(super) value: Value,
    pub(super) by: String,
    pub(super) at: Time,
}

/// What is known of a field's versions.
#[derive(Debug, Default)]
pub(super) struct History {
    /// The field that was asked for.
    path: Option<FieldPath>,
    /// Its versions, the latest first; none before the answer.
    versions: Option<Result<Vec<Then>, String>>,
}

impl History {
    /// Whether this field was not asked for yet; it is from now on.
    pub(super) fn begin(&mut self, path: &FieldPath) -> bool {
        if self.path.as_ref() == Some(path) {
            return false;
        }
        (self.path, self.versions) = (Some(path.clone()), None);
        true
    }

    pub(super) fn found(&mut self, deeds: &[Arc<Deed>]) {
        let Some(path) = &self.path else { return };
        let mut versions: Vec<Then> = Vec::new();
        for deed in deeds.iter().filter(|deed| deed.outcome == Outcome::Committed) {
            for change in deed.fields.iter().filter(|change| change.name == path.field) {
                let entity = change.entity.as_ref().or(deed.subject.as_ref());
                let (true, Some(value)) = (entity == Some(&path.entity), &change.after) else { continue };
                let by = deed.actor.name().to_owned();
                versions.push(Then { version: change.version, value: value.clone(), by, at: deed.time });
            }
        }
        versions.sort_by_key(|then| std::cmp::Reverse(then.version));
        versions.dedup_by_key(|then| then.version);
        self.versions = Some(Ok(versions));
    }

    pub(super) fn failed(&mut self, why: String) {
        self.versions = Some(Err(why));
    }

    /// The versions, the latest first.
    ///
    /// # Errors
    /// Why they are not known.
    pub(super) fn all(&self) -> Result<&[Then], String> {
        match &self.versions {
            None => Err("its versions are being fetched".to_owned()),
            Some(Err(why)) => Err(format!("its versions are not known: {why}")),
            Some(Ok(versions)) => Ok(versions),
        }
    }

    pub(super) fn current(&self) -> Result<&Then, String> {
        self.all()?.first().ok_or_else(|| "the ledger has no write to this field".to_owned())
    }

    /// The version that a set starts from: 0 for a field never written.
    pub(super) fn start(&self) -> Result<Version, String> {
        Ok(self.all()?.first().map_or(Version(0), |then| then.version))
    }

    pub(super) fn value_of(&self, version: Version) -> Result<Value, String> {
        let then = self.all()?.iter().find(|then| then.version == version);
        let Some(then) = then else {
            return Err(format!("v{version} is not among the versions that are known; the log shows them"));
        };
        if then.value.is_withheld() {
            return Err(format!("the value of v{version} was withheld; set the field instead"));
        }
        Ok(then.value.clone())
    }
}
