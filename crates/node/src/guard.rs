//! The double-sign guard: what this key signed last, durable before the signature leaves. A key that is restored from a
//! backup or started twice on one disk cannot sign two different things for one place (platform spec section 3.4).

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Order of what is signed within a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Step {
    Proposal = 1,
    Prevote = 2,
    Precommit = 3,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub height: u64,
    pub round: u32,
    pub step: Step,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    place: Place,
    sign_bytes: String,
    signature: String,
}

#[derive(Debug, thiserror::Error)]
pub enum GuardError {
    #[error(
        "refusing to sign {asked:?}: this key already signed {signed:?}. If two nodes share this key, stop one of them; \
         if the data was restored from a backup, wait until the chain is past that height"
    )]
    Conflict { asked: Place, signed: Place },
    #[error("cannot keep the double-sign guard {path}: {cause}; free or repair the disk, then start the node again")]
    Io { path: String, cause: String },
    #[error(
        "the double-sign guard {0} is damaged; restore it, or remove it only when you know that nothing was signed"
    )]
    Damaged(String),
}

pub struct Guard {
    path: PathBuf,
    last: Option<Signed>,
}

impl Guard {
    pub fn open(path: &Path) -> Result<Self, GuardError> {
        let last = match fs::read(path) {
            Ok(bytes) => {
                Some(serde_json::from_slice(&bytes).map_err(|_| GuardError::Damaged(path.display().to_string()))?)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(io(path, &error)),
        };
        Ok(Self { path: path.to_owned(), last })
    }

    /// Signs `bytes` with `sign` if nothing else was signed at or after `place`. The same bytes for the same place give
    /// the recorded signature again.
    pub fn sign(
        &mut self,
        place: Place,
        bytes: &[u8],
        sign: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> Result<[u8; 64], GuardError> {
        if let Some(last) = &self.last
            && last.place >= place
        {
            let recorded = hex::decode(&last.signature).ok().and_then(|bytes| bytes.try_into().ok());
            return match recorded {
                Some(signature) if last.place == place && last.sign_bytes == hex::encode(bytes) => Ok(signature),
                _ => Err(GuardError::Conflict { asked: place, signed: last.place.clone() }),
            };
        }
        let signature = sign(bytes);
        let signed = Signed { place, sign_bytes: hex::encode(bytes), signature: hex::encode(signature) };
        self.write(&signed)?;
        self.last = Some(signed);
        Ok(signature)
    }

    fn write(&self, signed: &Signed) -> Result<(), GuardError> {
        let temporary = self.path.with_extension("new");
        let written = || -> std::io::Result<()> {
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(&serde_json::to_vec(signed)?)?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)?;
            if let Some(directory) = self.path.parent() {
                File::open(directory)?.sync_all()?;
            }
            Ok(())
        };
        written().map_err(|error| io(&self.path, &error))
    }
}

fn io(path: &Path, cause: &std::io::Error) -> GuardError {
    GuardError::Io { path: path.display().to_string(), cause: cause.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(height: u64, round: u32, step: Step) -> Place {
        Place { height, round, step }
    }

    #[test]
    fn a_key_never_signs_two_things_for_one_place_even_after_a_restart() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("state.json");
        let mut guard = Guard::open(&path).expect("no guard yet");
        let first = guard.sign(place(5, 0, Step::Prevote), b"a", |_| [1; 64]).expect("the first signature");
        let mut guard = Guard::open(&path).expect("the kept guard");
        assert_eq!(guard.sign(place(5, 0, Step::Prevote), b"a", |_| [2; 64]).expect("the same again"), first);
        assert!(guard.sign(place(5, 0, Step::Prevote), b"b", |_| [2; 64]).is_err());
        assert!(guard.sign(place(5, 0, Step::Proposal), b"b", |_| [2; 64]).is_err());
        assert!(guard.sign(place(4, 9, Step::Precommit), b"b", |_| [2; 64]).is_err());
        guard.sign(place(5, 0, Step::Precommit), b"c", |_| [3; 64]).expect("the next step");
        guard.sign(place(5, 1, Step::Proposal), b"d", |_| [4; 64]).expect("the next round");
        guard.sign(place(6, 0, Step::Proposal), b"e", |_| [5; 64]).expect("the next height");
    }

    #[test]
    fn a_damaged_guard_is_not_silently_replaced() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("state.json");
        fs::write(&path, b"{").expect("written");
        assert!(matches!(Guard::open(&path), Err(GuardError::Damaged(_))));
    }
}
