//! Takes single values out of a table, and says in place what is wrong with one.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::places::{EntryPlace, Lines};
use crate::domain::map::asked::Rate;
use crate::domain::map::condition::ConditionError;
use crate::domain::map::lint::{Finding, Lint};
use crate::domain::map::spelling::nearest;
use crate::domain::path::{PathError, in_one_spelling};

/// The longest role, reason, event or output name, in bytes.
const MAX_TEXT_BYTES: usize = 512;

/// Why a text is not what its key takes.
pub(super) struct Fault {
    /// From which byte of the text on, where that is known.
    at: Option<usize>,
    message: String,
    mend: Option<String>,
}

impl Fault {
    /// From an error that says "reason; mend".
    pub(super) fn said(error: impl Display) -> Self {
        let text = error.to_string();
        let (message, mend) = match text.rsplit_once("; ") {
            Some((message, mend)) => (message.to_owned(), Some(mend.to_owned())),
            None => (text, None),
        };
        Self { at: None, message, mend }
    }
}

impl From<PathError> for Fault {
    fn from(error: PathError) -> Self {
        Self { at: Some(error.at), message: error.reason.to_owned(), mend: Some(error.mend.to_owned()) }
    }
}

impl From<ConditionError> for Fault {
    fn from(error: ConditionError) -> Self {
        Self { at: Some(error.at), message: error.reason, mend: Some(error.mend.to_owned()) }
    }
}

/// Any text that is short and printable.
pub(super) fn plain(text: &str) -> Result<String, Fault> {
    let fault = |at, message: &str, mend: &str| Fault {
        at,
        message: message.to_owned(),
        mend: Some(mend.to_owned()),
    };
    if text.len() > MAX_TEXT_BYTES {
        return Err(fault(None, "the text is longer than 512 bytes", "shorten it"));
    }
    match text.char_indices().find(|(_, c)| c.is_control()) {
        Some((at, _)) => Err(fault(Some(at), "a control character is in it", "remove it")),
        None => Ok(text.to_owned()),
    }
}

/// A name: a text that is not empty.
pub(super) fn name(text: &str) -> Result<String, Fault> {
    if text.trim().is_empty() {
        let mend = Some("write a name between the quotes".to_owned());
        return Err(Fault { at: None, message: "the name is empty".to_owned(), mend });
    }
    plain(text)
}

/// One table of the file, its spans noted as its values are taken.
pub(super) struct Entry<'r, 'i> {
    pub(super) table: &'r DeTable<'i>,
    /// How errors call it: `[[agent]]`.
    pub(super) called: &'static str,
    pub(super) place: EntryPlace,
    pub(super) lines: &'r Lines<'i>,
    pub(super) findings: &'r mut Vec<Finding>,
    /// Were all values what they should be?
    pub(super) good: bool,
    /// Was one left out because it was not?
    pub(super) lost: bool,
}

impl<'r, 'i> Entry<'r, 'i> {
    /// Notes an error.
    pub(super) fn wrong(
        &mut self,
        lint: Lint,
        span: Range<usize>,
        message: impl Into<String>,
        mend: Option<String>,
    ) {
        self.good = false;
        self.findings.push(self.lines.finding(lint, span, message.into(), mend));
    }

    fn wrong_kind(&mut self, key: &str, value: &Spanned<DeValue<'i>>, wanted: &str) {
        self.lost = true;
        let found = match value.get_ref() {
            DeValue::String(_) => "a text",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.wrong(Lint::Types, value.span(), format!("`{key}` takes {wanted}, this is {found}"), None);
    }

    fn fault(&mut self, span: Range<usize>, fault: Fault) {
        self.lost = true;
        let span = match fault.at {
            Some(at) => self.inside(span, at),
            None => span,
        };
        self.wrong(Lint::Types, span, fault.message, fault.mend);
    }

    /// From one byte of a text on to its end, where the file has the text as it stands.
    fn inside(&self, span: Range<usize>, at: usize) -> Range<usize> {
        let written = self.lines.text(span.clone());
        let one_line = !written.starts_with("\"\"\"") && !written.starts_with("'''");
        // What was read is in one spelling, in which signs may have other lengths.
        let plain =
            (written.starts_with('\'') || !written.contains('\\')) && in_one_spelling(written) == written;
        let end = span.end.saturating_sub(1);
        let start = span.start + 1 + at;
        let whole = written.is_char_boundary(1 + at);
        if one_line && plain && whole && start < end { start..end } else { span }
    }

    /// The value of a key; its span is noted.
    pub(super) fn value(&mut self, key: &'static str) -> Option<&'r Spanned<DeValue<'i>>> {
        let value = self.table.get(key)?;
        self.place.keys.insert(key, (value.span(), Vec::new()));
        Some(value)
    }

    /// A text that `read` understands.
    pub(super) fn text<T, E: Into<Fault>>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.value(key)?;
        self.read(key, value, wanted, read)
    }

    fn read<T, E: Into<Fault>>(
        &mut self,
        key: &str,
        value: &Spanned<DeValue<'i>>,
        wanted: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_kind(key, value, wanted);
            return None;
        };
        match read(text) {
            Ok(read) => Some(read),
            Err(error) => {
                self.fault(value.span(), error.into());
                None
            }
        }
    }

    /// A text without which there is no entry.
    pub(super) fn required<T, E: Into<Fault>>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        if self.table.get(key).is_none() {
            self.missing(Lint::Types, key, None);
        }
        self.text(key, wanted, read)
    }

    /// Says that a key is missing.
    pub(super) fn missing(&mut self, lint: Lint, key: &str, mend: Option<String>) {
        let mend = mend.or_else(|| (lint == Lint::Types).then(|| format!("add `{key} = …`")));
        self.wrong(lint, self.place.span.clone(), format!("{} has no `{key}`", self.called), mend);
    }

    /// A list of texts; the spans of those that `read` understands are noted.
    pub(super) fn list<T, E: Into<Fault>>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<T> {
        self.items(key, wanted, |entry, item| entry.read(key, item, wanted, &read))
    }

    /// A table of lists of texts, each with what its key is and where that stands.
    pub(super) fn lists<T, E: Into<Fault>>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Vec<(T, Range<usize>, Vec<T>)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_kind(key, value, &format!("a table of lists, each {wanted}"));
            return Vec::new();
        };
        let mut all = Vec::new();
        for (of, list) in table {
            let DeValue::Array(items) = list.get_ref() else {
                self.wrong_kind(key, list, &format!("a list such as [\"…\"], each {wanted}"));
                continue;
            };
            let texts: Vec<T> = items.iter().filter_map(|item| self.read(key, item, wanted, &read)).collect();
            match read(of.get_ref()) {
                Ok(of_read) => all.push((of_read, of.span(), texts)),
                Err(error) => self.fault(of.span(), error.into()),
            }
        }
        all
    }

    /// A table of texts.
    pub(super) fn texts<K: Ord, V, E: Into<Fault>>(
        &mut self,
        key: &'static str,
        wanted: &str,
        of: impl Fn(&str) -> Result<K, E>,
        read: impl Fn(&str) -> Result<V, E>,
    ) -> BTreeMap<K, V> {
        let Some(value) = self.value(key) else { return BTreeMap::new() };
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong_kind(key, value, &format!("a table of texts, each {wanted}"));
            return BTreeMap::new();
        };
        let mut all = BTreeMap::new();
        for (name, text) in table {
            let text = self.read(key, text, wanted, &read);
            match of(name.get_ref()) {
                Ok(name) => all.extend(text.map(|text| (name, text))),
                Err(error) => self.fault(name.span(), error.into()),
            }
        }
        all
    }

    /// A list; the spans of those items that `read` understands are noted.
    pub(super) fn items<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        read: impl Fn(&mut Self, &'r Spanned<DeValue<'i>>) -> Option<T>,
    ) -> Vec<T> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_kind(key, value, &format!("a list such as [\"…\"], each {wanted}"));
            return Vec::new();
        };
        let mut all = Vec::with_capacity(items.len());
        let mut spans = Vec::with_capacity(items.len());
        for item in items {
            if let Some(read) = read(self, item) {
                all.push(read);
                spans.push(item.span());
            }
        }
        self.place.keys.insert(key, (value.span(), spans));
        all
    }

    /// True or false; false where it is missing.
    pub(super) fn flag(&mut self, key: &'static str) -> bool {
        let Some(value) = self.value(key) else { return false };
        if let DeValue::Boolean(flag) = value.get_ref() {
            return *flag;
        }
        self.wrong_kind(key, value, "true or false");
        false
    }

    /// A number from 1 on.
    pub(super) fn count(&mut self, key: &'static str, most: u32) -> Option<u32> {
        let value = self.value(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => u32::from_str_radix(number.as_str(), number.radix()).ok(),
            DeValue::String(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        let number = number.filter(|number| (1..=most).contains(number));
        if number.is_none() {
            self.wrong_kind(key, value, &format!("a whole number from 1 to {most}"));
        }
        number
    }

    /// A part of a whole, such as 0.85.
    pub(super) fn rate(&mut self, key: &'static str) -> Option<Rate> {
        let value = self.value(key)?;
        let text = match value.get_ref() {
            DeValue::Float(number) => Some(number.as_str()),
            DeValue::Integer(number) => Some(number.as_str()),
            DeValue::String(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_)
            | DeValue::Table(_) => None,
        };
        let number = text.and_then(|text| text.parse::<f64>().ok());
        let rate = number.and_then(|number| Rate::try_from(number).ok());
        if rate.is_none() {
            self.wrong_kind(key, value, "a part of 1, such as 0.85");
        }
        rate
    }

    /// Notes that a value is of the wrong kind.
    pub(super) fn refuse(&mut self, key: &str, value: &Spanned<DeValue<'i>>, wanted: &str) {
        self.wrong_kind(key, value, wanted);
    }

    /// Every key that is not known is an error.
    pub(super) fn only(&mut self, known: &[&str]) {
        let table = self.table;
        for (key, _) in table {
            let text: &str = key.get_ref();
            if known.contains(&text) {
                continue;
            }
            let mend = match nearest(text, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("{} knows {}", self.called, known.join(", ")),
            };
            self.wrong(
                Lint::UnknownKey,
                key.span(),
                format!("{} has no key {text:?}", self.called),
                Some(mend),
            );
        }
    }
}
