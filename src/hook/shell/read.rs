//! Text to syntax: the parser's own functions behind the bounds that it has not.
//!
//! The parser descends by calling itself and tries some alternatives anew at each level, so that deep nesting takes its stack, or all
//! the time there is. What is longer or deeper than a person writes is not given to it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use brush_parser::ast::Program;
use brush_parser::word::{self, BraceExpressionOrText, WordPieceWithSource};
use brush_parser::{Parser, ParserOptions, Token, TokenizerOptions};

/// The longest text that is read, in bytes.
const MAX_BYTES: usize = 64 * 1024;
/// How deep expansions may lie in each other, and brackets in each other.
const MAX_NESTING: usize = 8;
/// As many words that begin a compound, or brackets, are in a text at most.
const MAX_OPENERS: usize = 256;
/// Words that begin something in which a command may lie.
const OPENERS: [&str; 10] = ["{", "if", "while", "until", "for", "case", "coproc", "function", "[[", "!"];

/// Why a text is not read, as a clause.
pub(super) type Unread = &'static str;

const LONG: Unread = "it is too long";
const DEEP: Unread = "it is nested too deep";
const STRANGE: Unread = "it is written in a way that shells read differently";
const WRONG: Unread = "it is not what bash takes";

/// As a shell runs a text that is given to it: with what bash adds, without the patterns that it only takes if told to, under which
/// `!(rm a)` would be a pattern.
fn options() -> ParserOptions {
    ParserOptions { enable_extended_globbing: false, ..ParserOptions::default() }
}

/// The commands of a text.
pub(super) fn program(text: &str) -> Result<Program, Unread> {
    fits(text)?;
    let tokens = guarded(|| {
        let options = TokenizerOptions { enable_extended_globbing: false, ..TokenizerOptions::default() };
        brush_parser::uncached_tokenize_str(text, &options).map_err(|_| WRONG)
    })?;
    tokens_fit(&tokens)?;
    guarded(|| Parser::new(text.as_bytes(), &options()).parse_program().map_err(|_| WRONG))
}

/// The pieces of a word.
pub(super) fn word(text: &str) -> Result<Vec<WordPieceWithSource>, Unread> {
    fits(text)?;
    guarded(|| word::parse(text, &options()).map_err(|_| WRONG))
}

/// The pieces of what is expanded as within a here-document: quotes mean nothing there.
pub(super) fn document(text: &str) -> Result<Vec<WordPieceWithSource>, Unread> {
    fits(text)?;
    guarded(|| word::parse_heredoc(text, &options()).map_err(|_| WRONG))
}

/// The lists in braces of a word, as `{a,b}`; none where it has none.
pub(super) fn braces(text: &str) -> Result<Option<Vec<BraceExpressionOrText>>, Unread> {
    if !text.contains('{') || !(text.contains(',') || text.contains("..")) {
        return Ok(None);
    }
    if deepest(text, |_| true) > MAX_NESTING {
        return Err(DEEP);
    }
    fits(text)?;
    guarded(|| word::parse_brace_expansions(text, &options()).map_err(|_| WRONG))
}

/// A fault of the parser is one more way in which a text can't be read.
fn guarded<T>(read: impl FnOnce() -> Result<T, Unread>) -> Result<T, Unread> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(WRONG))
}

fn fits(text: &str) -> Result<(), Unread> {
    if text.len() > MAX_BYTES {
        return Err(LONG);
    }
    // `\$'` and `$$'` begin a plain quote in bash, and one with escapes here. The parser takes numbers for small.
    if text.contains("\\$'") || text.contains("$$'") || has_long_number(text) || has_nameless_document(text) {
        return Err(STRANGE);
    }
    let expansions = text.matches("$(").count() + text.matches("${").count() + text.matches("$[").count();
    if expansions > MAX_OPENERS || deepest(text, |before| before == '$') > MAX_NESTING {
        return Err(DEEP);
    }
    Ok(())
}

/// Whether a here-document without a name begins in the last line, for whose end the parser looks for ever.
fn has_nameless_document(text: &str) -> bool {
    let last = text.rsplit('\n').next().unwrap_or_default();
    let quotes = |char: char| matches!(char, '\'' | '"' | '\\');
    last.split("<<").skip(1).any(|behind| {
        let name = behind.trim_start_matches('-').trim_ascii_start();
        name.split(|char: char| char.is_ascii_whitespace() || "&();|<>".contains(char))
            .next()
            .is_none_or(|name| name.trim_matches(quotes).is_empty() || name.starts_with('#'))
            && !behind.starts_with('<')
    })
}

/// Whether there is a number where the parser makes one of the digits, as in `9>` or `{1..9}`, and they are too many for one.
fn has_long_number(text: &str) -> bool {
    let mut rest = text;
    while let Some(start) = rest.find(|char: char| char.is_ascii_digit()) {
        let (before, digits) = rest.split_at(start);
        let end = digits.find(|char: char| !char.is_ascii_digit()).unwrap_or(digits.len());
        let (digits, behind) = digits.split_at(end);
        let before = before.strip_suffix(['+', '-']).unwrap_or(before);
        let is_number =
            ["{", "..", "~"].iter().any(|mark| before.ends_with(mark)) || behind.starts_with(['<', '>']);
        if is_number && digits.len() > 9 {
            return true;
        }
        rest = behind;
    }
    false
}

/// How deep brackets lie in each other; of those on the outside, such as begin after what `begins` says. Quotes are not looked at: a
/// closing bracket closes its own kind only, so that a quoted one hides little.
fn deepest(text: &str, begins: impl Fn(char) -> bool) -> usize {
    let mut open = Vec::new();
    let mut deepest = 0;
    let mut before = ' ';
    for char in text.chars() {
        let closing = match char {
            '(' => Some(')'),
            '{' => Some('}'),
            '[' => Some(']'),
            _ => None,
        };
        if let Some(closing) = closing {
            if begins(before) || !open.is_empty() {
                open.push(closing);
                deepest = deepest.max(open.len());
            }
        } else if open.last() == Some(&char) {
            open.pop();
        }
        before = char;
    }
    deepest
}

/// Of tokens, quotes are known: what a bracket is, is one.
fn tokens_fit(tokens: &[Token]) -> Result<(), Unread> {
    let mut openers = 0;
    let mut open = Vec::new();
    for token in tokens {
        match token {
            Token::Operator(text, _) if text == "(" => open.push("("),
            // A bracket behind a pattern of `case` closes none.
            Token::Operator(text, _) if text == ")" => {
                open.pop_if(|last| *last == "(");
            }
            Token::Word(text, _) if text == "case" => open.push("case"),
            Token::Word(text, _) if text == "esac" => {
                open.pop_if(|last| *last == "case");
            }
            Token::Word(..) | Token::Operator(..) => {}
        }
        let (Token::Word(text, _) | Token::Operator(text, _)) = token;
        openers += usize::from(text == "(" || OPENERS.contains(&text.as_str()));
        if open.len() > MAX_NESTING || openers > MAX_OPENERS {
            return Err(DEEP);
        }
    }
    Ok(())
}
