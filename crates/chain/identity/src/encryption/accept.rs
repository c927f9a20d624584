//! What a message must bring where a field takes an envelope.

use ve_base::envelope::{self, Subject};
use ve_base::keys::PublicKey;
use ve_base::{Address, CodedError};
use ve_chain_core::auth::account;
use ve_proto::ve::encryption::v1::{Envelope, KeyState};
use ve_store::Read;

use super::error::Error;
use super::{params, registry};

/// Takes an envelope for an object: whole, within bounds, sealed to active keys only, signed for this object by an
/// account that has used its key. `sender` is the signer of the message.
pub fn accept(
    state: &dyn Read,
    envelope: &Envelope,
    subject: &Subject<'_>,
    sender: &Address,
) -> Result<(), CodedError> {
    let params = params::load(state)?;
    envelope::check(envelope, &params::limits(&params))?;
    for entry in &envelope.recipients {
        let key = registry::find(state, &entry.key_id)?;
        if key.state() != KeyState::Active || key.suite != envelope.suite {
            return Err(Error::KeyNotActive(entry.key_id.clone()).into());
        }
    }
    let public_key = account::account(state, sender)?.and_then(|account| account.base().pub_key);
    let unsigned = || envelope::Error::SignatureInvalid(format!("{sender} has no public key on the chain yet"));
    let public_key = PublicKey::from_any(&public_key.ok_or_else(unsigned)?)?;
    Ok(envelope::verify_sender(envelope, subject, &public_key)?)
}

/// As [`accept`] for an envelope to a committee: `members` are the ids of all its keys, in order, which another registry
/// keeps. There is room for them alone. `sender` is the key that must have signed it.
pub fn accept_for_committee(
    state: &dyn Read,
    envelope: &Envelope,
    subject: &Subject<'_>,
    members: &[String],
    sender: &PublicKey,
) -> Result<(), CodedError> {
    check_for_committee(state, envelope, members)?;
    Ok(envelope::verify_sender(envelope, subject, sender)?)
}

/// As [`accept_for_committee`] for an envelope whose sender something else vouches for.
pub fn check_for_committee(state: &dyn Read, envelope: &Envelope, members: &[String]) -> Result<(), CodedError> {
    let limits = envelope::Limits { max_recipients: members.len(), ..params::limits(&params::load(state)?) };
    envelope::check(envelope, &limits)?;
    let named = envelope.recipients.iter().map(|entry| &entry.key_id);
    if let Some(missing) = members.iter().find(|id| named.clone().all(|named| named != *id)) {
        let short = missing.chars().take(64).collect();
        return Err(Error::NotAllMembers(short).into());
    }
    Ok(())
}
