//! JSON lines as records.

use std::collections::HashMap;
use std::fmt;
use std::io::Read;
use std::ops::Range;

use csv::ByteRecord;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::{Error, ErrorKind, Place};

/// Objects within objects beyond so many are refused.
const MOST_NESTED: usize = 32;

/// The lines of a file as records: the keys of all objects in order of appearance, then the values of
/// each object. What an object lacks is an empty cell.
pub(super) struct JsonLines {
    text: String,
    /// What is left of the text, and the lines before.
    at: usize,
    line: usize,
    keys: HashMap<String, usize>,
    is_header_read: bool,
    record: ByteRecord,
    /// The cells of a line, one behind the other, and where each is.
    cells: String,
    ranges: Vec<Option<Range<usize>>>,
}

impl JsonLines {
    /// Reads it all: the keys of the last object are columns of the first.
    pub(super) fn new(mut input: impl Read) -> Result<Self, Error> {
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes)?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes()[..valid].iter().filter(|b| **b == b'\n').count();
            Error::from(ErrorKind::NotText).at(Place::Line(line))
        })?;
        Ok(Self {
            at: if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 },
            text,
            line: 0,
            keys: HashMap::new(),
            is_header_read: false,
            record: ByteRecord::new(),
            cells: String::new(),
            ranges: Vec::new(),
        })
    }

    pub(super) fn next(&mut self) -> Result<Option<(usize, &ByteRecord)>, Error> {
        if !self.is_header_read {
            self.is_header_read = true;
            return self.read_keys();
        }
        let Some(range) = next_line(&self.text, &mut self.at, &mut self.line) else {
            return Ok(None);
        };
        let (keys, cells, ranges) = (&self.keys, &mut self.cells, &mut self.ranges);
        cells.clear();
        ranges.clear();
        ranges.resize(keys.len(), None);
        let filled = entries(&self.text[range], &mut |key, value| {
            let begin = cells.len();
            push(value, cells);
            match ranges[keys[key]].replace(begin..cells.len()) {
                None => Ok(()),
                Some(_) => {
                    let (kind, name) = ("key", key.to_owned());
                    Err(ErrorKind::Repeated { kind, name, group: None }.into())
                }
            }
        });
        filled.map_err(|error| error.at(Place::Line(self.line)))?;
        self.record.clear();
        for range in ranges {
            let cell = range.clone().map_or("", |range| &cells[range]);
            self.record.push_field(cell.as_bytes());
        }
        Ok(Some((self.line, &self.record)))
    }

    /// The header, at the line of the first object; `None` if there is none.
    fn read_keys(&mut self) -> Result<Option<(usize, &ByteRecord)>, Error> {
        let (mut at, mut line, mut first) = (self.at, 0, None);
        while let Some(range) = next_line(&self.text, &mut at, &mut line) {
            first = first.or(Some(line));
            let (keys, record) = (&mut self.keys, &mut self.record);
            let read = entries(&self.text[range], &mut |key, _| {
                if !keys.contains_key(key) {
                    keys.insert(key.to_owned(), keys.len());
                    record.push_field(key.as_bytes());
                }
                Ok(())
            });
            read.map_err(|error| error.at(Place::Line(line)))?;
        }
        Ok(first.map(|line| (line, &self.record)))
    }
}

/// The next line that is not blank.
fn next_line(text: &str, at: &mut usize, line: &mut usize) -> Option<Range<usize>> {
    while *at < text.len() {
        let end = text[*at..].find('\n').map_or(text.len(), |length| *at + length);
        let range = *at..end;
        (*at, *line) = (end + 1, *line + 1);
        if !text[range.clone()].trim().is_empty() {
            return Some(range);
        }
    }
    None
}

/// The text of a value as a cell: that of a string, nothing for null, and others as they are.
fn push(value: &str, cells: &mut String) {
    match value.as_bytes() {
        b"null" => {}
        [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => {
            cells.push_str(&value[1..value.len() - 1]);
        }
        [b'"', ..] => {
            let text: String = serde_json::from_str(value).expect("a string of valid JSON");
            cells.push_str(&text);
        }
        _ => cells.push_str(value),
    }
}

/// What is done with a key and the JSON of its value.
type Each<'a> = &'a mut dyn FnMut(&str, &str) -> Result<(), Error>;

/// Goes through the entries of an object, and of the objects in it by keys with a `/` between.
fn entries(line: &str, each: Each<'_>) -> Result<(), Error> {
    let mut fault = None;
    let mut object = serde_json::Deserializer::from_str(line);
    let entries = Entries { key: &mut String::new(), nested: 0, each, fault: &mut fault };
    let read = object.deserialize_map(entries).and_then(|()| object.end());
    match (fault, read) {
        (Some(error), _) => Err(error),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => {
            // The line in it is that of this text.
            let message = error.to_string();
            let bare = message.split(" at line ").next().unwrap_or_default();
            let message = format!("{bare} (character {})", error.column());
            Err(ErrorKind::NotJson { message }.into())
        }
    }
}

struct Entries<'a> {
    /// The keys of the objects around.
    key: &'a mut String,
    nested: usize,
    each: Each<'a>,
    /// An error that is not one of JSON.
    fault: &'a mut Option<Error>,
}

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let around = self.key.len();
        while map.next_key_seed(Key(self.key))?.is_some() {
            let value: &RawValue = map.next_value()?;
            if value.get().starts_with('{') {
                if self.nested == MOST_NESTED {
                    return Err(de::Error::custom("too many objects in objects"));
                }
                self.key.push('/');
                let inner = Entries {
                    key: self.key,
                    nested: self.nested + 1,
                    each: self.each,
                    fault: self.fault,
                };
                let mut object = serde_json::Deserializer::from_str(value.get());
                object.deserialize_map(inner).map_err(de::Error::custom)?;
            } else if let Err(error) = (self.each)(self.key, value.get()) {
                *self.fault = Some(error);
                return Err(de::Error::custom("stopped"));
            }
            self.key.truncate(around);
        }
        Ok(())
    }
}

/// Puts a key behind those around it.
struct Key<'a>(&'a mut String);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<(), E> {
        self.0.push_str(key);
        Ok(())
    }
}
