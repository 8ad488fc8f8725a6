//! The machine's clock is not believed.

use super::{Finding, raise};
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::Seq;
use crate::domain::things::AlertKind;

/// Says so, and what a person can do.
pub(in crate::domain::decide) fn clock(sheet: &mut Sheet<'_>, same: &str, words: &str, cause: Seq) {
    let finding = Finding {
        kind: AlertKind::Clock,
        same: same.to_owned(),
        on: None,
        title: words.to_owned(),
        sides: Vec::new(),
        first_cause: Some(cause),
        count: 1,
    };
    raise(sheet, finding, cause);
}
