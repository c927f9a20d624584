//! Frames of a shell session: the first byte of each binary WebSocket message says what follows.

use serde::{Deserialize, Serialize};

pub const STDOUT: u8 = 100;
pub const STDERR: u8 = 101;
/// JSON [`ExitStatus`].
pub const RESULT: u8 = 102;
/// Text: why the command could not run.
pub const FAILURE: u8 = 103;
/// Input; an empty one is the end of input.
pub const STDIN: u8 = 104;
/// Columns and rows, each as two bytes, big-endian.
pub const RESIZE: u8 = 105;

/// Reason codes of a closed WebSocket.
pub const CLOSE_INTERNAL: u16 = 4000;
pub const CLOSE_NO_LEASE: u16 = 4001;
pub const CLOSE_UNAVAILABLE: u16 = 4002;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitStatus {
    pub exit_code: i32,
}

/// A decoded frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    Result(ExitStatus),
    Failure(String),
    Stdin(Vec<u8>),
    Resize { columns: u16, rows: u16 },
}

impl Frame {
    pub fn encode(&self) -> Vec<u8> {
        let with = |kind: u8, content: &[u8]| [&[kind], content].concat();
        match self {
            Self::Stdout(bytes) => with(STDOUT, bytes),
            Self::Stderr(bytes) => with(STDERR, bytes),
            Self::Result(status) => with(RESULT, format!("{{\"exit_code\":{}}}", status.exit_code).as_bytes()),
            Self::Failure(text) => with(FAILURE, text.as_bytes()),
            Self::Stdin(bytes) => with(STDIN, bytes),
            Self::Resize { columns, rows } => with(RESIZE, &[columns.to_be_bytes(), rows.to_be_bytes()].concat()),
        }
    }

    /// `None` for an unknown kind or malformed content.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, content) = bytes.split_first()?;
        Some(match *kind {
            STDOUT => Self::Stdout(content.to_vec()),
            STDERR => Self::Stderr(content.to_vec()),
            RESULT => Self::Result(serde_json::from_slice(content).ok()?),
            FAILURE => Self::Failure(String::from_utf8_lossy(content).into_owned()),
            STDIN => Self::Stdin(content.to_vec()),
            RESIZE => {
                let [a, b, c, d] = <[u8; 4]>::try_from(content).ok()?;
                Self::Resize { columns: u16::from_be_bytes([a, b]), rows: u16::from_be_bytes([c, d]) }
            }
            _ => return None,
        })
    }
}
