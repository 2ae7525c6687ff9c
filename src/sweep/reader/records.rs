//! The records of a file and their lines.

use std::io::{self, Read};

use csv::{ByteRecord, ReaderBuilder, Terminator};

#[cfg(feature = "json")]
use super::json::JsonLines;
use crate::error::{Error, ErrorKind, Place};

/// A file as records, of which the first is the header.
pub(super) enum Records<R> {
    Csv(CsvRecords<R>),
    #[cfg(feature = "json")]
    Json(JsonLines),
}

impl<R: Read> Records<R> {
    /// The line of the next record and the record; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(usize, &ByteRecord)>, Error> {
        match self {
            Records::Csv(records) => records.next(),
            #[cfg(feature = "json")]
            Records::Json(records) => records.next(),
        }
    }
}

/// Input whose last line ends with a line feed, too.
struct Lines<R> {
    input: io::Chain<R, &'static [u8]>,
    /// All of it was read, and more was asked for.
    is_exhausted: bool,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.is_exhausted |= count == 0 && !buffer.is_empty();
        Ok(count)
    }
}

/// The records of a CSV file.
pub(super) struct CsvRecords<R> {
    reader: csv::Reader<Lines<R>>,
    record: ByteRecord,
}

impl<R: Read> CsvRecords<R> {
    pub(super) fn new(input: R, delimiter: u8) -> Self {
        let input = Lines { input: input.chain(b"\n"), is_exhausted: false };
        // Records end at a line feed, so that lines can be counted; a carriage return before it is
        // trimmed with the cell.
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .terminator(Terminator::Any(b'\n'))
            .from_reader(input);
        Self { reader, record: ByteRecord::new() }
    }

    /// The first line of the next record that is not blank, and the record; `None` at the end.
    fn next(&mut self) -> Result<Option<(usize, &ByteRecord)>, Error> {
        loop {
            let more = self.reader.read_byte_record(&mut self.record).map_err(io::Error::from)?;
            if !more {
                return Ok(None);
            }
            let line_feeds = |text: &[u8]| text.iter().filter(|b| **b == b'\n').count();
            let line = usize::try_from(self.reader.position().line()).unwrap_or(usize::MAX);
            // Every record ends at a line feed, unless that is inside of quotes.
            if self.reader.get_ref().is_exhausted {
                let unclosed = self.record.iter().next_back().unwrap_or_default();
                let line = Place::Line(line - line_feeds(unclosed));
                return Err(Error::from(ErrorKind::UnclosedQuote).at(line));
            }
            let blank = self.record.len() == 1 && self.record[0].trim_ascii().is_empty();
            if !blank {
                // The reader is behind the record's line feed; a quoted cell may span lines.
                let line = line - 1 - line_feeds(self.record.as_slice());
                return Ok(Some((line, &self.record)));
            }
        }
    }
}

/// A record as text.
#[derive(Clone, Copy)]
pub(super) struct Cells<'a> {
    text: &'a str,
    record: &'a ByteRecord,
}

impl<'a> Cells<'a> {
    /// Bytes that are not UTF-8, or a NUL, make the file a binary one.
    pub(super) fn new(record: &'a ByteRecord) -> Result<Self, Error> {
        let text = std::str::from_utf8(record.as_slice());
        let text = text.ok().filter(|text| !text.as_bytes().contains(&0));
        // Halves of a character in two cells are none.
        let is_text = |text: &&str| {
            let end = |i: usize| record.range(i).expect("a cell of the record").end;
            text.is_ascii() || (0..record.len()).all(|i| text.is_char_boundary(end(i)))
        };
        let text = text.filter(is_text).ok_or(ErrorKind::NotText)?;
        Ok(Self { text, record })
    }

    pub(super) fn len(&self) -> usize {
        self.record.len()
    }

    /// The cell without white space around it.
    pub(super) fn get(&self, column: usize) -> &'a str {
        self.text[self.record.range(column).expect("as many cells as in the header")].trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The line of the quote that is open at the end: a quote opens at the start of a cell, and two
    /// are one inside of quotes.
    fn open_quote(text: &[u8]) -> Option<usize> {
        let (mut open, mut start, mut line) = (None, true, 1);
        let mut bytes = text.iter().peekable();
        while let Some(&b) = bytes.next() {
            match (open, b) {
                (Some(_), b'"') if bytes.peek() == Some(&&b'"') => _ = bytes.next(),
                (Some(_), b'"') => open = None,
                (None, b'"') if start => open = Some(line),
                _ => {}
            }
            line += usize::from(b == b'\n');
            start = open.is_none() && (b == b',' || b == b'\n');
        }
        open
    }

    #[test]
    fn quotes_are_open_where_a_count_of_them_says_so() {
        let letters = b"\"\n,a\r";
        let mut found = 0;
        for length in 0..=7u32 {
            for number in 0..letters.len().pow(length) {
                let digit = |i: u32| letters[number / letters.len().pow(i) % letters.len()];
                let text: Vec<u8> = (0..length).map(digit).collect();
                let mut records = CsvRecords::new(text.as_slice(), b',');
                let end = loop {
                    match records.next() {
                        // A record begins where no quote is open.
                        Ok(Some((line, _))) => {
                            let lines = text.split_inclusive(|b| *b == b'\n');
                            let before: Vec<&[u8]> = lines.take(line - 1).collect();
                            assert_eq!(open_quote(&before.concat()), None);
                        }
                        Ok(None) => break None,
                        Err(error) => match (error.kind(), error.places()) {
                            (ErrorKind::UnclosedQuote, [Place::Line(line)]) => break Some(*line),
                            _ => panic!("{error}"),
                        },
                    }
                };
                assert_eq!(end, open_quote(&text), "{:?}", String::from_utf8_lossy(&text));
                found += usize::from(end.is_some());
            }
        }
        assert!(found > 1_000);
    }
}
