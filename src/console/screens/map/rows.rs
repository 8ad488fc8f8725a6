//! The map as rows: resources with their fields, triggers, outputs, queues; and what each agent may do with each.
//!
//! Built once for each version of the map and of what waits, not while drawing.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::ids::{AgentId, QueueName};
use crate::domain::map::{Agent, Does, FieldKind, Grant, Model, Piece, ToolFields, ToolRow, pieces};
use crate::domain::path::{FieldPath, Pattern, Template, covers, overlap};
use crate::domain::rule::tool;
use crate::domain::state::Board;
use crate::domain::things::Case;

/// Rows at most; a map with more is read as a file.
const ROWS: usize = 5000;

/// One of the parts of the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Section {
    /// What nobody owns, where it was asked for on top.
    Unowned,
    Resources,
    Triggers,
    Outputs,
    Queues,
    Tools,
}

impl Section {
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Unowned => "NO OWNER",
            Self::Resources => "RESOURCES",
            Self::Triggers => "TRIGGERS",
            Self::Outputs => "OUTPUTS",
            Self::Queues => "QUEUES",
            Self::Tools => "TOOLS",
        }
    }
}

/// What a row is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum About {
    /// The heading of a part.
    Section(Section),
    /// A part of a path that several resources share.
    Folder,
    /// Entities, with or without rows for their fields.
    Entity(Pattern),
    /// A field of entities.
    Field(Pattern),
    Trigger(String),
    Output(String),
    Queue(QueueName),
    /// A tool behind a gateway; the map's row of that number, none where it is offered and the map does not name it.
    Tool(Option<usize>),
}

/// What an agent may do with what a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cell {
    Writes,
    /// It writes a part of it.
    WritesPart,
    Reads,
    /// It owns the trigger, publishes to the output, or escalates to the queue.
    Has,
    /// It comes after the owner.
    Follows,
    Nothing,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MapRow {
    /// Its name for the cursor and for what is closed.
    pub(super) key: String,
    pub(super) depth: usize,
    pub(super) label: String,
    pub(super) about: About,
    /// One for each agent of the map, in its order.
    pub(super) cells: Vec<Cell>,
    /// Who writes it, owns it, publishes to it.
    pub(super) owners: Vec<AgentId>,
    /// Several agents write it and its kind does not allow that.
    pub(super) contested: bool,
    /// Open alerts on it.
    pub(super) alerts: usize,
    /// Rows below it can be closed away.
    pub(super) opens: bool,
    /// It has rows for its fields, and the map speaks of these only.
    pub(super) fields_only: bool,
}

impl MapRow {
    /// Whether it is something that somebody must own and nobody does.
    pub(super) fn is_unowned(&self) -> bool {
        let owned_by_somebody = match &self.about {
            About::Field(_) | About::Trigger(_) | About::Output(_) => true,
            About::Entity(_) => !self.opens,
            About::Section(_) | About::Folder | About::Queue(_) | About::Tool(_) => false,
        };
        owned_by_somebody && self.owners.is_empty()
    }

    /// Whether somebody should look at it.
    pub(super) fn needs_attention(&self) -> bool {
        self.is_unowned() || self.contested || self.alerts > 0 || self.about == About::Tool(None)
    }

    /// The fields that it covers.
    pub(super) fn pattern(&self) -> Option<&Pattern> {
        match &self.about {
            About::Entity(pattern) | About::Field(pattern) => Some(pattern),
            About::Section(_)
            | About::Folder
            | About::Trigger(_)
            | About::Output(_)
            | About::Queue(_)
            | About::Tool(_) => None,
        }
    }
}

/// All rows; as a tree, resources are grouped by the parts of their paths. What nobody owns can be put on top.
pub(super) fn build(board: &Board, tree: bool, unowned_first: bool) -> Vec<MapRow> {
    let mut rows = in_parts(board, tree);
    if unowned_first {
        let (unowned, rest): (Vec<_>, Vec<_>) = rows.into_iter().partition(MapRow::is_unowned);
        rows = vec![heading(Section::Unowned, board.map.model())];
        rows.extend(unowned.into_iter().map(|row| MapRow {
            depth: 0,
            label: row.pattern().map_or(row.label.clone(), ToString::to_string),
            ..row
        }));
        rows.extend(rest);
    }
    rows.truncate(ROWS);
    rows
}

fn in_parts(board: &Board, tree: bool) -> Vec<MapRow> {
    let model = board.map.model();
    let mut rows = vec![heading(Section::Resources, model)];
    rows.extend(if tree { as_tree(board) } else { flat(board, &groups(board), 0) });
    for (section, part) in [
        (Section::Triggers, triggers(board)),
        (Section::Outputs, outputs(model)),
        (Section::Queues, queues(model)),
        (Section::Tools, tools(board)),
    ] {
        if !part.is_empty() {
            rows.push(heading(section, model));
            rows.extend(part);
        }
    }
    rows
}

fn blank(key: String, depth: usize, label: String, about: About) -> MapRow {
    let (cells, owners) = (Vec::new(), Vec::new());
    MapRow {
        key,
        depth,
        label,
        about,
        cells,
        owners,
        contested: false,
        alerts: 0,
        opens: false,
        fields_only: false,
    }
}

fn heading(section: Section, model: &Model) -> MapRow {
    let label = section.heading().to_owned();
    let mut row = blank(label.clone(), 0, label, About::Section(section));
    row.opens = true;
    row.cells = vec![Cell::Nothing; model.agents.len()];
    row
}

/// Entity patterns, each with its field patterns; `true` where the entities as a whole are spoken of.
type Groups = BTreeMap<String, (Pattern, bool, BTreeMap<String, Pattern>)>;

/// Every resource that the map or a waiting case speaks of.
fn groups(board: &Board) -> Groups {
    let model = board.map.model();
    let mut groups = Groups::new();
    let mut add = |pattern: Pattern| {
        let entry = groups
            .entry(pattern.entity_text().to_owned())
            .or_insert_with(|| (pattern.without_field(), false, BTreeMap::new()));
        match pattern.field_text() {
            None => entry.1 = true,
            Some(field) => _ = entry.2.insert(field.to_owned(), pattern),
        }
    };
    for agent in &model.agents {
        agent
            .writes
            .iter()
            .chain(&agent.except)
            .chain(agent.except_of.values().flatten())
            .cloned()
            .for_each(&mut add);
    }
    model.fields.iter().map(|rule| rule.path.clone()).for_each(&mut add);
    model
        .contradictions
        .iter()
        .flat_map(|rule| &rule.all)
        .map(|clause| clause.template.to_pattern())
        .for_each(&mut add);
    model.bases.iter().flat_map(|rule| &rule.needs).map(Template::to_pattern).for_each(&mut add);
    for item in board.items.values() {
        unowned(&item.case, item.suggestion.as_ref().map(|suggestion| &suggestion.grant))
            .into_iter()
            .for_each(&mut add);
    }
    groups
}

/// What a waiting case is about that nobody owns: the suggested pattern where it covers it, else the field itself.
fn unowned(case: &Case, suggestion: Option<&Grant>) -> Vec<Pattern> {
    let Case::UnownedField { write, .. } = case else { return Vec::new() };
    let paths = write.changes.keys().map(|name| FieldPath::new(write.entity.clone(), name.clone()));
    paths
        .map(|path| match suggestion {
            Some(Grant::Write(pattern)) if pattern.matches_path(&path) => pattern.clone(),
            Some(_) | None => Pattern::exact(&path),
        })
        .collect()
}

/// Groups one after the other, their fields below them.
fn flat(board: &Board, groups: &Groups, depth: usize) -> Vec<MapRow> {
    let mut rows = Vec::new();
    for (entity, (pattern, whole, fields)) in groups {
        group(board, &mut rows, depth, entity, (pattern, *whole, fields));
    }
    rows
}

fn group(
    board: &Board,
    rows: &mut Vec<MapRow>,
    depth: usize,
    label: &str,
    (pattern, whole, fields): (&Pattern, bool, &BTreeMap<String, Pattern>),
) {
    let mut row = blank(pattern.as_str().to_owned(), depth, label.to_owned(), About::Entity(pattern.clone()));
    fill(board, &mut row, pattern);
    row.opens = !fields.is_empty();
    row.fields_only = row.opens && !whole;
    // Fields say for themselves who owns them; two owners of different fields contest nothing.
    row.contested &= !row.fields_only;
    rows.push(row);
    for (name, pattern) in fields {
        let about = About::Field(pattern.clone());
        let mut row = blank(pattern.as_str().to_owned(), depth + 1, format!("#{name}"), about);
        fill(board, &mut row, pattern);
        rows.push(row);
    }
}

/// Who does what with the fields of a pattern.
fn fill(board: &Board, row: &mut MapRow, pattern: &Pattern) {
    let model = board.map.model();
    for agent in &model.agents {
        let cell = cell(agent, pattern);
        if matches!(cell, Cell::Writes | Cell::WritesPart) {
            row.owners.push(agent.id.clone());
        }
        row.cells.push(cell);
    }
    let kind = model.fields.iter().find(|rule| overlap(&rule.path, &[], pattern, &[]).may_be());
    let several = kind.is_some_and(|rule| rule.kind.takes_several_writers());
    let writers = row.cells.iter().filter(|cell| **cell == Cell::Writes).count();
    row.contested = writers > 1 && !several;
    let on = |path: &FieldPath| {
        if path.field.is_whole() { pattern.matches_entity(&path.entity) } else { pattern.matches_path(path) }
    };
    row.alerts = board.alerts.values().filter(|alert| alert.on.as_ref().is_some_and(on)).count();
}

/// What an agent may do with the fields of a pattern.
pub(super) fn cell(agent: &Agent, pattern: &Pattern) -> Cell {
    if agent.writes.iter().any(|grant| agent.may_write(grant, pattern)) {
        // What is taken out has a row of its own.
        let all = agent.writes_all(pattern, &agent.except);
        return if all { Cell::Writes } else { Cell::WritesPart };
    }
    let hidden = !agent.hidden.is_empty() && covers(&agent.hidden, &[], pattern, &[]);
    let reads = agent.reads.iter().any(|read| overlap(read, &agent.hidden, pattern, &[]).may_be());
    if reads && !hidden { Cell::Reads } else { Cell::Nothing }
}

/// Resources grouped by the parts of their paths; a part that only one resource goes through is not a row of its own.
fn as_tree(board: &Board) -> Vec<MapRow> {
    let groups = groups(board);
    let mut rows = Vec::new();
    branch(board, &mut rows, &groups, &groups.keys().map(String::as_str).collect::<Vec<_>>(), "", 0);
    rows
}

fn branch(
    board: &Board,
    rows: &mut Vec<MapRow>,
    groups: &Groups,
    names: &[&str],
    prefix: &str,
    depth: usize,
) {
    let mut parts: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in names {
        let rest = name.strip_prefix(prefix).unwrap_or(name);
        let part = rest.split_once('/').map_or(rest, |(part, _)| part);
        parts.entry(part).or_default().push(name);
    }
    for (part, names) in parts {
        let place = format!("{prefix}{part}");
        match names.as_slice() {
            [only] => {
                if let Some((pattern, whole, fields)) = groups.get(*only) {
                    let label = only.strip_prefix(prefix).unwrap_or(only);
                    group(board, rows, depth, label, (pattern, *whole, fields));
                }
            }
            several => {
                let mut folder = blank(format!("{place}/"), depth, format!("{part}/"), About::Folder);
                folder.opens = true;
                rows.push(folder);
                if let Some((pattern, whole, fields)) = groups.get(&place) {
                    group(board, rows, depth + 1, part, (pattern, *whole, fields));
                }
                let below: Vec<&str> = several.iter().copied().filter(|name| **name != place).collect();
                branch(board, rows, groups, &below, &format!("{place}/"), depth + 1);
            }
        }
    }
}

fn named(label: &str, about: About, kind: &str) -> MapRow {
    blank(format!("{kind} {label}"), 0, label.to_owned(), about)
}

fn triggers(board: &Board) -> Vec<MapRow> {
    let model = board.map.model();
    let mut names: BTreeSet<&str> = model.events.iter().map(|event| event.name.as_str()).collect();
    names.extend(model.agents.iter().flat_map(|agent| agent.triggers.iter().map(String::as_str)));
    names.extend(model.routes.iter().map(|route| route.event.as_str()));
    // An event that waits for a person is shown whether the map knows it or not.
    for item in board.items.values() {
        if let Case::UnownedEvent { raise } = &item.case {
            names.insert(&raise.event);
        }
    }
    let row = |name: &str| {
        let mut row = named(name, About::Trigger(name.to_owned()), "trigger");
        let routes: Vec<_> = model.routes.iter().filter(|route| route.event == name).collect();
        for agent in &model.agents {
            let listens = agent.triggers.iter().any(|trigger| trigger == name)
                || board.map.listeners(name).contains(&&agent.id);
            let answers = routes.iter().any(|route| route.agent == agent.id);
            let follows = routes.iter().any(|route| route.then.contains(&agent.id));
            if listens || answers {
                row.owners.push(agent.id.clone());
            }
            row.cells.push(match (listens || answers, follows) {
                (true, _) => Cell::Has,
                (false, true) => Cell::Follows,
                (false, false) => Cell::Nothing,
            });
        }
        row.contested = row.owners.len() > 1 && routes.is_empty();
        row
    };
    names.into_iter().map(row).collect()
}

fn outputs(model: &Model) -> Vec<MapRow> {
    let mut names: BTreeSet<&str> = model.outputs.iter().map(|output| output.name.as_str()).collect();
    names.extend(model.agents.iter().flat_map(|agent| agent.outputs.iter().map(String::as_str)));
    let row = |name: &str| {
        let mut row = named(name, About::Output(name.to_owned()), "output");
        for agent in &model.agents {
            let publishes = agent.outputs.iter().any(|output| output == name);
            if publishes {
                row.owners.push(agent.id.clone());
            }
            row.cells.push(if publishes { Cell::Has } else { Cell::Nothing });
        }
        let ordered = model.outputs.iter().any(|output| output.name == name && !output.order.is_empty());
        row.contested = row.owners.len() > 1 && !ordered;
        row
    };
    names.into_iter().map(row).collect()
}

fn queues(model: &Model) -> Vec<MapRow> {
    let row = |queue: &crate::domain::map::Queue| {
        let mut row = named(queue.name.as_str(), About::Queue(queue.name.clone()), "queue");
        for agent in &model.agents {
            let here = model.queue_of(&agent.id).is_some_and(|of| of.name == queue.name);
            row.cells.push(if here { Cell::Has } else { Cell::Nothing });
        }
        row
    };
    model.queues.iter().map(row).collect()
}

/// The map's tools in their order, since the first that names one counts; then those that are offered and that it does not name.
fn tools(board: &Board) -> Vec<MapRow> {
    let model = board.map.model();
    let of_map = model.tools.iter().enumerate().map(|(at, tool)| {
        let mut row = named(&format!("{}/{}", tool.server, tool.name), About::Tool(Some(at)), "tool");
        // Two rows may name the same tools.
        row.key = format!("tool {at}");
        for agent in &model.agents {
            let cell = tool_cell(agent, tool);
            if !matches!(cell, Cell::Nothing | Cell::Reads) {
                row.owners.push(agent.id.clone());
            }
            row.cells.push(cell);
        }
        row
    });
    let offered =
        board.offered.iter().flat_map(|(server, seen)| seen.tools.iter().map(move |tool| (server, tool)));
    let loose = offered.filter(|(server, offered)| tool::row(model, server, &offered.name).is_none());
    let loose = loose.map(|(server, offered)| {
        let mut row = named(&format!("{server}/{}", offered.name), About::Tool(None), "tool");
        row.cells = vec![Cell::Nothing; model.agents.len()];
        row
    });
    of_map.chain(loose).collect()
}

/// What calls of a tool an agent may make by itself.
fn tool_cell(agent: &Agent, tool: &ToolRow) -> Cell {
    let publishes = |output: &Option<String>| {
        output.as_ref().is_some_and(|output| agent.outputs.iter().any(|own| own == output))
    };
    let entity = |text: &Option<String>| about_cell(agent, text.as_deref().unwrap_or_default(), "");
    match tool.does {
        Does::Read if entity(&tool.entity) == Cell::Nothing => Cell::Nothing,
        Does::Read => Cell::Reads,
        Does::Write => match &tool.fields {
            Some(ToolFields::Named(fields)) => {
                let text = tool.entity.as_deref().unwrap_or_default();
                together(fields.keys().map(|field| about_cell(agent, text, &format!("#{field}"))))
            }
            Some(ToolFields::All(_)) | None => entity(&tool.entity),
        },
        Does::Publish if publishes(&tool.output) => Cell::Has,
        Does::Act if publishes(&tool.target) => Cell::Has,
        Does::Act => match entity(if tool.target.is_some() { &tool.target } else { &tool.entity }) {
            Cell::Writes | Cell::WritesPart => Cell::Has,
            Cell::Reads | Cell::Has | Cell::Follows | Cell::Nothing => Cell::Nothing,
        },
        Does::Publish | Does::Nothing => Cell::Nothing,
    }
}

/// What an agent may do with what a text with `{arguments}` in it comes to: one segment where an argument stands, or any
/// number of them.
fn about_cell(agent: &Agent, text: &str, field: &str) -> Cell {
    let cell = |any: &str| {
        let pieces = pieces(text).ok()?;
        let part = |piece| if let Piece::Text(text) = piece { text } else { any };
        let pattern: String = pieces.into_iter().map(part).chain([field]).collect();
        Some(cell(agent, &pattern.parse().ok()?))
    };
    match cell("*") {
        Some(Cell::Writes) => Cell::Writes,
        one => cell("**").or(one).unwrap_or(Cell::Nothing),
    }
}

/// Of several fields: all of them, a part, or none.
fn together(mut cells: impl Iterator<Item = Cell>) -> Cell {
    let Some(first) = cells.next() else { return Cell::Nothing };
    let writes = |cell| matches!(cell, Cell::Writes | Cell::WritesPart);
    cells.fold(first, |all, cell| match (all, cell) {
        (all, cell) if all == cell => all,
        (all, cell) if writes(all) || writes(cell) => Cell::WritesPart,
        _ => Cell::Nothing,
    })
}

/// The row that says most exactly who owns a path.
pub(super) fn row_of(rows: &[MapRow], path: &FieldPath) -> Option<usize> {
    let fits = |row: &MapRow| row.pattern().is_some_and(|pattern| pattern.matches_path(path));
    let found = rows.iter().enumerate().filter(|(_, row)| fits(row));
    found.max_by_key(|(_, row)| (matches!(row.about, About::Field(_)), row.key.len())).map(|(at, _)| at)
}

/// The kind of the fields that a pattern covers, with what belongs to it.
pub(super) fn kind_words(model: &Model, pattern: &Pattern, arrow: &str) -> String {
    let rule = model.fields.iter().find(|rule| overlap(&rule.path, &[], pattern, &[]).may_be());
    let join = |parts: Vec<String>| parts.join(&format!(" {arrow} "));
    match rule.map(|rule| &rule.kind) {
        None | Some(FieldKind::Owned) => "owned: one writer".to_owned(),
        Some(FieldKind::Append) => "append: any granted agent adds, nothing is overwritten".to_owned(),
        Some(FieldKind::Progression { order }) => {
            format!("progression: {}", join(order.iter().map(ToString::to_string).collect()))
        }
        Some(FieldKind::Sequenced { agents }) => {
            let order = join(agents.iter().map(ToString::to_string).collect());
            format!("sequenced: {order}")
        }
        Some(FieldKind::Constant) => "constant: only people change it".to_owned(),
    }
}
