//! Words, expanded as far as the text itself tells what they become.

use std::iter::Peekable;
use std::str::Chars;

use brush_parser::word::{
    BraceExpressionMember, BraceExpressionOrText, Parameter, ParameterExpr, SpecialParameter, TildeExpr,
    WordPiece, WordPieceWithSource,
};

use super::read;
use super::walk::{State, Walk};

/// As many words at most come of one.
const MAX_WORDS: usize = 64;

/// What a word becomes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// Its characters, as far as they are known.
    pub(super) text: String,
    /// Where a home begins, written as `~`.
    home: Option<usize>,
    /// Where names are put in for a pattern.
    pattern: Option<usize>,
    /// Whether some of it is only known when the command runs.
    pub(super) unknown: bool,
}

impl Word {
    pub(super) fn literal(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    pub(super) fn unknown() -> Self {
        Self { unknown: true, ..Self::default() }
    }

    pub(super) fn home() -> Self {
        Self { home: Some(0), ..Self::literal("~") }
    }

    /// As a value: patterns in it mean nothing yet.
    pub(super) fn without_pattern(self) -> Self {
        Self { pattern: None, ..self }
    }

    /// Everything below a folder.
    pub(super) fn below(folder: &Self) -> Self {
        let mut below = folder.clone();
        below.push_quoted("/");
        below.pattern = below.pattern.or(Some(below.text.len()));
        below.push_quoted("*");
        below
    }

    /// Its characters, where all of them are known.
    pub(super) fn known(&self) -> Option<&str> {
        (!self.unknown && self.pattern.is_none()).then_some(self.text.as_str())
    }

    /// Whether it begins at a home.
    pub(super) fn is_at_home(&self) -> bool {
        self.home == Some(0)
    }

    /// The folder in which names are put in for a pattern, where there is one.
    pub(super) fn folder_of_pattern(&self) -> Option<Self> {
        let fixed = self.upto(self.pattern?);
        Some(match fixed.text.rfind('/') {
            Some(at) => fixed.upto(at.max(1)),
            None => Self::literal("."),
        })
    }

    /// What follows that many bytes.
    pub(super) fn behind(&self, bytes: usize) -> Self {
        let later = |at: Option<usize>| at.and_then(|at| at.checked_sub(bytes));
        Self {
            text: self.text.get(bytes..).unwrap_or_default().to_owned(),
            home: later(self.home),
            pattern: later(self.pattern),
            unknown: self.unknown,
        }
    }

    /// Its first bytes.
    pub(super) fn upto(&self, bytes: usize) -> Self {
        let within = |at: Option<usize>| at.filter(|at| *at < bytes);
        let text = self.text.get(..bytes).unwrap_or_default().to_owned();
        Self { text, home: within(self.home), pattern: within(self.pattern), unknown: false }
    }

    /// The two sides of the first such character.
    pub(super) fn split_once(&self, at: char) -> Option<(Self, Self)> {
        let before = self.text.find(at)?;
        Some((self.upto(before), self.behind(before + at.len_utf8())))
    }

    pub(super) fn push_quoted(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn push_unquoted(&mut self, text: &str) {
        // A bracket that nothing closes is a character, as in the name of `[`.
        let set = text.find('[').filter(|at| text.get(*at..).is_some_and(|set| set.contains(']')));
        if self.pattern.is_none() {
            self.pattern = text.find(['*', '?']).into_iter().chain(set).min().map(|at| at + self.text.len());
        }
        self.text.push_str(text);
    }

    pub(super) fn push(&mut self, other: &Self) {
        let length = self.text.len();
        self.home = self.home.or(other.home.map(|at| at + length));
        self.pattern = self.pattern.or(other.pattern.map(|at| at + length));
        self.unknown |= other.unknown;
        self.text.push_str(&other.text);
    }
}

/// The words that one becomes, while it is read.
#[derive(Default)]
struct Fields {
    done: Vec<Word>,
    now: Option<Word>,
    /// Whether blanks in what a variable holds end a word.
    splits: bool,
}

impl Fields {
    fn now(&mut self) -> &mut Word {
        self.now.get_or_insert_default()
    }

    fn next(&mut self) {
        self.done.extend(self.now.take());
    }

    fn unknown(&mut self) {
        self.now().unknown = true;
    }

    /// What a variable holds.
    fn value(&mut self, value: &Word, quoted: bool) {
        if quoted || !self.splits || value.unknown || value.pattern.is_some() {
            self.now().push(value);
            return;
        }
        let home = value.is_at_home();
        let mut parts = value.text.split([' ', '\t', '\n']);
        let first = parts.next().unwrap_or_default();
        if !first.is_empty() {
            let now = self.now();
            now.home = now.home.or(home.then_some(now.text.len()));
            now.push_unquoted(first);
        }
        for part in parts {
            self.next();
            if !part.is_empty() {
                self.now().push_unquoted(part);
            }
        }
    }

    /// What several words are.
    fn values(&mut self, values: &[Word], quoted: bool) {
        for (number, value) in values.iter().enumerate() {
            if number > 0 {
                self.next();
            }
            self.value(value, quoted);
        }
    }

    fn end(mut self) -> Vec<Word> {
        self.next();
        self.done
    }
}

impl Walk {
    /// The words that one becomes among the words of a command.
    pub(super) fn fields(&mut self, state: &State, word: &str) -> Vec<Word> {
        let mut all = Vec::new();
        match read::braces(word)
            .map(|pieces| pieces.map_or_else(|| Some(vec![word.to_owned()]), |pieces| spread(&pieces)))
        {
            Ok(Some(words)) => {
                for word in words {
                    let mut fields = Fields { splits: true, ..Fields::default() };
                    self.pieces_of(state, &word, &mut fields);
                    all.extend(fields.end());
                }
            }
            Ok(None) | Err(_) => all.push(Word::unknown()),
        }
        if all.len() > MAX_WORDS {
            all.truncate(MAX_WORDS);
            all.push(Word::unknown());
        }
        all
    }

    /// What a word becomes where it stays one: a value, a here-string.
    pub(super) fn text(&mut self, state: &State, word: &str) -> Word {
        let mut fields = Fields::default();
        self.pieces_of(state, word, &mut fields);
        let mut texts = fields.end().into_iter();
        let mut whole = texts.next().unwrap_or_default();
        // `"$@"` as a value.
        for text in texts {
            whole.push_quoted(" ");
            whole.push(&text);
        }
        whole
    }

    fn pieces_of(&mut self, state: &State, word: &str, fields: &mut Fields) {
        if let Some(before) = self.one_substitution(state, word) {
            fields.now().push_quoted(before);
            return fields.unknown();
        }
        match read::word(word) {
            Ok(pieces) => self.pieces(state, word, &pieces, false, fields),
            Err(why) => {
                self.unread(why);
                fields.unknown();
            }
        }
    }

    /// The text of a here-document, in which quotes mean nothing.
    pub(super) fn document(&mut self, state: &State, text: &str) -> Word {
        let mut fields = Fields::default();
        match read::document(text) {
            Ok(pieces) => self.pieces(state, text, &pieces, true, &mut fields),
            Err(why) => {
                self.unread(why);
                fields.unknown();
            }
        }
        fields.now.unwrap_or_default()
    }

    /// What stands in front of the one substitution that a word ends with, as in `--text="$(cat a)"`. It is taken whole: the parser of
    /// words ends one at the first bracket of a here-document.
    fn one_substitution<'a>(&mut self, state: &State, word: &'a str) -> Option<&'a str> {
        let is_plain = |char: char| char.is_ascii_alphanumeric() || matches!(char, '-' | '_' | '=');
        let bare = word.trim_start_matches(is_plain);
        let before = word.strip_suffix(bare)?;
        let inner = bare.strip_prefix('"').and_then(|bare| bare.strip_suffix('"')).unwrap_or(bare);
        let inner = inner.strip_prefix("$(")?.strip_suffix(')').filter(|inner| !inner.starts_with('('))?;
        let program = read::program(inner).ok()?;
        self.substituted(state, inner, &program);
        Some(before)
    }

    fn pieces(
        &mut self,
        state: &State,
        word: &str,
        pieces: &[WordPieceWithSource],
        quoted: bool,
        fields: &mut Fields,
    ) {
        for piece in pieces {
            match &piece.piece {
                WordPiece::Text(text) if quoted => fields.now().push_quoted(text),
                WordPiece::Text(text) => fields.now().push_unquoted(text),
                WordPiece::SingleQuotedText(text) => fields.now().push_quoted(text),
                WordPiece::AnsiCQuotedText(text) => match unescaped(text) {
                    Some(text) => fields.now().push_quoted(&text),
                    None => fields.unknown(),
                },
                WordPiece::DoubleQuotedSequence(inner) | WordPiece::GettextDoubleQuotedSequence(inner) => {
                    // No words at all are no word, even in quotes.
                    if !is_all_words(inner) {
                        fields.now();
                    }
                    self.pieces(state, word, inner, true, fields);
                }
                WordPiece::TildeExpansion(tilde) => home(state, tilde, fields),
                WordPiece::ParameterExpansion(parameter) => {
                    let source = word.get(piece.start_index..piece.end_index).unwrap_or_default();
                    // In double quotes bash takes a quote here for a character, and the parser does not.
                    if quoted && source.contains('\'') {
                        self.unread("it has a quote in an expansion, which shells read differently");
                    }
                    self.parameter(state, source, parameter, quoted, fields);
                }
                WordPiece::CommandSubstitution(text) => {
                    self.nested(state, text);
                    fields.unknown();
                }
                WordPiece::BackquotedCommandSubstitution(text) => {
                    self.nested(state, &from_backquotes(text, quoted));
                    fields.unknown();
                }
                WordPiece::EscapeSequence(text) => {
                    fields.now().push_quoted(text.strip_prefix('\\').unwrap_or(text));
                }
                WordPiece::ArithmeticExpression(expression) => {
                    self.substitutions(state, &expression.value);
                    fields.unknown();
                }
            }
        }
    }

    fn parameter(
        &mut self,
        state: &State,
        source: &str,
        parameter: &ParameterExpr,
        quoted: bool,
        fields: &mut Fields,
    ) {
        if let ParameterExpr::Parameter { parameter, indirect: false } = parameter {
            let value = match parameter {
                Parameter::Named(name) => state.variable(name),
                Parameter::Positional(number) => state.positional(*number).map(|word| vec![word]),
                Parameter::Special(SpecialParameter::AllPositionalParameters { .. }) => state.words.clone(),
                Parameter::Special(_)
                | Parameter::NamedWithIndex { .. }
                | Parameter::NamedWithAllIndices { .. } => None,
            };
            if let Some(values) = value {
                return fields.values(&values, quoted);
            }
        }
        if let Some(inner) = source.strip_prefix("${").and_then(|source| source.strip_suffix('}')) {
            self.substitutions(state, inner);
        }
        fields.unknown();
    }

    /// What is run by the substitutions within an expansion, whose own form does not matter.
    pub(super) fn substitutions(&mut self, state: &State, text: &str) {
        if text.contains(['$', '`']) {
            self.deeper(|walk| {
                walk.document(state, text);
            });
        }
    }
}

/// Whether what is quoted is all the words that a command was given.
fn is_all_words(pieces: &[WordPieceWithSource]) -> bool {
    matches!(pieces, [piece] if matches!(
        &piece.piece,
        WordPiece::ParameterExpansion(ParameterExpr::Parameter {
            parameter: Parameter::Special(SpecialParameter::AllPositionalParameters { concatenate: false }),
            indirect: false,
        })
    ))
}

fn home(state: &State, tilde: &TildeExpr, fields: &mut Fields) {
    let now = fields.now();
    match tilde {
        TildeExpr::Home => {
            let home = state.variable("HOME").and_then(|words| words.into_iter().next());
            now.push(&home.unwrap_or_else(Word::unknown));
        }
        TildeExpr::UserHome(name) => now.push(&Word { text: format!("~{name}"), ..Word::home() }),
        TildeExpr::WorkingDir => now.push_quoted("."),
        TildeExpr::OldWorkingDir
        | TildeExpr::NthDirFromTopOfDirStack { .. }
        | TildeExpr::NthDirFromBottomOfDirStack { .. } => fields.unknown(),
    }
}

/// The words that lists in braces make, in bash's order; none where there are too many.
fn spread(pieces: &[BraceExpressionOrText]) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    for piece in pieces {
        let ends = match piece {
            BraceExpressionOrText::Text(text) => vec![text.clone()],
            BraceExpressionOrText::Expr(members) => {
                let members: Option<Vec<_>> = members.iter().map(member).collect();
                members?.concat()
            }
        };
        if words.len() * ends.len() > MAX_WORDS {
            return None;
        }
        words = words.iter().flat_map(|word| ends.iter().map(move |end| format!("{word}{end}"))).collect();
    }
    Some(words)
}

fn member(member: &BraceExpressionMember) -> Option<Vec<String>> {
    match member {
        BraceExpressionMember::Child(pieces) => spread(pieces),
        BraceExpressionMember::NumberSequence { start, end, increment } => {
            let numbers = sequence(*start, *end, *increment)?;
            Some(numbers.iter().map(ToString::to_string).collect())
        }
        BraceExpressionMember::CharSequence { start, end, increment } => {
            let letters = sequence(i64::from(u32::from(*start)), i64::from(u32::from(*end)), *increment)?;
            letters
                .iter()
                .map(|letter| u32::try_from(*letter).ok().and_then(char::from_u32).map(String::from))
                .collect()
        }
    }
}

fn sequence(start: i64, end: i64, step: i64) -> Option<Vec<i64>> {
    let step = usize::try_from(step.unsigned_abs()).ok()?.max(1);
    let (low, high) = (start.min(end), start.max(end));
    if high.checked_sub(low)? > 1000 {
        return None;
    }
    Some(if start <= end {
        (low..=high).step_by(step).collect()
    } else {
        (low..=high).rev().step_by(step).collect()
    })
}

/// The command between backquotes, in which a backslash hides what it would in double quotes.
fn from_backquotes(text: &str, quoted: bool) -> String {
    let mut command = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let hides = |next: &char| matches!(next, '$' | '`' | '\\') || (quoted && *next == '"');
        match chars.next_if(|next| char == '\\' && hides(next)) {
            Some(hidden) => command.push(hidden),
            None => command.push(char),
        }
    }
    command
}

/// What stands between `$'` and `'`; none where it is no text.
fn unescaped(text: &str) -> Option<String> {
    let mut read = String::new();
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '\\' {
            read.push(char);
            continue;
        }
        let one = match chars.next()? {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\x07',
            'b' => '\x08',
            'e' | 'E' => '\x1b',
            'f' => '\x0c',
            'v' => '\x0b',
            same @ ('\\' | '\'' | '"' | '?') => same,
            // Above that, it would be a byte and no character.
            'x' => number(&mut chars, None, 16, 2).filter(char::is_ascii)?,
            'u' => number(&mut chars, None, 16, 4)?,
            'U' => number(&mut chars, None, 16, 8)?,
            first @ '0'..='7' => number(&mut chars, Some(first), 8, 3).filter(char::is_ascii)?,
            _ => return None,
        };
        read.push(one);
    }
    Some(read)
}

/// The character whose number comes next.
fn number(chars: &mut Peekable<Chars<'_>>, first: Option<char>, base: u32, most: usize) -> Option<char> {
    let mut digits: String = first.into_iter().collect();
    while digits.len() < most
        && let Some(digit) = chars.next_if(|digit| digit.is_digit(base))
    {
        digits.push(digit);
    }
    u32::from_str_radix(&digits, base).ok().and_then(char::from_u32)
}
