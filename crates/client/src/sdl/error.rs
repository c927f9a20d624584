//! What is wrong in a deployment file: where, why, and how to repair it.

use std::fmt;

/// A place in a file, both counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: usize,
    pub column: usize,
}

impl Position {
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct SdlError {
    pub at: Position,
    /// `services.web.expose[0].port`; empty when the document itself cannot be read.
    pub path: String,
    pub cause: String,
    pub remedy: String,
}

impl SdlError {
    pub(super) fn new(at: Position, path: &str, cause: String, remedy: &str) -> Self {
        Self { at, path: path.to_owned(), cause, remedy: remedy.to_owned() }
    }
}

/// `line 4, column 7: services.web.image: … ; remedy`.
impl fmt::Display for SdlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: ", self.at.line, self.at.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}; {}", self.cause, self.remedy)
    }
}
