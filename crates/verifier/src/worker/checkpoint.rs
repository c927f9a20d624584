//! What a worker must not forget: the features that it is bound to in a run. A file for each run, sealed to the
//! member's own key, on disk before anybody hears of its commitment.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use hmac::{Hmac, Mac as _};
use prost::Message as _;
use sha2::Sha256;
use ve_base::envelope::{self, Recipients};
use ve_base::keys::ConsensusSecret;
use ve_base::preimage::preimage;
use ve_base::verification::{self, Opened, RunSubject};
use ve_inference::Features;
use ve_inference::agreement::Reveal;
use ve_proto::ve::encryption::v1::{Envelope, Mode};
use zeroize::Zeroizing;

use super::{Keys, WorkerError, hex};

/// Longest checkpoint.
const MAX_FILE: u64 = 64 << 10;
/// Longer than a run lasts, and than a node lags behind that is worth asking.
const KEPT: Duration = Duration::from_secs(2 * 86_400);

/// What a member is bound to in a run.
pub(crate) struct Checkpoint(Reveal);

impl Checkpoint {
    /// Binds features with a nonce that only the holder of the enclave's key can compute. The same features in the same
    /// run have the same nonce, so that a member whose disk is lost binds itself to the same again; others never share
    /// one, because what they are sealed with follows from it.
    pub(crate) fn new(place: &Place, features: Features, key: &ConsensusSecret) -> Option<Self> {
        let seed = Zeroizing::new(key.seed());
        let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(seed.as_slice()).ok()?;
        mac.update(&place.name);
        mac.update(&features.encode());
        Some(Self(Reveal { nonce: mac.finalize().into_bytes().into(), features }))
    }

    /// As the agreement takes it.
    pub(crate) fn reveal(&self) -> &Reveal {
        &self.0
    }
}

/// A member's place in a run of a chain, which names the checkpoint: two members or chains never share one.
pub(crate) struct Place {
    name: [u8; 32],
}

/// The checkpoints of a member. While it lives no other worker has the same folder.
pub(crate) struct Checkpoints {
    folder: PathBuf,
    chain_id: String,
    member: String,
    _lock: File,
}

impl Checkpoints {
    /// Makes the folder where it is missing, and keeps others out of it.
    pub(crate) fn open(folder: PathBuf, chain_id: &str, member: &str) -> Result<Self, WorkerError> {
        let failed = |error: std::io::Error| WorkerError::Checkpoint(folder.clone(), error.to_string());
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        // The folder itself must survive a loss of power, too.
        if let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)?;
        }
        let lock = File::options().write(true).create(true).truncate(false).mode(0o600).open(folder.join("lock"));
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(WorkerError::Busy(folder)),
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        Ok(Self { folder, chain_id: chain_id.to_owned(), member: member.to_owned(), _lock: lock })
    }

    pub(crate) fn place(&self, run_id: &[u8]) -> Place {
        Place { name: preimage("veid-checkpoint", &self.chain_id, &[self.member.as_bytes(), run_id]) }
    }

    fn path(&self, place: &Place) -> PathBuf {
        self.folder.join(format!("{}.run", hex(&place.name)))
    }

    /// What this member is bound to in a run. A file that cannot be opened is an error: going on without it could bind
    /// the member twice.
    pub(crate) fn read(&self, place: &Place, keys: &Keys) -> Result<Option<Checkpoint>, WorkerError> {
        let path = self.path(place);
        let mut bytes = Vec::new();
        match File::open(&path).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut bytes)) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(WorkerError::Checkpoint(path, error.to_string())),
            Ok(_) => {}
        }
        match self.opened(place, &bytes, keys) {
            Some(kept) => Ok(Some(kept)),
            None => Err(WorkerError::Damaged(path)),
        }
    }

    fn opened(&self, place: &Place, bytes: &[u8], keys: &Keys) -> Option<Checkpoint> {
        let sealed = Envelope::decode(bytes).ok()?;
        let opened = keys.all().find_map(|(fingerprint, key)| {
            let id = format!("{fingerprint}:v1");
            verification::open_opened(&self.subject(place), &own(&id, key)?, &sealed, &id, key).ok()
        })?;
        Some(Checkpoint(Reveal { nonce: opened.nonce, features: Features::decode(&opened.features).ok()? }))
    }

    /// Keeps what the member is bound to: on return it survives a loss of power.
    pub(crate) fn write(&self, place: &Place, kept: &Checkpoint, keys: &Keys) -> Result<(), WorkerError> {
        let path = self.path(place);
        let opened = Opened { nonce: kept.0.nonce, features: kept.0.features.encode() };
        let sealed = keys.own().and_then(|(fingerprint, key)| {
            let recipients = own(&format!("{fingerprint}:v1"), key)?;
            verification::seal_opened(&self.subject(place), &recipients, &opened).ok()
        });
        let Some(sealed) = sealed else {
            return Err(WorkerError::Checkpoint(path, "the first sealing key is bad".into()));
        };
        self.replace(&path, &sealed.encode_to_vec()).map_err(|error| WorkerError::Checkpoint(path, error.to_string()))
    }

    /// Under another name first, so that there never is half a checkpoint.
    fn replace(&self, path: &Path, bytes: &[u8]) -> std::io::Result<()> {
        let fresh = path.with_extension("new");
        let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&fresh, path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Forgets runs that are not open and were begun long ago. A node that lags behind may not know a run yet, so that
    /// what it does not list is not over for that alone.
    pub(crate) fn keep_only(&self, open: &[&[u8]]) -> Result<(), WorkerError> {
        let open: Vec<PathBuf> = open.iter().map(|run_id| self.path(&self.place(run_id))).collect();
        self.remove_old(&open).map_err(|error| WorkerError::Checkpoint(self.folder.clone(), error.to_string()))
    }

    fn remove_old(&self, open: &[PathBuf]) -> std::io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let kind = path.extension().and_then(|extension| extension.to_str());
            if matches!(kind, Some("run" | "new")) && !open.contains(&path) && age(&path)? > KEPT {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    /// What a checkpoint's envelope belongs to: never what others see, so that no key is used for both.
    fn subject<'a>(&'a self, place: &'a Place) -> RunSubject<'a> {
        RunSubject { chain_id: &self.chain_id, run_id: &place.name, owner: &self.member }
    }
}

fn age(path: &Path) -> std::io::Result<Duration> {
    let modified = fs::metadata(path)?.modified()?;
    Ok(SystemTime::now().duration_since(modified).unwrap_or_default())
}

fn own(id: &str, key: &envelope::EncryptionKey) -> Option<Recipients> {
    let keys = [(id.to_owned(), key.public().ok()?)].into_iter().collect();
    Some(Recipients { mode: Mode::Specific, epoch: 0, keys })
}
