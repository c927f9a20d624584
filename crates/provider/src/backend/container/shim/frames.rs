//! Messages between the daemon and the process that runs a command in a
//! container: kind (1 byte), length (4 bytes, big-endian), payload.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use crate::backend::TermSize;

/// Largest payload.
pub(in super::super) const MAX_FRAME: usize = 64 << 10;

/// One message.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) enum Frame {
    /// Daemon → command: what to run. First message.
    Start(ExecStart),
    /// Daemon → command.
    Stdin(Vec<u8>),
    /// Daemon → command: no more input.
    CloseStdin,
    /// Daemon → command.
    Resize(TermSize),
    /// Command → daemon.
    Stdout(Vec<u8>),
    /// Command → daemon.
    Stderr(Vec<u8>),
    /// Command → daemon: it ended. Last message.
    Exit(i32),
    /// Command → daemon: it could not be run. Last message.
    Failed(String),
}

/// What to run.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct ExecStart {
    pub command: Vec<String>,
    pub tty: Option<TermSize>,
}

impl Frame {
    pub(in super::super) fn encode(&self) -> io::Result<Vec<u8>> {
        let (kind, payload) = match self {
            Self::Start(start) => (0, serde_json::to_vec(start)?),
            Self::Stdin(bytes) => (1, bytes.clone()),
            Self::CloseStdin => (2, Vec::new()),
            Self::Resize(size) => (3, serde_json::to_vec(size)?),
            Self::Stdout(bytes) => (4, bytes.clone()),
            Self::Stderr(bytes) => (5, bytes.clone()),
            Self::Exit(code) => (6, code.to_be_bytes().to_vec()),
            Self::Failed(why) => (7, why.clone().into_bytes()),
        };
        let length = u32::try_from(payload.len()).map_err(|_| too_long())?;
        let mut out = vec![kind];
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&payload);
        Ok(out)
    }

    /// Length of the payload announced by a header, if acceptable.
    pub(in super::super) fn payload_len(header: [u8; 5]) -> io::Result<usize> {
        let [_, length @ ..] = header;
        let length = u32::from_be_bytes(length) as usize;
        if length > MAX_FRAME {
            return Err(too_long());
        }
        Ok(length)
    }

    pub(in super::super) fn decode(kind: u8, payload: Vec<u8>) -> io::Result<Self> {
        let bad = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
        Ok(match kind {
            0 => Self::Start(serde_json::from_slice(&payload)?),
            1 => Self::Stdin(payload),
            2 => Self::CloseStdin,
            3 => Self::Resize(serde_json::from_slice(&payload)?),
            4 => Self::Stdout(payload),
            5 => Self::Stderr(payload),
            6 => {
                let code = payload.try_into().map_err(|_| bad("exit code"))?;
                Self::Exit(i32::from_be_bytes(code))
            }
            7 => Self::Failed(String::from_utf8_lossy(&payload).into_owned()),
            _ => return Err(bad("unknown message")),
        })
    }

    pub(super) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut header = [0; 5];
        from.read_exact(&mut header)?;
        let mut payload = vec![0; Self::payload_len(header)?];
        from.read_exact(&mut payload)?;
        Self::decode(header[0], payload)
    }

    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.encode()?)?;
        to.flush()
    }
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a message is longer than {MAX_FRAME} bytes"))
}
