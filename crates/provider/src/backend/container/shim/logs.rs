//! Writes output as JSON lines into numbered files of bounded size and number.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::super::state::now_ms;
use crate::backend::LogLine;

/// A longer line is cut into records of this many bytes.
const MAX_LINE: usize = 16 << 10;

/// The output of one replica.
pub(super) struct LogWriter {
    dir: PathBuf,
    number: u64,
    file: fs::File,
    size: u64,
    file_bytes: u64,
    files: u32,
}

/// Bytes of one stream that are not yet a whole line.
pub(super) struct Partial {
    stream: &'static str,
    bytes: Vec<u8>,
}

impl Partial {
    pub(super) fn new(stream: &'static str) -> Self {
        Self { stream, bytes: Vec::new() }
    }
}

impl LogWriter {
    /// Goes on after the newest file in `dir`.
    pub(super) fn open(dir: &Path, file_bytes: u64, files: u32) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let number = numbers(dir)?.last().copied().unwrap_or(1);
        let (file, size) = open_number(dir, number)?;
        Ok(Self { dir: dir.to_owned(), number, file, size, file_bytes, files: files.max(1) })
    }

    /// Adds what was read from a stream; whole lines are written.
    pub(super) fn add(&mut self, partial: &mut Partial, bytes: &[u8]) -> io::Result<()> {
        let mut out = Vec::new();
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            partial.bytes.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                partial.bytes.pop();
                self.cut(partial, &mut out, true)?;
            } else if partial.bytes.len() >= MAX_LINE {
                self.cut(partial, &mut out, false)?;
            }
        }
        self.write(&out)
    }

    /// Writes an unfinished last line at the end of a stream.
    pub(super) fn end(&mut self, partial: &mut Partial) -> io::Result<()> {
        let mut out = Vec::new();
        if !partial.bytes.is_empty() {
            self.cut(partial, &mut out, true)?;
        }
        self.write(&out)
    }

    /// A note of the keeper itself.
    pub(super) fn note(&mut self, text: &str) -> io::Result<()> {
        let mut partial = Partial::new("system");
        self.add(&mut partial, text.as_bytes())?;
        self.end(&mut partial)
    }

    /// Moves full pieces of the line to `out`; `last` ends the line.
    fn cut(&self, partial: &mut Partial, out: &mut Vec<u8>, last: bool) -> io::Result<()> {
        let mut rest = std::mem::take(&mut partial.bytes);
        while rest.len() > MAX_LINE || (!last && rest.len() == MAX_LINE) {
            let tail = rest.split_off(MAX_LINE);
            record(partial.stream, &rest, true, out)?;
            rest = tail;
        }
        if last {
            record(partial.stream, &rest, false, out)?;
        } else {
            partial.bytes = rest;
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.size > 0 && self.size + bytes.len() as u64 > self.file_bytes {
            self.rotate()?;
        }
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.number += 1;
        (self.file, self.size) = open_number(&self.dir, self.number)?;
        let mut numbers = numbers(&self.dir)?;
        let excess = numbers.len().saturating_sub(self.files as usize);
        for old in numbers.drain(..excess) {
            fs::remove_file(file_path(&self.dir, old))?;
        }
        Ok(())
    }
}

fn record(stream: &str, bytes: &[u8], partial: bool, out: &mut Vec<u8>) -> io::Result<()> {
    let line = LogLine {
        at_unix_ms: now_ms(),
        stream: stream.to_owned(),
        text: String::from_utf8_lossy(bytes).into_owned(),
        partial,
        replica: 0,
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.push(b'\n');
    Ok(())
}

fn open_number(dir: &Path, number: u64) -> io::Result<(fs::File, u64)> {
    let path = file_path(dir, number);
    let file = fs::OpenOptions::new().create(true).append(true).open(path)?;
    let size = file.metadata()?.len();
    Ok((file, size))
}

pub(in super::super) fn file_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:010}.jsonl"))
}

/// Numbers of the files in `dir`, oldest first.
pub(in super::super) fn numbers(dir: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        if let Some(number) = name.strip_suffix(".jsonl") {
            numbers.extend(number.parse::<u64>());
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}
