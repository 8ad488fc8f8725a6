//! Putting a map in force: compare-and-set on its version.

use std::sync::Arc;

use super::sheet::Sheet;
use crate::domain::{
    code::Code,
    command::ApplyMap,
    deed::{Body, NewMap, Outcome},
    ids::Seq,
    map::difference,
};

/// Decides an apply. The model was parsed and linted at the door: a map with errors never gets here.
pub(super) fn decide(sheet: &mut Sheet<'_>, apply: &ApplyMap) -> Seq {
    let action = "apply map";
    let board = &sheet.base().board;
    if board.map_version != apply.if_version {
        let why = format!("made for map v{}, but v{} is in force", apply.if_version, board.map_version);
        return sheet.refuse(Body::MapRefused(()), action, Code::MapMoved, &why);
    }
    if board.workspace != apply.model.workspace {
        let why = format!("the map is of workspace {}, this is {}", apply.model.workspace, board.workspace);
        return sheet.refuse(Body::MapRefused(()), action, Code::MapBroken, &why);
    }
    let changes: Vec<String> =
        difference(board.map.model(), &apply.model).iter().map(ToString::to_string).collect();
    let new = NewMap {
        version: board.map_version.next(),
        model: Arc::clone(&apply.model),
        changes,
        unmet: Vec::new(),
        planned: false,
    };
    let words = match &apply.reason {
        Some(reason) => format!("map v{}: {reason}", new.version),
        None => format!("map v{}, {} changes", new.version, new.changes.len()),
    };
    let mut deed = sheet.draft(Body::MapApplied(Box::new(new)), action, Outcome::Recorded);
    deed.because(words);
    sheet.push(deed)
}
