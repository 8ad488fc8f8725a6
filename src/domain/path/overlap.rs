//! Do two patterns, less their exceptions, meet? Decided exactly, with the shortest path that both match.
//!
//! Each pattern is a small automaton over the text `/segment/segment#field`. The two patterns run side by side with
//! the exceptions of both (made deterministic as far as they are reached) and with what makes a path valid; the
//! search goes over character classes, shortest path first.

use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, BinaryHeap, HashMap, HashSet};

use super::entity::{MAX_ENTITY_BYTES, MAX_FIELD_BYTES};
use super::{EntityPath, FieldName, FieldPart, FieldPath, Glob, Pattern, Segment};

/// How many states one search may visit while it minds exceptions. Beyond it the exceptions are left out, so that the
/// answer errs towards "they meet": such a map is refused, never wrongly accepted. Two patterns alone stay below it.
pub const MAX_PRODUCT_STATES: usize = 1 << 18;

/// A path that both patterns match and that neither's exceptions take out; `None` if there is none.
///
/// Exact, unless more than [`MAX_PRODUCT_STATES`] states would be needed, which takes adversarial exceptions; then
/// the exceptions are left out and the example may be one of theirs.
pub fn overlap(a: &Pattern, a_except: &[Pattern], b: &Pattern, b_except: &[Pattern]) -> Option<FieldPath> {
    meet(a, b, a_except.iter().chain(b_except))
}

/// A path that the pattern matches and none of the exceptions does; `None` if they take everything out.
pub fn example_outside<'a>(
    pattern: &Pattern,
    except: impl IntoIterator<Item = &'a Pattern>,
) -> Option<FieldPath> {
    meet(pattern, &Pattern::everything(), except)
}

/// Do `grants` less `except` cover all of `pattern` less `less`?
pub fn covers(grants: &[Pattern], except: &[Pattern], pattern: &Pattern, less: &[Pattern]) -> bool {
    example_outside(pattern, grants.iter().chain(less)).is_none()
        && except.iter().all(|taken| overlap(pattern, less, taken, &[]).is_none())
}

fn meet<'a>(a: &Pattern, b: &Pattern, except: impl IntoIterator<Item = &'a Pattern>) -> Option<FieldPath> {
    if !heads_agree(a, b) {
        return None;
    }
    let except: Vec<&Pattern> =
        except.into_iter().filter(|taken| heads_agree(a, taken) && heads_agree(b, taken)).collect();
    let found = match search(a, b, &except, Order::Total) {
        Search::Bounded => search(a, b, &except, Order::FieldFirst),
        found @ (Search::Found(_) | Search::Nothing | Search::TooLarge) => found,
    };
    match found {
        Search::Found(path) => Some(path),
        Search::Nothing | Search::Bounded => None,
        Search::TooLarge => match search(a, b, &[], Order::Total) {
            Search::Found(path) => Some(path),
            Search::Nothing | Search::Bounded | Search::TooLarge => None,
        },
    }
}

/// A cheap look that settles most pairs: leading segments and literal fields that can't be the same.
fn heads_agree(a: &Pattern, b: &Pattern) -> bool {
    let fields = match (a.field_part(), b.field_part()) {
        (FieldPart::Literal(name), other) | (other, FieldPart::Literal(name)) => other.matches(name),
        (FieldPart::Whole, other) | (other, FieldPart::Whole) => other.matches(&FieldName::whole()),
        (
            FieldPart::All | FieldPart::Any | FieldPart::Glob(_),
            FieldPart::All | FieldPart::Any | FieldPart::Glob(_),
        ) => true,
    };
    fields && segments_agree(a.segments(), b.segments())
}

fn segments_agree(a: &[Segment], b: &[Segment]) -> bool {
    let mut pairs = a.iter().zip(b);
    let undecided = pairs.find_map(|(x, y)| match (x, y) {
        (Segment::Deep, _) | (_, Segment::Deep) => Some(true),
        (Segment::Literal(text), other) | (other, Segment::Literal(text)) => {
            (!other.matches(text)).then_some(false)
        }
        (Segment::Any | Segment::Glob(_), Segment::Any | Segment::Glob(_)) => None,
    });
    undecided.unwrap_or_else(|| {
        let longer = if a.len() > b.len() { a.get(b.len()..) } else { b.get(a.len()..) };
        longer.unwrap_or_default().iter().all(|segment| matches!(segment, Segment::Deep))
    })
}

/// One step of a pattern's automaton.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Exactly this character.
    Char(char),
    /// Any character of a segment or field.
    One,
    /// Any run of such characters, also none.
    Star,
    /// Before `**`: skipped, or `/` leads into it. The body follows.
    Deep,
    /// Inside `**`: anything up to `#`.
    DeepBody,
}

/// The steps of `/segment/segment#field`.
fn steps(pattern: &Pattern) -> Vec<Step> {
    let mut steps = Vec::with_capacity(pattern.as_str().len() + 2);
    for segment in pattern.segments() {
        if matches!(segment, Segment::Deep) {
            steps.extend([Step::Deep, Step::DeepBody]);
            continue;
        }
        steps.push(Step::Char('/'));
        match segment {
            Segment::Literal(text) => steps.extend(text.chars().map(Step::Char)),
            Segment::Any => steps.push(Step::Star),
            Segment::Glob(glob) => glob_steps(glob, &mut steps),
            Segment::Deep => {}
        }
    }
    steps.push(Step::Char('#'));
    match pattern.field_part() {
        FieldPart::All => steps.push(Step::Star),
        FieldPart::Whole => {}
        FieldPart::Any => steps.extend([Step::One, Step::Star]),
        FieldPart::Literal(name) => steps.extend(name.as_str().chars().map(Step::Char)),
        FieldPart::Glob(glob) => glob_steps(glob, &mut steps),
    }
    steps
}

fn glob_steps(glob: &Glob, steps: &mut Vec<Step>) {
    for (i, piece) in glob.pieces().enumerate() {
        if i > 0 {
            steps.push(Step::Star);
        }
        steps.extend(piece.chars().map(Step::Char));
    }
}

/// Where `at` can lead on `c`; calls `to` for each.
fn advance(steps: &[Step], at: usize, c: char, to: &mut impl FnMut(usize)) {
    let inner = c != '/' && c != '#';
    match steps.get(at) {
        None => {}
        Some(Step::Char(literal)) => {
            if *literal == c {
                to(at + 1);
            }
        }
        Some(Step::One) => {
            if inner {
                to(at + 1);
            }
        }
        Some(Step::Star) => {
            if inner {
                to(at);
            }
            advance(steps, at + 1, c, to);
        }
        Some(Step::Deep) => {
            if c == '/' {
                to(at + 1);
            }
            advance(steps, at + 2, c, to);
        }
        Some(Step::DeepBody) => {
            if c != '#' {
                to(at);
            }
            advance(steps, at + 1, c, to);
        }
    }
}

/// Only stars may be left over at the end.
fn accepts(steps: &[Step], at: usize) -> bool {
    steps.get(at..).is_some_and(|rest| rest.iter().all(|step| *step == Step::Star))
}

/// What of a path's shape has been seen; keeps the example a valid path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Shape {
    /// Nothing yet: a `/` must come.
    Start,
    /// Just after `/`.
    Empty,
    /// The segment is `.`.
    Dot,
    /// The segment is `..`.
    DotDot,
    /// The segment began with `{` and doesn't end with `}`.
    Brace,
    /// The segment began with `{` and ends with `}`.
    Braced,
    /// The segment is good, whatever follows.
    Good,
    /// In the field.
    Field,
}

impl Shape {
    fn next(self, c: char) -> Option<Self> {
        match (self, c) {
            (Self::Start | Self::Good | Self::Brace, '/') => Some(Self::Empty),
            (Self::Good | Self::Brace, '#') => Some(Self::Field),
            (Self::Start, _) | (_, '/' | '#') => None,
            (Self::Empty, '.') => Some(Self::Dot),
            (Self::Empty, '{') => Some(Self::Brace),
            (Self::Dot, '.') => Some(Self::DotDot),
            (Self::Brace | Self::Braced, '}') => Some(Self::Braced),
            (Self::Brace | Self::Braced, _) => Some(Self::Brace),
            (Self::Empty | Self::Dot | Self::DotDot | Self::Good, _) => Some(Self::Good),
            (Self::Field, _) => Some(Self::Field),
        }
    }
}

/// The exceptions, as one automaton made deterministic where the search goes.
struct Exceptions {
    steps: Vec<Vec<Step>>,
    sets: Vec<Vec<(u32, u32)>>,
    ids: HashMap<Vec<(u32, u32)>, u32>,
    moves: HashMap<(u32, char), u32>,
}

impl Exceptions {
    fn new(patterns: &[&Pattern]) -> Self {
        let steps: Vec<Vec<Step>> = patterns.iter().map(|pattern| steps(pattern)).collect();
        let start: Vec<(u32, u32)> = (0..).zip(&steps).map(|(i, _)| (i, 0)).collect();
        Self { steps, ids: HashMap::from([(start.clone(), 0)]), sets: vec![start], moves: HashMap::new() }
    }

    fn set(&self, id: u32) -> &[(u32, u32)] {
        self.sets.get(id as usize).map_or(&[], Vec::as_slice)
    }

    fn next(&mut self, id: u32, c: char) -> u32 {
        if let Some(known) = self.moves.get(&(id, c)) {
            return *known;
        }
        let mut reached = BTreeSet::new();
        for (pattern, at) in self.set(id) {
            if let Some(steps) = self.steps.get(*pattern as usize) {
                advance(steps, *at as usize, c, &mut |to| {
                    reached.insert((*pattern, u32::try_from(to).unwrap_or(u32::MAX)));
                });
            }
        }
        let set = self.prune(&reached);
        let fresh = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        let next = match self.ids.entry(set) {
            Entry::Occupied(entry) => *entry.get(),
            Entry::Vacant(entry) => {
                self.sets.push(entry.key().clone());
                *entry.insert(fresh)
            }
        };
        self.moves.insert((id, c), next);
        next
    }

    /// A star accepts all that an earlier step of the same segment would; a `**` all that any earlier step would.
    fn prune(&self, reached: &BTreeSet<(u32, u32)>) -> Vec<(u32, u32)> {
        let mut kept: Vec<(u32, u32)> = Vec::with_capacity(reached.len());
        for (pattern, at) in reached {
            let steps = self.steps.get(*pattern as usize).map_or(&[][..], Vec::as_slice);
            let barrier: &[Step] = match steps.get(*at as usize) {
                Some(Step::Star) => &[Step::Char('/'), Step::Char('#'), Step::Deep, Step::DeepBody],
                Some(Step::DeepBody) => &[Step::Char('#')],
                None | Some(Step::Char(_) | Step::One | Step::Deep) => {
                    kept.push((*pattern, *at));
                    continue;
                }
            };
            kept.retain(|(other, earlier)| {
                let between = steps.get(*earlier as usize..*at as usize).unwrap_or_default();
                other != pattern || between.iter().any(|step| barrier.contains(step))
            });
            kept.push((*pattern, *at));
        }
        kept
    }

    fn accepts(&self, id: u32) -> bool {
        let steps = |pattern: u32| self.steps.get(pattern as usize).map_or(&[][..], Vec::as_slice);
        self.set(id).iter().any(|(pattern, at)| accepts(steps(*pattern), *at as usize))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Shortest path first.
    Total,
    /// Shortest field first, then the shortest entity: never lets one bound hide what the other would allow.
    FieldFirst,
}

enum Search {
    Found(FieldPath),
    Nothing,
    /// Nothing found, but a field grew past its bound on the way.
    Bounded,
    TooLarge,
}

type Node = (usize, usize, u32, Shape);

/// One visited state: how it was reached.
#[derive(Clone, Copy)]
struct Visit {
    node: Node,
    from: usize,
    by: char,
    entity_bytes: usize,
    field_bytes: usize,
}

/// One search, cheapest state first.
struct Walk {
    a: Vec<Step>,
    b: Vec<Step>,
    exceptions: Exceptions,
    order: Order,
    visits: Vec<Visit>,
    seen: HashSet<Node>,
    waiting: BinaryHeap<Reverse<(usize, usize, usize)>>,
    field_too_long: bool,
}

fn search(a: &Pattern, b: &Pattern, except: &[&Pattern], order: Order) -> Search {
    let mut walk = Walk {
        a: steps(a),
        b: steps(b),
        exceptions: Exceptions::new(except),
        order,
        visits: Vec::new(),
        seen: HashSet::new(),
        waiting: BinaryHeap::new(),
        field_too_long: false,
    };
    let alphabet = alphabet(&walk.a, &walk.b, &walk.exceptions.steps);
    walk.push(Visit {
        node: (0, 0, 0, Shape::Start),
        from: usize::MAX,
        by: '/',
        entity_bytes: 0,
        field_bytes: 0,
    });
    while let Some(Reverse((_, _, index))) = walk.waiting.pop() {
        let Some(visit) = walk.visits.get(index).copied() else { continue };
        if !walk.seen.insert(visit.node) {
            continue;
        }
        if !except.is_empty() && walk.visits.len() > MAX_PRODUCT_STATES {
            return Search::TooLarge;
        }
        if walk.is_end(visit.node) {
            return spell(&walk.visits, index).map_or(Search::Nothing, Search::Found);
        }
        for c in &alphabet {
            walk.follow(visit, index, *c);
        }
    }
    if walk.field_too_long && order == Order::Total { Search::Bounded } else { Search::Nothing }
}

impl Walk {
    fn push(&mut self, visit: Visit) {
        let (first, then) = match self.order {
            Order::Total => (visit.entity_bytes + visit.field_bytes, 0),
            Order::FieldFirst => (visit.field_bytes, visit.entity_bytes),
        };
        self.waiting.push(Reverse((first, then, self.visits.len())));
        self.visits.push(visit);
    }

    fn is_end(&self, (at_a, at_b, taken, shape): Node) -> bool {
        shape == Shape::Field
            && accepts(&self.a, at_a)
            && accepts(&self.b, at_b)
            && !self.exceptions.accepts(taken)
    }

    fn follow(&mut self, visit: Visit, from: usize, c: char) {
        let (at_a, at_b, taken, before) = visit.node;
        let Some(shape) = before.next(c) else { return };
        let mut targets = Vec::new();
        advance(&self.a, at_a, c, &mut |to_a| {
            advance(&self.b, at_b, c, &mut |to_b| targets.push((to_a, to_b)))
        });
        if targets.is_empty() {
            return;
        }
        let (mut entity_bytes, mut field_bytes) = (visit.entity_bytes, visit.field_bytes);
        if before == Shape::Field {
            field_bytes += c.len_utf8();
        } else if before != Shape::Start && c != '#' {
            entity_bytes += c.len_utf8();
        }
        self.field_too_long |= field_bytes > MAX_FIELD_BYTES;
        if entity_bytes > MAX_ENTITY_BYTES || field_bytes > MAX_FIELD_BYTES {
            return;
        }
        let taken = self.exceptions.next(taken, c);
        for (to_a, to_b) in targets {
            let node = (to_a, to_b, taken, shape);
            if !self.seen.contains(&node) {
                self.push(Visit { node, from, by: c, entity_bytes, field_bytes });
            }
        }
    }
}

/// One character for every class that the patterns tell apart, the one that none of them names first.
fn alphabet(a: &[Step], b: &[Step], except: &[Vec<Step>]) -> Vec<char> {
    let named: BTreeSet<char> = a
        .iter()
        .chain(b)
        .chain(except.iter().flatten())
        .filter_map(|step| match step {
            Step::Char(c) => Some(*c),
            Step::One | Step::Star | Step::Deep | Step::DeepBody => None,
        })
        .chain(['/', '#'])
        .collect();
    let other = ('a'..='z')
        .chain('A'..='Z')
        .chain('0'..='9')
        .chain('\u{3b1}'..='\u{fff}')
        .find(|c| !named.contains(c) && c.is_alphanumeric());
    other.into_iter().chain(named.iter().copied()).collect()
}

fn spell(visits: &[Visit], last: usize) -> Option<FieldPath> {
    let mut text = Vec::new();
    let mut at = last;
    while let Some(visit) = visits.get(at).filter(|visit| visit.from != usize::MAX) {
        text.push(visit.by);
        at = visit.from;
    }
    let text: String = text.into_iter().rev().collect();
    let (entity, field) = text.strip_prefix('/')?.split_once('#')?;
    Some(FieldPath::new(entity.parse::<EntityPath>().ok()?, field.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    fn patterns(texts: &[&str]) -> Vec<Pattern> {
        texts.iter().map(|text| pattern(text)).collect()
    }

    fn example(a: &str, a_except: &[&str], b: &str, b_except: &[&str]) -> Option<String> {
        overlap(&pattern(a), &patterns(a_except), &pattern(b), &patterns(b_except))
            .map(|path| path.to_string())
    }

    #[test]
    fn patterns_meet_where_a_path_matches_both() {
        let cases: [(&str, &str, Option<&str>); 18] = [
            ("crm/contact/*#status", "crm/contact/*#status", Some("crm/contact/b#status")),
            ("crm/contact/*#status", "crm/contact/*#name", None),
            ("crm/contact/*#status", "crm/contact/*", Some("crm/contact/b#status")),
            ("crm/contact/*#status", "crm/contact/acme", Some("crm/contact/acme#status")),
            ("crm/lead/vip-*", "crm/lead/*-x", Some("crm/lead/vip-x")),
            ("crm/lead/a*", "crm/lead/b*", None),
            ("**", "a", Some("a")),
            ("a/**", "a/**/b", Some("a/b")),
            ("a/**", "a", Some("a")),
            ("a/*/**", "a", None),
            ("**/a", "b/**", Some("b/a")),
            ("a/*", "a/*/*", None),
            ("a#x*", "a#*y", Some("a#xy")),
            ("a#*", "a#", None),
            ("a#", "a", Some("a")),
            ("a/.*", "a/*.", Some("a/.b.")),
            ("a/{*", "a/*}", None),
            ("é*", "*é", Some("é")),
        ];
        for (a, b, expected) in cases {
            assert_eq!(example(a, &[], b, &[]).as_deref(), expected, "{a} and {b}");
            assert_eq!(example(b, &[], a, &[]).is_some(), expected.is_some(), "{b} and {a}");
        }
    }

    #[test]
    fn exceptions_are_taken_out_exactly() {
        assert_eq!(example("crm/lead/*", &["crm/lead/vip-*"], "crm/lead/vip-*", &[]), None);
        assert_eq!(example("crm/lead/*", &["crm/lead/vip-?*"], "crm/lead/v*", &[]).unwrap(), "crm/lead/v");
        assert_eq!(example("a/*", &["a/*#x", "a/*#"], "a/*#x*", &[]).unwrap(), "a/b#xb");
        assert_eq!(example("a/*", &["a/*#*", "a/*#"], "a/*", &[]), None);
        assert_eq!(example("**", &["*/**"], "**", &[]), None);
        assert_eq!(example("a/**", &["a"], "**", &["a/*"]).unwrap(), "a/b/b");
    }

    #[test]
    fn lengths_count() {
        let (long_x, long_y) = ("x".repeat(300), "y".repeat(300));
        assert_eq!(example(&format!("{long_x}*"), &[], &format!("*{long_y}"), &[]), None);
        assert!(example(&format!("{long_x}*"), &[], &format!("*{}", "y".repeat(212)), &[]).is_some());
        let (long_x, long_y) = ("x".repeat(100), "y".repeat(100));
        assert_eq!(example(&format!("a#{long_x}*"), &[], &format!("a#*{long_y}"), &[]), None);
    }

    #[test]
    fn covering_minds_both_sides_exceptions() {
        let all = |grants: &[&str], except: &[&str], wanted: &str, less: &[&str]| {
            covers(&patterns(grants), &patterns(except), &pattern(wanted), &patterns(less))
        };
        assert!(all(&["crm/**"], &[], "crm/contact/*#status", &[]));
        assert!(!all(&["crm/**"], &["crm/contact/vip"], "crm/contact/*#status", &[]));
        assert!(all(&["crm/**"], &["crm/contact/vip"], "crm/contact/*#status", &["crm/contact/vip"]));
        assert!(all(&["a/*#*", "a/*#"], &[], "a/*", &[]));
        assert!(!all(&["a/*#*"], &[], "a/*", &[]));
        assert!(!all(&[], &[], "a", &[]));
    }

    #[test]
    fn hostile_patterns_end() {
        let stars = |letter: &str| format!("{letter}*").repeat(250);
        assert!(example(&stars("a"), &[], &stars("b"), &[]).is_none());
        let far = format!("**/a*{}", "/*".repeat(24));
        let near = format!("**/b*{}", "/*".repeat(23));
        assert!(example("**", &[&far, &near], "**", &["*", "x/*"]).is_some());
    }

    /// Every valid path over a small alphabet.
    fn small_paths() -> Vec<FieldPath> {
        let mut segments = vec![];
        for x in ["a", "b", "."] {
            segments.push(x.to_owned());
            for y in ["a", "b", "."] {
                segments.push(format!("{x}{y}"));
            }
        }
        let mut entities = segments.clone();
        for x in &segments {
            entities.extend(segments.iter().map(|y| format!("{x}/{y}")));
        }
        entities.extend(["a/a/a", "a/b/a", "b/a/b", "a/a/b", "b/b/b", "a/b/a/b"].map(str::to_owned));
        let mut paths = vec![];
        for entity in entities.iter().filter_map(|entity| entity.parse::<EntityPath>().ok()) {
            for field in ["", "a", "b", "ab", "ba"] {
                paths.push(entity.field(field.parse().unwrap()));
            }
        }
        paths
    }

    fn a_pattern() -> impl Strategy<Value = Pattern> {
        let segment = prop_oneof![
            2 => "[ab.]{1,2}",
            1 => Just("*".to_owned()),
            1 => Just("**".to_owned()),
            2 => "[ab]?\\*[ab.]?",
            1 => "\\*[ab]\\*",
        ];
        let field = prop_oneof![
            3 => Just(String::new()),
            1 => Just("#".to_owned()),
            1 => Just("#*".to_owned()),
            1 => "#[ab]{1,2}",
            1 => "#[ab]?\\*[ab]",
        ];
        (prop::collection::vec(segment, 1..4), field).prop_filter_map("relative", |(segments, field)| {
            format!("{}{field}", segments.join("/")).parse().ok()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1500))]

        #[test]
        fn overlap_agrees_with_trying_every_path(
            a in a_pattern(),
            b in a_pattern(),
            a_except in prop::collection::vec(a_pattern(), 0..3),
            b_except in prop::collection::vec(a_pattern(), 0..2),
        ) {
            let both = |path: &FieldPath| {
                a.matches_path(path)
                    && b.matches_path(path)
                    && !a_except.iter().chain(&b_except).any(|taken| taken.matches_path(path))
            };
            let found = overlap(&a, &a_except, &b, &b_except);
            let tried = small_paths().into_iter().filter(both).min_by_key(|path| path.to_string().len());
            match (&found, &tried) {
                (Some(found), tried) => {
                    prop_assert!(both(found), "{found} does not match both");
                    prop_assert_eq!(&found.to_string().parse::<FieldPath>().unwrap(), found);
                    let size = |path: &FieldPath| path.entity.as_str().len() + path.field.as_str().len();
                    if let Some(tried) = tried {
                        prop_assert!(size(found) <= size(tried), "{found} is longer than {tried}");
                    }
                }
                (None, Some(tried)) => prop_assert!(false, "missed {tried}"),
                (None, None) => {}
            }
            prop_assert_eq!(overlap(&b, &b_except, &a, &a_except).is_some(), found.is_some());
        }

        #[test]
        fn covering_agrees_with_trying_every_path(
            grants in prop::collection::vec(a_pattern(), 0..3),
            except in prop::collection::vec(a_pattern(), 0..2),
            wanted in a_pattern(),
        ) {
            if covers(&grants, &except, &wanted, &[]) {
                for path in small_paths().iter().filter(|path| wanted.matches_path(path)) {
                    prop_assert!(grants.iter().any(|grant| grant.matches_path(path)), "{path} is not granted");
                    prop_assert!(!except.iter().any(|taken| taken.matches_path(path)), "{path} is taken out");
                }
            }
        }
    }
}
