//! What is known of the team as a whole: its stage, what must be there at it, what is missing for the next one, who relies
//! on whom.

use std::fmt::Write as _;

use ratatui::text::{Line, Span};

use super::lines::{Lines, Target};
use super::rows;
use crate::console::widgets::facts::Facts;
use crate::console::widgets::{Look, styled};
use crate::console::words;
use crate::console::world::World;
use crate::domain::readiness::{GateKind, STAGES, Team};

/// Cells of the labels.
const LABEL: usize = 12;
/// Who relies on whom: the most used ones.
const RELIANCES: usize = 8;
/// Cells that words below a line stand to the right.
const INDENT: usize = 2;
/// Lines of one need.
const LINES: usize = 3;

/// The lines of it in so many columns.
pub(super) fn lines(look: Look<'_>, room: usize, world: &World, team: &Team) -> Lines {
    let theme = look.theme;
    let mut lines = Lines::default();
    let mut facts = Facts::new(look, room, LABEL);
    let own = team.stage.row();
    facts.title(&format!("Stage {} of {}: {}", own.stage.number(), STAGES.len(), own.name));
    facts.gap();
    for row in STAGES {
        let here = row.stage == team.stage;
        let sign = if here {
            look.glyphs.into
        } else if row.stage < team.stage {
            look.glyphs.ok
        } else {
            " "
        };
        let style = if here { theme.accent } else { theme.muted };
        let text = format!("{sign} {} {:<10} {}", row.stage.number(), row.name, row.agents);
        facts.lines.push(styled(text, style));
    }
    facts.gap();
    map(&mut facts, look, world, team);
    lines.take(&mut facts, None);
    infrastructure(&mut lines, &mut facts, look, team);
    missing(&mut lines, &mut facts, look, team);
    relies(&mut lines, &mut facts, look, team);
    facts.heading("GATES of an agent");
    facts.note(&team.asked.to_string(), theme.muted);
    for kind in GateKind::ALL {
        facts.long(
            kind.as_str(),
            &format!("{}  {}", rows::letter(kind), kind.rule(team.asked)),
            LINES,
            theme.muted,
        );
    }
    let signs = format!(
        "{} holds  {} fails  {} too little evidence, which is not a pass",
        look.glyphs.ok, look.glyphs.refused, look.glyphs.unknown
    );
    facts.note(&signs, theme.muted);
    lines.take(&mut facts, None);
    lines
}

/// The map, and when people last went through it.
fn map(facts: &mut Facts<'_>, look: Look<'_>, world: &World, team: &Team) {
    let standing = &team.map;
    let mut text = format!("v{}", standing.version);
    for (mark, how) in [(&standing.applied, "applied"), (&standing.reviewed, "gone through")] {
        if let Some(mark) = mark {
            _ = write!(text, "; {how} by {} {}", mark.by, world.ago(mark.at));
        }
    }
    facts.say("map", &text);
    match standing.due {
        Some(due) if standing.overdue => {
            let words = format!(
                "{} to be gone through since {}",
                look.glyphs.attention,
                words::clock(world.zone, due, world.now)
            );
            facts.styled("", &words, look.theme.danger);
        }
        Some(due) => facts.styled(
            "",
            &format!("to be gone through by {}", words::clock(world.zone, due, world.now)),
            look.theme.muted,
        ),
        None => facts.styled("", "it does not say how often it is gone through", look.theme.muted),
    }
}

fn infrastructure(lines: &mut Lines, facts: &mut Facts<'_>, look: Look<'_>, team: &Team) {
    facts.heading("WHAT MUST BE THERE at this stage");
    lines.take(facts, None);
    for need in &team.infrastructure {
        let (sign, style) = rows::gate_sign(look, need.state);
        facts.note(&format!("{sign} {}  {}", need.state.as_str(), need.what), style);
        indented(facts, look, &need.words);
        lines.take(facts, Some(&Target::Map("agents".to_owned())));
    }
}

/// Words below a line, a little to the right.
fn indented(facts: &mut Facts<'_>, look: Look<'_>, text: &str) {
    let room = (facts.room()).saturating_sub(INDENT);
    for line in look.wrap(text, room, LINES, look.theme.muted) {
        let mut spans = vec![Span::raw(" ".repeat(INDENT))];
        spans.extend(line.spans);
        facts.lines.push(Line::from(spans));
    }
}

fn missing(lines: &mut Lines, facts: &mut Facts<'_>, look: Look<'_>, team: &Team) {
    let own = team.stage.row();
    facts.gap();
    facts.note(&format!("TO THE NEXT AGENT: {}", own.gate), look.theme.muted);
    lines.take(facts, None);
    if team.next.is_empty() {
        facts.note(&format!("{} nothing of it is missing", look.glyphs.ok), look.theme.success);
        lines.take(facts, None);
    }
    for missing in &team.next {
        let (sign, style) = rows::gate_sign(look, missing.state);
        // The words name the agent and the gate.
        facts.note(&format!("{sign} {}", missing.words), style);
        lines.take(facts, missing.agent.clone().map(Target::Agent).as_ref());
    }
}

fn relies(lines: &mut Lines, facts: &mut Facts<'_>, look: Look<'_>, team: &Team) {
    if team.dependencies.is_empty() {
        return;
    }
    facts.heading("WHO RELIES ON WHAT OTHERS WRITE");
    lines.take(facts, None);
    for dependency in team.dependencies.iter().take(RELIANCES) {
        let text = format!(
            "{} {} {}  {} {}{}",
            dependency.reader,
            look.glyphs.arrow,
            dependency.owner,
            dependency.example,
            look.glyphs.times,
            dependency.count
        );
        facts.note(&text, look.theme.base);
        lines.take(facts, Some(&Target::Deed(dependency.last)));
    }
    let more = team.dependencies.len().saturating_sub(RELIANCES);
    if more > 0 {
        facts.note(&format!("and {more} more; `deeds readiness --json` has all"), look.theme.muted);
        lines.take(facts, None);
    }
}
