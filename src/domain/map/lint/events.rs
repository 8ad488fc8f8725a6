//! Events: who listens, which routes are ever taken, and loops that agents and events would make.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::map::condition::{DUE, Happens, Occasion, Op};
use crate::domain::map::model::{Agent, FieldKind, Model, Route, text_matches};
use crate::domain::map::spelling::nearest;
use crate::domain::path::{FieldName, FieldPath, Pattern, overlap};

pub(super) fn check(model: &Model, issues: &mut Issues) {
    two_listeners(model, issues);
    unowned_events(model, issues);
    keys(model, issues);
    unreachable_routes(model, issues);
    sequences(model, issues);
    loops(model, issues);
}

/// A trigger's place: the agent's, and its place in the agent's `triggers`.
type Place = (usize, usize);

fn spot((agent, item): Place) -> Spot {
    Spot::entry(Section::Agent, agent).key("triggers").item(item)
}

/// Two agents that listen to the same event, and no route of it.
fn two_listeners(model: &Model, issues: &mut Issues) {
    let mut exact: HashMap<&str, Place> = HashMap::new();
    let mut globs: Vec<(&str, Place)> = Vec::new();
    let mut seen: Vec<(&str, Place)> = Vec::new();
    for (at, agent) in model.agents.iter().enumerate() {
        for (item, trigger) in agent.triggers.iter().enumerate() {
            let place = (at, item);
            let is_glob = trigger.contains('*');
            let same = exact.get(trigger.as_str()).map(|first| (trigger.clone(), *first));
            let near = if is_glob { &seen } else { &globs };
            let mut other = near.iter().filter(|(_, other)| other.0 != at);
            let meets = || other.find_map(|(name, other)| Some((shared_name(name, trigger)?, *other)));
            if let Some((event, first)) = same.filter(|(_, first)| first.0 != at).or_else(meets) {
                listened_twice(model, &event, first, place, issues);
            }
            seen.push((trigger, place));
            if is_glob {
                globs.push((trigger, place));
            } else {
                exact.entry(trigger).or_insert(place);
            }
            if issues.is_full(Lint::TwoListeners) {
                return;
            }
        }
    }
}

fn listened_twice(model: &Model, event: &str, first: Place, second: Place, issues: &mut Issues) {
    if model.routes.iter().any(|route| text_matches(&route.event, event)) {
        return;
    }
    let (Some(one), Some(other)) = (model.agents.get(first.0), model.agents.get(second.0)) else { return };
    let message = format!("`{}` and `{}` both listen to `{event}`, and no route decides", one.id, other.id);
    let mut issue = Issue::new(Lint::TwoListeners, spot(second), message);
    issue.example = Some(event.to_owned());
    issue.also.push((spot(first), format!("`{}` listens here", one.id)));
    issues.push(issue);
}

/// A name that both match: of two that have a `*`, their longer beginnings and ends with all that is between.
fn shared_name(a: &str, b: &str) -> Option<String> {
    let (Some((a_head, a_rest)), Some((b_head, b_rest))) = (a.split_once('*'), b.split_once('*')) else {
        let name = if a.contains('*') { b } else { a };
        return (text_matches(a, name) && text_matches(b, name)).then(|| name.to_owned());
    };
    let (a_middle, a_tail) = a_rest.rsplit_once('*').unwrap_or(("", a_rest));
    let (b_middle, b_tail) = b_rest.rsplit_once('*').unwrap_or(("", b_rest));
    let head = if a_head.len() > b_head.len() { a_head } else { b_head };
    let tail = if a_tail.len() > b_tail.len() { a_tail } else { b_tail };
    let name = format!("{head}{a_middle}{b_middle}{tail}").replace('*', "");
    (text_matches(a, &name) && text_matches(b, &name)).then_some(name)
}

/// A declared event that no agent listens to and no route leads anywhere.
fn unowned_events(model: &Model, issues: &mut Issues) {
    let listened: HashSet<&str> = triggers(model).collect();
    let globs: Vec<&str> = triggers(model).filter(|trigger| trigger.contains('*')).collect();
    for (at, event) in model.events.iter().enumerate() {
        let heard = listened.contains(event.name.as_str())
            || globs.iter().any(|glob| text_matches(glob, &event.name))
            || model.routes.iter().any(|route| text_matches(&route.event, &event.name));
        if heard {
            continue;
        }
        let message = format!("no agent listens to `{}`, and no route leads it to one", event.name);
        let mut issue = Issue::new(Lint::UnownedEvent, Spot::entry(Section::Event, at).key("name"), message);
        let near = nearest(&event.name, triggers(model));
        issue.mend = near.map(|near| format!("did you mean `{near}`, to which an agent listens?"));
        issues.push(issue);
    }
}

/// A key that what Deeds raises itself never has.
fn keys(model: &Model, issues: &mut Issues) {
    for (at, event) in model.events.iter().enumerate() {
        let Some(key) = event.key.as_deref() else { continue };
        let due = event.schedule.as_ref().filter(|_| key != DUE).map(|_| "on schedule it has only `due`");
        let change = event.on.as_ref().map(Occasion::attributes).filter(|has| !has.contains(&key));
        let change = change.map(|[one, two, three, four]| {
            format!("what happens gives it `{one}`, `{two}`, `{three}` and `{four}`")
        });
        if let Some(why) = due.map(str::to_owned).or(change) {
            let message = format!("`{}` never has a `{key}`: {why}", event.name);
            issues.push(Issue::new(Lint::KeyNeverThere, Spot::entry(Section::Event, at).key("key"), message));
        }
    }
}

fn triggers(model: &Model) -> impl Iterator<Item = &str> {
    model.agents.iter().flat_map(|agent| &agent.triggers).map(String::as_str)
}

/// A route that an earlier one always comes before, or of an event that nothing declares.
fn unreachable_routes(model: &Model, issues: &mut Issues) {
    let known = || model.events.iter().map(|event| event.name.as_str()).chain(triggers(model));
    for (at, route) in model.routes.iter().enumerate() {
        let spot = |at| Spot::entry(Section::Route, at);
        let earlier = model.routes.iter().take(at).position(|earlier| comes_before(earlier, route));
        if let Some(first) = earlier {
            let message =
                format!("this route of `{}` is never taken: an earlier one takes all of it", route.event);
            let mut issue = Issue::new(Lint::UnreachableRoute, spot(at).key("event"), message);
            issue.also.push((spot(first).key("event"), "this one comes first".to_owned()));
            issues.push(issue);
        } else if !known().any(|name| shared_name(&route.event, name).is_some()) {
            let message = format!("nothing declares the event `{}` of this route", route.event);
            let mut issue = Issue::new(Lint::UnreachableRoute, spot(at).key("event"), message);
            let near = nearest(&route.event, known());
            issue.mend = Some(near.map_or_else(
                || format!("add an [[event]] with `name = \"{}\"`, or remove the route", route.event),
                |near| format!("did you mean `{near}`?"),
            ));
            issues.push(issue);
        }
    }
}

/// Does the earlier route take every event that the later one would? Its event covers the other's, and each of its
/// conditions follows from one of the other's.
fn comes_before(earlier: &Route, later: &Route) -> bool {
    text_matches(&earlier.event, &later.event)
        && earlier.when.iter().all(|(name, wide)| {
            // A `*` of the narrow text can only be matched by one of the wide text, so this is containment; not where the wide
            // one takes one spelling and the narrow one each.
            let all = later.case || !earlier.case || wide.to_lowercase() == wide.to_uppercase();
            later.when.get(name).is_some_and(|narrow| all && earlier.is_met(wide, narrow))
        })
}

/// A sequence that comes to the same agent twice.
fn sequences(model: &Model, issues: &mut Issues) {
    for (at, route) in model.routes.iter().enumerate() {
        let mut way = vec![&route.agent];
        for (item, agent) in route.then.iter().enumerate() {
            let begin = way.iter().position(|before| *before == agent);
            way.push(agent);
            if let Some(begin) = begin {
                let shown: Vec<&str> = way.iter().skip(begin).map(|agent| agent.as_str()).collect();
                let message = format!("the sequence comes back to `{agent}`: {}", shown.join(" → "));
                let spot = Spot::entry(Section::Route, at).key("then").item(item);
                issues.push(Issue::new(Lint::CircularRoute, spot, message));
                break;
            }
        }
    }
}

/// One step of a loop: the event that comes next, and who raises it by writing what.
struct Edge<'a> {
    to: usize,
    agent: &'a Agent,
    writes: FieldPath,
}

/// Events that changes raise, whose agents write what raises the first one again: two agents that never let go.
fn loops(model: &Model, issues: &mut Issues) {
    let edges: Vec<Vec<Edge<'_>>> = (0..model.events.len()).map(|from| steps(model, from)).collect();
    let mut told: HashSet<BTreeSet<usize>> = HashSet::new();
    for at in 0..model.events.len() {
        let Some(way) = way_back(&edges, at) else { continue };
        let agents: HashSet<&str> = way.iter().map(|step| step.agent.id.as_str()).collect();
        let rare = way.iter().any(|step| {
            let on = model.events.get(step.to).and_then(|event| event.on.as_ref());
            on.is_some_and(|on| !on.comes_again())
        });
        // One agent that moves its own record through its states is no loop: it would have to write the same again.
        if (agents.len() < 2 && rare) || !told.insert(way.iter().map(|step| step.to).collect()) {
            continue;
        }
        let name = |at: usize| model.events.get(at).map_or("", |event| event.name.as_str());
        let mut shown = name(at).to_owned();
        for step in &way {
            shown = format!("{shown} → {} writes {} → {}", step.agent.id, step.writes, name(step.to));
        }
        let spot = Spot::entry(Section::Event, at).key("on");
        issues.push(Issue::new(
            Lint::CircularRoute,
            spot,
            format!("these wake each other for ever: {shown}"),
        ));
    }
}

/// The events that agents which answer this one may raise by writing.
fn steps(model: &Model, from: usize) -> Vec<Edge<'_>> {
    let Some(event) = model.events.get(from).filter(|event| event.on.is_some()) else { return Vec::new() };
    let mut found = Vec::new();
    for agent in answering(model, &event.name) {
        for (to, next) in model.events.iter().enumerate() {
            let Some(on) = &next.on else { continue };
            let on_what = raising(on);
            let reached = agent
                .writes
                .iter()
                .find_map(|grant| overlap(grant, &agent.taken_from(grant), &on_what, &[]).path());
            if let Some(writes) = reached.filter(|path| !only_forward(model, on, path)) {
                found.push(Edge { to, agent, writes });
            }
        }
    }
    found
}

/// Whoever writes what of this may raise it: who creates or deletes an entity writes it as a whole.
fn raising(on: &Occasion) -> Pattern {
    match on.when {
        Happens::Value(..) | Happens::Changed => on.pattern.clone(),
        Happens::Created | Happens::Deleted => on.pattern.with_field(&FieldName::whole()),
    }
}

/// A step of a progression is reached once: it does not come again.
fn only_forward(model: &Model, on: &Occasion, path: &FieldPath) -> bool {
    let rule = model.fields.iter().find(|rule| rule.path.matches_path(path));
    let becomes = matches!(on.when, Happens::Value(Op::Becomes, _));
    becomes && rule.is_some_and(|rule| matches!(rule.kind, FieldKind::Progression { .. }))
}

/// Everybody whom the event may wake: by a route, or as a listener where no route takes all of it.
fn answering<'a>(model: &'a Model, event: &str) -> Vec<&'a Agent> {
    let routes: Vec<&Route> = model.routes.iter().filter(|route| text_matches(&route.event, event)).collect();
    let mut agents: Vec<&Agent> = routes
        .iter()
        .flat_map(|route| std::iter::once(&route.agent).chain(&route.then))
        .filter_map(|id| model.agent(id))
        .collect();
    if !routes.iter().any(|route| route.when.is_empty()) {
        let listens = |agent: &&Agent| agent.triggers.iter().any(|trigger| text_matches(trigger, event));
        agents.extend(model.agents.iter().filter(listens));
    }
    agents
}

/// The shortest way from an event back to itself.
fn way_back<'s, 'a>(edges: &'s [Vec<Edge<'a>>], at: usize) -> Option<Vec<&'s Edge<'a>>> {
    let mut came: HashMap<usize, (usize, &Edge<'a>)> = HashMap::new();
    let mut waiting = VecDeque::from([at]);
    while let Some(from) = waiting.pop_front() {
        for step in edges.get(from).into_iter().flatten() {
            if came.contains_key(&step.to) {
                continue;
            }
            came.insert(step.to, (from, step));
            if step.to == at {
                let mut way = Vec::new();
                let mut end = at;
                while let Some((before, step)) = came.get(&end) {
                    way.push(*step);
                    end = *before;
                    if end == at {
                        break;
                    }
                }
                way.reverse();
                return Some(way);
            }
            waiting.push_back(step.to);
        }
    }
    None
}
