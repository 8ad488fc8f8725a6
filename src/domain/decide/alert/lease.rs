//! Leases that ended by time, not by their holder.

use super::{Finding, raise, side};
use crate::domain::decide::sheet::Sheet;
use crate::domain::ids::{Actor, AlertNo, Seq};
use crate::domain::path::FieldPath;
use crate::domain::things::{AlertKind, Lease, LeaseTarget};

/// A lease ended by time: its holder may go on as if it still held it.
pub(in crate::domain::decide) fn lease_lapsed(
    sheet: &mut Sheet<'_>,
    lease: &Lease,
    lapsed: Seq,
) -> Option<AlertNo> {
    let on: Option<FieldPath> = match &lease.target {
        LeaseTarget::Path(path) => Some(path.clone()),
        LeaseTarget::Task(task) => {
            let task = sheet.state().board.tasks.get(task);
            task.and_then(|task| task.subject.clone()).map(FieldPath::whole)
        }
    };
    let why = format!("lease {} from {} to {}", lease.fence, lease.since, lease.until);
    let holder = Actor::Agent(lease.holder.clone());
    let told = (Some(&*why), "lapsed");
    let finding = Finding {
        kind: AlertKind::LeaseLapsed,
        same: format!("{}|{}", lease.target, lease.holder),
        title: format!("{} let its lease on {} lapse", lease.holder, lease.target),
        sides: vec![side(&holder, Some(lease.deed), on.as_ref(), lease.until, told)],
        on,
        first_cause: Some(lease.deed),
        count: 1,
    };
    raise(sheet, finding, lapsed)
}
