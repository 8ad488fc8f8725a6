//! What people or agents let lie past its time.

use super::{Finding, raise, side};
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::Seq;
use crate::domain::path::FieldPath;
use crate::domain::things::{AlertKind, Item};

/// An item is past its deadline.
pub(in crate::domain::decide) fn overdue(sheet: &mut Sheet<'_>, item: &Item, cause: Seq) {
    let on = item.subject.clone().map(FieldPath::whole);
    let told = (Some(&*item.why), "waiting");
    let side = side(&item.raised_by, Some(item.deed), on.as_ref(), item.opened, told);
    let finding = Finding {
        kind: AlertKind::Overdue,
        same: format!("{}", item.no),
        on,
        title: format!("#{} in {} is past its deadline: {}", item.no, item.queue, item.title),
        sides: vec![side],
        first_cause: Some(item.deed),
        count: 1,
    };
    raise(sheet, finding, cause);
}
