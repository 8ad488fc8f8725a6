//! The call of a tool that waits in a case: which, by whom, and its arguments with what each of them is to the map.

use ratatui::text::Line;

use crate::console::widgets::Look;
use crate::console::widgets::facts::Facts;
use crate::console::words;
use crate::domain::map::Model;
use crate::domain::path::FieldName;
use crate::domain::rule::tool;
use crate::domain::things::Call;
use crate::domain::value::Value;

/// Lines of one argument that changes nothing.
const ASIDE_LINES: usize = 2;

/// Tells the call, as a person reads it. What it would change stands below, as of any write.
pub(super) fn told(facts: &mut Facts<'_>, model: &Model, call: &Call) {
    let (look, wide) = (facts.look, facts.wide());
    let does = call.does.map(|does| format!(", which does `{}`", does.as_str())).unwrap_or_default();
    let words = format!("{} by {}{does}", call.mark.name(), call.agent);
    facts.lined("CALL", look.wrap(&words, wide, ASIDE_LINES, look.theme.base));
    let row = tool::row(model, &call.mark.server, &call.mark.tool);
    let Some(json) = call.arguments.as_ref().map(Value::json) else { return };
    let named = json.as_object().into_iter().flatten();
    let lines = named.flat_map(|(name, json)| {
        let fields = row.map(|row| row.feeds(name)).unwrap_or_default();
        let value = Value::new(json).map_or_else(|_| json.to_string(), |value| words::value(&value));
        argument(look, (wide, facts.most), &format!("{name} = {value}"), &fields)
    });
    let lines: Vec<Line<'static>> = lines.take(facts.most).collect();
    facts.lined("WITH", lines);
}

/// One argument; what becomes a field of the record stands out, and says which.
fn argument(
    look: Look<'_>,
    (wide, most): (usize, usize),
    text: &str,
    fields: &[FieldName],
) -> Vec<Line<'static>> {
    if fields.is_empty() {
        return look.wrap(text, wide, ASIDE_LINES, look.theme.muted);
    }
    let names: Vec<String> = fields.iter().map(|name| format!("#{name}")).collect();
    let mut lines = look.wrap(text, wide, most, look.theme.base);
    lines.push(look.line(&format!("  changes {}", names.join(", ")), wide, look.theme.accent));
    lines
}
