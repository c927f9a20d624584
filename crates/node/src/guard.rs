//! The double-sign guard: what this key signed last, durable before the signature leaves. A key that is restored from a
//! backup or started twice on one disk cannot sign two different things for one place (platform spec section 3.4).

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The file has two slots that are written in turn, so that a torn write leaves the one before it. Their place on disk
/// never changes: a signature waits for one flush of data and none of metadata.
const SLOT: usize = 512;

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
    /// SHA-256 of the sign bytes, in hexadecimal digits.
    digest: String,
    signature: String,
}

impl Signed {
    /// JSON, its SHA-256, and spaces, each ended by a line feed.
    fn to_slot(&self) -> Option<[u8; SLOT]> {
        let json = serde_json::to_string(self).ok()?;
        let mut slot = [b' '; SLOT];
        let text = format!("{json}\n{}\n", hex::encode(Sha256::digest(&json)));
        slot.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        *slot.last_mut()? = b'\n';
        Some(slot)
    }

    /// `None` when the slot was never written or not to its end.
    fn from_slot(slot: &[u8]) -> Option<Self> {
        let mut lines = std::str::from_utf8(slot).ok()?.lines();
        let (json, digest) = (lines.next()?, lines.next()?);
        if hex::encode(Sha256::digest(json)) != digest {
            return None;
        }
        serde_json::from_str(json).ok()
    }
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
    /// Opened with the first signature: a node that never signs leaves no file.
    file: Option<File>,
    /// The slot that the next signature goes to.
    next: usize,
    last: Option<Signed>,
}

impl Guard {
    pub fn open(path: &Path) -> Result<Self, GuardError> {
        let mut bytes = Vec::new();
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(mut file) => {
                file.read_to_end(&mut bytes).map_err(|error| io(path, &error))?;
                Some(file)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(io(path, &error)),
        };
        let slots: Vec<Option<Signed>> = bytes.chunks(SLOT).map(Signed::from_slot).collect();
        let place = |index: &usize| slots.get(*index).and_then(|slot| slot.as_ref()).map(|signed| signed.place.clone());
        let newest = (0..slots.len()).max_by_key(place);
        let last = newest.and_then(|index| slots.get(index)).cloned().flatten();
        if file.is_some() && last.is_none() {
            return Err(GuardError::Damaged(path.display().to_string()));
        }
        Ok(Self { path: path.to_owned(), file, next: newest.map_or(0, |index| 1 - index.min(1)), last })
    }

    /// Signs `bytes` with `sign` if nothing else was signed at or after `place`. The same bytes for the same place give
    /// the recorded signature again.
    pub fn sign(
        &mut self,
        place: Place,
        bytes: &[u8],
        sign: impl FnOnce(&[u8]) -> [u8; 64],
    ) -> Result<[u8; 64], GuardError> {
        let digest = hex::encode(Sha256::digest(bytes));
        if let Some(last) = &self.last
            && last.place >= place
        {
            let recorded = hex::decode(&last.signature).ok().and_then(|bytes| bytes.try_into().ok());
            return match recorded {
                Some(signature) if last.place == place && last.digest == digest => Ok(signature),
                _ => Err(GuardError::Conflict { asked: place, signed: last.place.clone() }),
            };
        }
        let signature = sign(bytes);
        let signed = Signed { place, digest, signature: hex::encode(signature) };
        self.write(&signed).map_err(|error| io(&self.path, &error))?;
        self.last = Some(signed);
        Ok(signature)
    }

    fn write(&mut self, signed: &Signed) -> std::io::Result<()> {
        let slot = signed.to_slot().ok_or(std::io::ErrorKind::FileTooLarge)?;
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(create(&self.path, &slot)?),
        };
        file.seek(SeekFrom::Start((self.next * SLOT) as u64))?;
        file.write_all(&slot)?;
        file.sync_data()?;
        self.next = 1 - self.next;
        Ok(())
    }
}

/// A file whose slots both hold `slot`: whole before it has its name, at its full length from the start.
fn create(path: &Path, slot: &[u8; SLOT]) -> std::io::Result<File> {
    let temporary = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(&[*slot, *slot].concat())?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    if let Some(directory) = path.parent() {
        File::open(directory)?.sync_all()?;
    }
    Ok(file)
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
    fn a_torn_write_leaves_what_was_signed_before_it() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("state.json");
        let mut guard = Guard::open(&path).expect("no guard yet");
        for height in 1..=3 {
            guard.sign(place(height, 0, Step::Prevote), b"a", |_| [1; 64]).expect("signed");
        }
        let mut bytes = std::fs::read(&path).expect("the file");
        assert_eq!(bytes.len(), 2 * SLOT, "the file never grows");
        let newest = (0..2).max_by_key(|slot| Signed::from_slot(&bytes[slot * SLOT..][..SLOT]).map(|s| s.place));
        bytes[newest.expect("a slot") * SLOT + 20] ^= 1;
        std::fs::write(&path, &bytes).expect("torn");
        let mut guard = Guard::open(&path).expect("the other slot");
        assert!(guard.sign(place(2, 0, Step::Prevote), b"b", |_| [2; 64]).is_err(), "still refused");
        guard.sign(place(3, 0, Step::Prevote), b"b", |_| [2; 64]).expect("its signature never left");
        let mut guard = Guard::open(&path).expect("both slots");
        assert!(guard.sign(place(3, 0, Step::Prevote), b"c", |_| [3; 64]).is_err());
    }

    #[test]
    fn a_damaged_guard_is_not_silently_replaced() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("state.json");
        for damaged in ["", "{"] {
            std::fs::write(&path, damaged).expect("written");
            assert!(matches!(Guard::open(&path), Err(GuardError::Damaged(_))));
        }
    }
}
