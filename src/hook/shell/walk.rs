//! The syntax tree in the order in which it would run: what is known where, and what redirections do.

use std::collections::BTreeMap;
use std::mem;
use std::rc::Rc;

use brush_parser::ast::{
    AndOr, AndOrList, ArithmeticCommand, Assignment, AssignmentName, AssignmentValue, CaseClauseCommand,
    Command, CommandPrefixOrSuffixItem, CompoundCommand, CompoundList, ForClauseCommand, FunctionBody,
    IfClauseCommand, IoFileRedirectKind, IoFileRedirectTarget, IoRedirect, Pipeline, Program,
    SeparatorOperator, SimpleCommand, UnexpandedArithmeticExpr,
};
use brush_parser::ast::{ExtendedTestExpr, SubshellCommand};

use super::words::Word;
use super::{Target, Touched, Unsure, Wish, read};

/// How deep texts may lie in texts: substitutions, `bash -c`, functions that call each other.
const MAX_DEPTH: usize = 12;
/// As many commands are looked at, each as often as it would run in another state.
const MAX_WORK: usize = 10_000;
/// Files that stand for something else.
const NO_FILES: [&str; 9] = [
    "/dev/null",
    "/dev/stdin",
    "/dev/stdout",
    "/dev/stderr",
    "/dev/tty",
    "/dev/zero",
    "/dev/full",
    "/dev/random",
    "/dev/urandom",
];

/// What is known at some place of the command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    /// The folder, relative to where the command began; none where it can't be told.
    pub(super) folder: Option<String>,
    /// The folder before the last change.
    pub(super) before: Option<String>,
    /// Folders put aside by `pushd`.
    pub(super) aside: Vec<Option<String>>,
    /// What variables hold that were assigned; none where it can't be told.
    pub(super) variables: BTreeMap<String, Option<Word>>,
    /// The words that a script or function was given, where they are known.
    pub(super) words: Option<Vec<Word>>,
    /// Names that were made for other files: the new one, then the old one.
    pub(super) links: Vec<(String, String)>,
    /// What comes on standard input.
    pub(super) fed: Fed,
}

/// What comes on a command's standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fed {
    /// What came to the whole.
    Nothing,
    /// This text.
    Text(Word),
    /// Something that can't be told.
    Something,
}

impl Default for State {
    fn default() -> Self {
        Self {
            folder: Some(String::new()),
            before: None,
            aside: Vec::new(),
            variables: BTreeMap::new(),
            words: None,
            links: Vec::new(),
            fed: Fed::Nothing,
        }
    }
}

impl State {
    /// The words that a variable stands for.
    pub(super) fn variable(&self, name: &str) -> Option<Vec<Word>> {
        let value = match (self.variables.get(name), name) {
            (Some(value), _) => value.clone()?,
            (None, "HOME") => Word::home(),
            (None, "PWD") => Word::literal(
                self.folder.as_deref().map(|folder| if folder.is_empty() { "." } else { folder })?,
            ),
            (None, _) => return None,
        };
        Some(vec![value])
    }

    /// A word that was given, counted from one.
    pub(super) fn positional(&self, number: u32) -> Option<Word> {
        self.words.as_ref()?.get(usize::try_from(number).ok()?.checked_sub(1)?).cloned()
    }

    /// Assigns; none where the value can't be told.
    pub(super) fn assign(&mut self, name: &str, value: Option<Word>) {
        self.variables.insert(name.to_owned(), value.filter(|value| !value.unknown));
    }

    /// Forgets variables that an expression may change.
    pub(super) fn reckon(&mut self, expression: &str) {
        if ["=", "++", "--"].iter().any(|mark| expression.contains(mark)) {
            for (_, value) in self.variables.iter_mut().filter(|(name, _)| expression.contains(name.as_str()))
            {
                *value = None;
            }
        }
    }

    /// Goes to a folder; where it can't be told, whatever needs to know it says so.
    pub(super) fn go(&mut self, folder: &Word) {
        let next = match (folder.known(), &self.folder) {
            (Some(path), _) if path.starts_with('/') || folder.is_at_home() => Some(joined("", folder)),
            (Some(_), Some(here)) => Some(joined(here, folder)),
            (Some(_) | None, _) => None,
        };
        self.before = mem::replace(&mut self.folder, next);
    }

    /// Forgets whatever another state, which came of this one or may be in its place, knows differently.
    fn forget(&mut self, other: &Self) {
        if self.folder != other.folder {
            self.folder = None;
        }
        if (&self.before, &self.aside) != (&other.before, &other.aside) {
            (self.before, self.aside) = (None, Vec::new());
        }
        if self.words != other.words {
            self.words = None;
        }
        for name in other.variables.keys().chain(&self.variables.keys().cloned().collect::<Vec<_>>()) {
            if self.variables.get(name) != other.variables.get(name) {
                self.variables.insert(name.clone(), None);
            }
        }
        self.links.extend(
            other.links.iter().filter(|link| !self.links.contains(link)).cloned().collect::<Vec<_>>(),
        );
    }
}

/// A function that was defined and where.
struct Function {
    body: Rc<FunctionBody>,
    source: Rc<str>,
    state: State,
    called: bool,
}

/// The walk through a command, and what it found.
#[derive(Default)]
pub(super) struct Walk {
    pub(super) found: Touched,
    functions: BTreeMap<String, Function>,
    /// Those whose names others took.
    replaced: Vec<Function>,
    /// The text whose tree is walked.
    source: Rc<str>,
    depth: usize,
    work: usize,
}

impl Walk {
    /// A whole command line.
    pub(super) fn whole(&mut self, text: &str) {
        self.run_text(&mut State::default(), text);
        // What was defined and not called may be called in a way that is not seen, with words that are not known.
        let defined =
            mem::take(&mut self.replaced).into_iter().chain(mem::take(&mut self.functions).into_values());
        for function in defined.filter(|function| !function.called) {
            let mut state = State { words: None, ..function.state };
            self.within(function.source, |walk| walk.body(&mut state, &function.body));
        }
    }

    /// A text that runs in that state and changes it.
    pub(super) fn run_text(&mut self, state: &mut State, text: &str) {
        match read::program(text) {
            Ok(program) => self.within(text.into(), |walk| walk.program(state, &program)),
            Err(why) => self.unread(why),
        }
    }

    /// A text that runs in a shell of its own.
    pub(super) fn nested(&mut self, state: &State, text: &str) {
        self.run_text(&mut state.clone(), text);
    }

    /// The same, of what was read already.
    pub(super) fn substituted(&mut self, state: &State, text: &str, program: &Program) {
        self.within(text.into(), |walk| walk.program(&mut state.clone(), program));
    }

    fn within(&mut self, source: Rc<str>, run: impl FnOnce(&mut Self)) {
        let outer = mem::replace(&mut self.source, source);
        self.deeper(run);
        self.source = outer;
    }

    pub(super) fn deeper(&mut self, run: impl FnOnce(&mut Self)) {
        if self.depth >= MAX_DEPTH {
            return self.unread("it is nested too deep");
        }
        self.depth += 1;
        run(self);
        self.depth -= 1;
    }

    /// Whether one more command may be looked at.
    pub(super) fn may_go_on(&mut self) -> bool {
        self.work += 1;
        if self.work == MAX_WORK {
            self.unread("it is too much");
        }
        self.work < MAX_WORK
    }

    pub(super) fn unread(&mut self, why: &str) {
        self.unsure(Wish::Change, format!("the shell command can't be read: {why}"));
    }

    pub(super) fn unsure(&mut self, wish: Wish, why: String) {
        self.found.unsure.insert(Unsure { wish, why });
    }

    fn program(&mut self, state: &mut State, program: &Program) {
        for list in &program.complete_commands {
            self.list(state, list);
        }
    }

    fn list(&mut self, state: &mut State, list: &CompoundList) {
        for item in &list.0 {
            match item.1 {
                SeparatorOperator::Sequence => self.and_or(state, &item.0),
                SeparatorOperator::Async => self.and_or(&mut state.clone(), &item.0),
            }
        }
    }

    /// What stands behind `||` runs where something before it failed, and mostly ends there: what is known after the rest stays known
    /// unless it changed that.
    fn and_or(&mut self, state: &mut State, list: &AndOrList) {
        let mut failed = state.clone();
        let mut next = list.additional.iter().peekable();
        self.entering(state, &list.first, next.peek().copied());
        while let Some(one) = next.next() {
            match one {
                AndOr::And(pipeline) => {
                    failed.forget(state);
                    self.entering(state, pipeline, next.peek().copied());
                }
                AndOr::Or(pipeline) => {
                    let mut other = failed.clone();
                    self.pipeline(&mut other, pipeline);
                    if other != failed {
                        state.forget(&other);
                    }
                    failed.forget(&other);
                }
            }
        }
    }

    /// A pipeline that may change the folder; where it fails to, only what follows behind `&&` does not run.
    fn entering(&mut self, state: &mut State, pipeline: &Pipeline, next: Option<&AndOr>) {
        let before = state.folder.clone();
        self.pipeline(state, pipeline);
        let ends = match next {
            Some(AndOr::And(_)) => true,
            Some(AndOr::Or(other)) => leaves(other),
            None => false,
        };
        if let Some(folder) = state
            .folder
            .as_ref()
            .filter(|folder| !ends && !folder.is_empty() && before.as_ref() != Some(*folder))
        {
            self.found.entered.insert(folder.clone());
        }
    }

    fn pipeline(&mut self, state: &mut State, pipeline: &Pipeline) {
        if let [command] = pipeline.seq.as_slice() {
            return self.command(state, command);
        }
        for (number, command) in pipeline.seq.iter().enumerate() {
            let mut state = state.clone();
            if number > 0 {
                state.fed = Fed::Something;
            }
            self.command(&mut state, command);
        }
    }

    fn command(&mut self, state: &mut State, command: &Command) {
        if !self.may_go_on() {
            return;
        }
        match command {
            Command::Simple(simple) => self.simple(state, simple),
            Command::Compound(compound, redirects) => {
                let outer = state.fed.clone();
                self.redirects(state, redirects.iter().flat_map(|list| &list.0));
                self.compound(state, compound);
                state.fed = outer;
            }
            Command::Function(function) => {
                let body = Rc::new(function.body.clone());
                let function_there =
                    Function { body, source: Rc::clone(&self.source), state: state.clone(), called: false };
                let replaced = self.functions.insert(function.fname.value.clone(), function_there);
                self.replaced.extend(replaced);
            }
            Command::ExtendedTest(test, redirects) => {
                self.test(state, &test.expr);
                self.redirects(state, redirects.iter().flat_map(|list| &list.0));
            }
        }
    }

    fn body(&mut self, state: &mut State, body: &FunctionBody) {
        let outer = state.fed.clone();
        self.redirects(state, body.1.iter().flat_map(|list| &list.0));
        self.compound(state, &body.0);
        state.fed = outer;
    }

    /// Runs a function, where there is one of that name.
    pub(super) fn call_function(&mut self, state: &mut State, name: &str, words: &[Word]) -> bool {
        let Some(function) = self.functions.get_mut(name) else { return false };
        function.called = true;
        let (body, source) = (Rc::clone(&function.body), Rc::clone(&function.source));
        let outer = state.words.replace(words.to_vec());
        self.within(source, |walk| walk.body(state, &body));
        state.words = outer;
        true
    }

    fn compound(&mut self, state: &mut State, compound: &CompoundCommand) {
        match compound {
            CompoundCommand::Arithmetic(arithmetic) => self.arithmetic(state, arithmetic),
            CompoundCommand::ArithmeticForClause(clause) => {
                for expression in
                    [&clause.initializer, &clause.condition, &clause.updater].into_iter().flatten()
                {
                    self.expression(state, expression);
                }
                self.repeat(state, |walk, state| walk.list(state, &clause.body.list));
            }
            CompoundCommand::BraceGroup(group) => self.list(state, &group.list),
            CompoundCommand::Subshell(SubshellCommand { list, .. }) => self.list(&mut state.clone(), list),
            CompoundCommand::ForClause(clause) => self.each(state, clause),
            CompoundCommand::CaseClause(clause) => self.case(state, clause),
            CompoundCommand::IfClause(clause) => self.choice(state, clause),
            CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
                self.repeat(state, |walk, state| {
                    walk.list(state, &clause.0);
                    walk.list(state, &clause.1.list);
                });
            }
            CompoundCommand::Coprocess(coprocess) => self.command(&mut state.clone(), &coprocess.body),
        }
    }

    /// The parser takes for arithmetic what is a group in a group unless both pairs of brackets stand close.
    fn arithmetic(&mut self, state: &mut State, arithmetic: &ArithmeticCommand) {
        let (start, end) = (arithmetic.loc.start.index, arithmetic.loc.end.index);
        let chars: Vec<char> = self.source.chars().skip(start).take(end.saturating_sub(start)).collect();
        match chars.as_slice() {
            ['(', '(', .., ')', ')'] => self.expression(state, &arithmetic.expr),
            ['(', inner @ .., ')'] => self.nested(state, &inner.iter().collect::<String>()),
            _ => self.unread("it has brackets that can't be told apart"),
        }
    }

    fn expression(&mut self, state: &mut State, expression: &UnexpandedArithmeticExpr) {
        self.substitutions(state, &expression.value);
        state.reckon(&expression.value);
    }

    /// What may run any number of times: in whatever state an earlier time left behind.
    fn repeat(&mut self, state: &mut State, mut run: impl FnMut(&mut Self, &mut State)) {
        loop {
            let mut after = state.clone();
            run(self, &mut after);
            let known = state.clone();
            state.forget(&after);
            if *state == known || self.work > MAX_WORK {
                return;
            }
        }
    }

    /// Over words that are written out one by one, else over any.
    fn each(&mut self, state: &mut State, clause: &ForClauseCommand) {
        let words = match &clause.values {
            Some(values) => Some(values.iter().flat_map(|value| self.fields(state, &value.value)).collect()),
            None => state.words.clone(),
        };
        let words: Vec<Word> = words.unwrap_or_else(|| vec![Word::unknown()]);
        let all_known = words.iter().all(|word| word.known().is_some());
        for word in words {
            let run = |walk: &mut Self, state: &mut State| {
                state.assign(&clause.variable_name, Some(word.clone()));
                walk.list(state, &clause.body.list);
            };
            if all_known {
                run(self, state);
            } else {
                self.repeat(state, run);
            }
        }
    }

    fn case(&mut self, state: &mut State, clause: &CaseClauseCommand) {
        self.text(state, &clause.value.value);
        // Each may be run after the one before it.
        let mut after = state.clone();
        for case in &clause.cases {
            for pattern in &case.patterns {
                self.text(state, &pattern.value);
            }
            let mut one = after.clone();
            one.forget(state);
            if let Some(list) = &case.cmd {
                self.list(&mut one, list);
            }
            after.forget(&one);
        }
        *state = after;
    }

    fn choice(&mut self, state: &mut State, clause: &IfClauseCommand) {
        self.list(state, &clause.condition);
        let mut after = state.clone();
        self.list(&mut after, &clause.then);
        let mut complete = false;
        for other in clause.elses.iter().flatten() {
            if let Some(condition) = &other.condition {
                self.list(state, condition);
            }
            complete = other.condition.is_none();
            let mut one = state.clone();
            self.list(&mut one, &other.body);
            after.forget(&one);
        }
        if !complete {
            after.forget(state);
        }
        *state = after;
    }

    fn test(&mut self, state: &State, test: &ExtendedTestExpr) {
        match test {
            ExtendedTestExpr::And(left, right) | ExtendedTestExpr::Or(left, right) => {
                self.test(state, left);
                self.test(state, right);
            }
            ExtendedTestExpr::Not(inner) | ExtendedTestExpr::Parenthesized(inner) => self.test(state, inner),
            ExtendedTestExpr::UnaryTest(_, word) => drop(self.text(state, &word.value)),
            ExtendedTestExpr::BinaryTest(_, left, right) => {
                self.text(state, &left.value);
                self.text(state, &right.value);
            }
        }
    }

    fn simple(&mut self, state: &mut State, command: &SimpleCommand) {
        let outer = state.fed.clone();
        let mut words = Vec::new();
        let mut assigned = Vec::new();
        let prefix = command.prefix.iter().flat_map(|prefix| &prefix.0);
        for item in prefix {
            match item {
                CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) => {
                    assigned.push(self.assigned(state, assignment));
                }
                CommandPrefixOrSuffixItem::IoRedirect(redirect) => self.redirects(state, [redirect]),
                CommandPrefixOrSuffixItem::Word(_) | CommandPrefixOrSuffixItem::ProcessSubstitution(..) => {}
            }
            // A variable may build on one that is assigned before it, if no command is named.
            if command.word_or_name.is_none() {
                for (name, value) in assigned.drain(..) {
                    state.assign(&name, value);
                }
            }
        }
        words.extend(command.word_or_name.iter().flat_map(|name| self.fields(state, &name.value)));
        for item in command.suffix.iter().flat_map(|suffix| &suffix.0) {
            match item {
                CommandPrefixOrSuffixItem::AssignmentWord(assignment, _) => {
                    let (name, value) = self.assigned(state, assignment);
                    let mut word = Word::literal(&format!("{name}="));
                    word.push(&value.unwrap_or_else(Word::unknown));
                    words.push(word);
                }
                CommandPrefixOrSuffixItem::Word(word) => words.extend(self.fields(state, &word.value)),
                CommandPrefixOrSuffixItem::IoRedirect(redirect) => self.redirects(state, [redirect]),
                CommandPrefixOrSuffixItem::ProcessSubstitution(_, shell) => {
                    self.list(&mut state.clone(), &shell.list);
                    // The shell gives it a name, of no file.
                    words.push(Word::literal("/dev/fd/63"));
                }
            }
        }
        // They hold for this command alone.
        let before: Vec<_> =
            assigned.iter().map(|(name, _)| (name.clone(), state.variables.get(name).cloned())).collect();
        for (name, value) in assigned {
            state.assign(&name, value);
        }
        self.run(state, &words);
        for (name, value) in before {
            match value {
                Some(value) => state.variables.insert(name, value),
                None => state.variables.remove(&name),
            };
        }
        state.fed = outer;
    }

    fn assigned(&mut self, state: &State, assignment: &Assignment) -> (String, Option<Word>) {
        let value = match &assignment.value {
            AssignmentValue::Scalar(word) => Some(self.text(state, &word.value)),
            AssignmentValue::Array(values) => {
                for (_, value) in values {
                    self.fields(state, &value.value);
                }
                None
            }
        };
        match &assignment.name {
            AssignmentName::VariableName(name) if assignment.append => {
                let before = state.variable(name).and_then(|values| values.into_iter().next());
                let value = before.zip(value).map(|(mut before, value)| {
                    before.push(&value);
                    before
                });
                (name.clone(), value)
            }
            AssignmentName::VariableName(name) => (name.clone(), value.map(Word::without_pattern)),
            AssignmentName::ArrayElementName(name, index) => {
                self.substitutions(state, index);
                (name.clone(), None)
            }
        }
    }

    fn redirects<'a>(&mut self, state: &mut State, redirects: impl IntoIterator<Item = &'a IoRedirect>) {
        for redirect in redirects {
            match redirect {
                IoRedirect::File(_, kind, target) => self.redirect(state, kind, target),
                IoRedirect::OutputAndError(word, _) => self.redirected(state, &word.value, &[Wish::Change]),
                IoRedirect::HereString(_, word) => state.fed = Fed::Text(self.text(state, &word.value)),
                IoRedirect::HereDocument(_, document) if document.requires_expansion => {
                    state.fed = Fed::Text(self.document(state, &document.doc.value));
                }
                IoRedirect::HereDocument(_, document) => {
                    state.fed = Fed::Text(Word::literal(&document.doc.value));
                }
            }
        }
    }

    fn redirect(&mut self, state: &mut State, kind: &IoFileRedirectKind, target: &IoFileRedirectTarget) {
        let wishes: &[Wish] = match kind {
            IoFileRedirectKind::Read | IoFileRedirectKind::DuplicateInput => {
                state.fed = Fed::Something;
                &[Wish::Look]
            }
            IoFileRedirectKind::ReadAndWrite => &[Wish::Look, Wish::Change],
            IoFileRedirectKind::Write
            | IoFileRedirectKind::Append
            | IoFileRedirectKind::Clobber
            | IoFileRedirectKind::DuplicateOutput => &[Wish::Change],
        };
        match target {
            IoFileRedirectTarget::Duplicate(word) if is_descriptor(&word.value) => {}
            IoFileRedirectTarget::Filename(word) | IoFileRedirectTarget::Duplicate(word) => {
                self.redirected(state, &word.value, wishes);
            }
            IoFileRedirectTarget::Fd(_) => {}
            IoFileRedirectTarget::ProcessSubstitution(_, shell) => self.list(&mut state.clone(), &shell.list),
        }
    }

    fn redirected(&mut self, state: &State, word: &str, wishes: &[Wish]) {
        for text in self.fields(state, word) {
            for wish in wishes {
                self.touch(state, "a redirection", &text, *wish, false);
            }
        }
    }

    /// Notes what is done to a file.
    pub(super) fn touch(&mut self, state: &State, by: &str, text: &Word, wish: Wish, whole_folder: bool) {
        self.touch_into(state, by, text, wish, whole_folder, None);
    }

    /// The same, or to that name in it, where it is a folder.
    pub(super) fn touch_into(
        &mut self,
        state: &State,
        by: &str,
        text: &Word,
        wish: Wish,
        whole_folder: bool,
        into: Option<&str>,
    ) {
        let folder = text.folder_of_pattern();
        let whole_folder = whole_folder || folder.is_some();
        if text.unknown {
            return self.unsure(wish, format!("{by} is given a file that is not written out in the command"));
        }
        let Some(path) = self.place(state, by, folder.as_ref().unwrap_or(text), wish) else { return };
        let links: Vec<String> =
            state.links.iter().filter_map(|(link, old)| behind_link(&path, link, old)).collect();
        for path in links.into_iter().chain([path]) {
            let into = into.map(str::to_owned);
            self.found.targets.insert(Target { path, wish, whole_folder, into });
        }
    }

    /// Where a known text leads; none where it is no file, or the folder is not known, which is said.
    pub(super) fn place(&mut self, state: &State, by: &str, text: &Word, wish: Wish) -> Option<String> {
        let path = text.text.as_str();
        if path.is_empty() || NO_FILES.contains(&path) || path.starts_with("/dev/fd/") {
            return None;
        }
        let Some(folder) = &state.folder else {
            if path.starts_with('/') || text.is_at_home() {
                return Some(trimmed(path));
            }
            self.unsure(wish, format!("the folder that {by} works in can't be told"));
            return None;
        };
        Some(joined(folder, text))
    }
}

/// A path as it is seen from a folder.
pub(super) fn joined(folder: &str, text: &Word) -> String {
    let path = text.text.as_str();
    if path.starts_with('/') || text.is_at_home() {
        return trimmed(path);
    }
    match (folder.trim_end_matches('/'), path) {
        ("", _) if folder.starts_with('/') => trimmed(&format!("/{path}")),
        ("", _) if path.starts_with('~') => trimmed(&format!("./{path}")),
        ("", _) => trimmed(path),
        (folder, "." | "") => folder.to_owned(),
        (folder, path) => trimmed(&format!("{folder}/{path}")),
    }
}

fn trimmed(path: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() { path.get(..1).unwrap_or_default().to_owned() } else { trimmed.to_owned() }
}

/// What a path is really called, if it leads through a link.
fn behind_link(path: &str, link: &str, old: &str) -> Option<String> {
    let rest = path.strip_prefix(link)?;
    (rest.is_empty() || rest.starts_with('/')).then(|| format!("{old}{rest}"))
}

fn is_descriptor(word: &str) -> bool {
    word == "-" || word.trim_end_matches('-').chars().all(|char| char.is_ascii_digit())
}

/// Whether nothing follows it.
fn leaves(pipeline: &Pipeline) -> bool {
    matches!(pipeline.seq.as_slice(), [Command::Simple(SimpleCommand { word_or_name: Some(name), .. })]
        if matches!(name.value.as_str(), "exit" | "return" | "break" | "continue"))
}
