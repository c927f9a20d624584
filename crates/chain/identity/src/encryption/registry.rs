//! Adding and finding keys.

use std::collections::BTreeMap;

use ve_base::envelope::{PublicEncryptionKey, key_id};
use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::encryption::v1::{KeyState, RecipientKey, Suite};
use ve_sdk::{Context, QueryContext};
use ve_store::Read;

use super::error::Error;
use super::keys::{BY_FINGERPRINT, KEYS, PURGED, VERSIONS, is_live};
use super::params;

const MAX_LABEL: usize = 64;

/// The owner of a key.
pub fn address(text: &str) -> Result<Address, CodedError> {
    parse_account("owner", text)
}

pub fn check_label(label: &str) -> Result<(), Error> {
    let fits = label.chars().count() <= MAX_LABEL && label.chars().all(|letter| !letter.is_control());
    if fits { Ok(()) } else { Err(Error::Label) }
}

pub fn id_of(key: &RecipientKey) -> String {
    format!("{}:v{}", key.fingerprint, key.version)
}

/// A public key as a message brings it.
pub struct Offered<'a> {
    pub owner: &'a str,
    pub suite: i32,
    pub public_key: &'a [u8],
    pub proof: &'a [u8],
    pub label: &'a str,
}

impl Offered<'_> {
    /// What does not need state.
    pub fn check(&self) -> Result<PublicEncryptionKey, CodedError> {
        address(self.owner)?;
        check_label(self.label)?;
        let suite = Suite::try_from(self.suite).unwrap_or(Suite::Unspecified);
        Ok(PublicEncryptionKey::new(suite, self.public_key)?)
    }

    /// Makes it the owner's next active key.
    pub fn register(&self, ctx: &mut Context<'_>) -> Result<RecipientKey, CodedError> {
        let owner = address(self.owner)?;
        let public = self.check()?;
        let params = params::load(ctx)?;
        if !params.suites.contains(&self.suite) {
            return Err(ve_base::envelope::Error::UnsupportedSuite(self.suite).into());
        }
        public.verify_possession(ctx.chain_id(), self.owner, self.proof)?;
        let fingerprint = public.fingerprint();
        if BY_FINGERPRINT.get(ctx, &fingerprint)?.is_some() || PURGED.has(ctx, &fingerprint)? {
            return Err(Error::Exists.into());
        }
        let mut live = 0u32;
        for entry in KEYS.scan().prefix(&owner).entries(ctx) {
            live = live.saturating_add(u32::from(is_live(&entry?.1)));
        }
        if live >= params.max_keys {
            return Err(Error::TooMany(self.owner.to_owned(), params.max_keys).into());
        }
        let version = VERSIONS.get_or_default(ctx, &owner)?.saturating_add(1);
        VERSIONS.set(ctx, &owner, &version)?;
        let now = ctx.time().unix();
        let key = RecipientKey {
            owner: self.owner.to_owned(),
            public_key: self.public_key.to_vec(),
            fingerprint,
            version,
            suite: self.suite,
            state: KeyState::Active.into(),
            registered_at: now,
            expires_at: now.saturating_add(params.key_ttl_seconds),
            label: self.label.to_owned(),
            ..RecipientKey::default()
        };
        KEYS.set(ctx, &(owner, version), &key)?;
        Ok(key)
    }
}

/// The key with this id, `fingerprint:vN`.
pub fn find<R: Read + ?Sized>(state: &R, id: &str) -> Result<RecipientKey, CodedError> {
    let unknown = || Error::NotFound(id.chars().take(64).collect());
    let (fingerprint, _) = id.split_once(":v").ok_or_else(unknown)?;
    let place = BY_FINGERPRINT.get(state, fingerprint)?.ok_or_else(unknown)?;
    let key = KEYS.require(state, &place)?;
    if id_of(&key) == id { Ok(key) } else { Err(unknown().into()) }
}

/// Whose key this is.
pub fn owner_of<R: Read + ?Sized>(state: &R, id: &str) -> Result<Address, CodedError> {
    parse_account("owner", &find(state, id)?.owner)
}

/// As [`find`], for its owner only.
pub fn owned<R: Read + ?Sized>(state: &R, id: &str, owner: &str) -> Result<RecipientKey, CodedError> {
    let key = find(state, id)?;
    if key.owner == owner { Ok(key) } else { Err(Error::NotOwner(id_of(&key), owner.to_owned()).into()) }
}

/// A key's record is what its bytes say.
pub fn consistent(key: &RecipientKey) -> Result<(), Error> {
    let refused = |cause: String| Error::Genesis(format!("key {}: {cause}", id_of(key)));
    address(&key.owner).map_err(|error| refused(error.log))?;
    check_label(&key.label)?;
    let public = PublicEncryptionKey::new(key.suite(), &key.public_key).map_err(|error| refused(error.to_string()))?;
    if key_id(public.bytes(), key.version) != id_of(key) || key.version == 0 {
        return Err(refused("its fingerprint or version is wrong".into()));
    }
    if key.state() == KeyState::Unspecified || (key.state() == KeyState::Revoked) != (key.purge_at > 0) {
        return Err(refused("its state does not fit its times".into()));
    }
    Ok(())
}

/// Every key is consistent, no owner has more live keys than allowed at any time, and versions never run ahead.
pub fn check_all(ctx: &QueryContext<'_>) -> Result<(), String> {
    let mut live: BTreeMap<Address, u32> = BTreeMap::new();
    for entry in KEYS.scan().entries(ctx) {
        let ((owner, version), key) = entry.map_err(|error| error.to_string())?;
        consistent(&key).map_err(|error| error.to_string())?;
        let last = VERSIONS.get_or_default(ctx, &owner).map_err(|error| error.to_string())?;
        if version > last || owner.to_string() != key.owner {
            return Err(format!("key {} is out of its owner's sequence", id_of(&key)));
        }
        if PURGED.has(ctx, &key.fingerprint).map_err(|error| error.to_string())? {
            return Err(format!("purged key {} is back", id_of(&key)));
        }
        let count = live.entry(owner).or_default();
        *count = count.saturating_add(u32::from(is_live(&key)));
    }
    match live.iter().find(|(_, count)| **count > params::MOST_KEYS) {
        Some((owner, count)) => Err(format!("{owner} has {count} live keys")),
        None => Ok(()),
    }
}
