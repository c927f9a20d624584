//! What can be known of an envelope without any key: its form and its sender. This is all that the chain does.

use ve_proto::ve::encryption::v1::{Envelope, Mode, Suite};

use super::{DEK_LEN, Error, MAX_DATA_CLASS, NONCE_LEN, Subject, TAG_LEN, VERSION, is_content_type, recipients_hash};
use crate::ACCOUNT_PREFIX;
use crate::keys::PublicKey;

const COMMIT_LEN: usize = 32;
/// Multibase prefix and base 32 of 36 bytes.
const CID_LEN: usize = 59;

/// Bounds of what may enter state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub max_recipients: usize,
    /// Bytes of a ciphertext that the envelope carries.
    pub max_inline: usize,
    pub suites: Vec<Suite>,
}

/// Refuses what is no whole envelope: this is how a field keeps plaintext out.
pub fn check(envelope: &Envelope, limits: &Limits) -> Result<(), Error> {
    if *envelope == Envelope::default() {
        return Err(Error::PlaintextForbidden("it is empty".into()));
    }
    let malformed = |cause: &str| Err(Error::Malformed(cause.into()));
    if envelope.version != VERSION {
        return Err(Error::Malformed(format!("version {} is unknown; this chain takes {VERSION}", envelope.version)));
    }
    let suite = Suite::try_from(envelope.suite).unwrap_or(Suite::Unspecified);
    if !limits.suites.contains(&suite) || suite == Suite::Unspecified {
        return Err(Error::UnsupportedSuite(envelope.suite));
    }
    match Mode::try_from(envelope.mode) {
        Ok(Mode::Specific) if envelope.epoch == 0 => {}
        Ok(Mode::Committee | Mode::ValidatorSet) => {}
        _ => return malformed("give a mode, and an epoch only for a committee or validator set"),
    }
    recipients(envelope, suite, limits)?;
    if envelope.nonce.len() != NONCE_LEN || envelope.dek_commit.len() != COMMIT_LEN {
        return malformed("nonce or key commitment has a wrong length");
    }
    match (envelope.ciphertext.len(), envelope.cid.as_str()) {
        (0, "") => return Err(Error::PlaintextForbidden("there is neither ciphertext nor cid".into())),
        (0, cid) => {
            let known = cid.strip_prefix("bafkrei").is_some_and(|rest| {
                cid.len() == CID_LEN && rest.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
            });
            if !known {
                return malformed("the cid is not version 1 of raw bytes under SHA-256 in base 32");
            }
        }
        (_, cid) if !cid.is_empty() => return malformed("give the ciphertext or its cid, not both"),
        (length, _) if length < TAG_LEN => return Err(Error::PlaintextForbidden("the ciphertext has no tag".into())),
        (length, _) if length > limits.max_inline => {
            let most = limits.max_inline;
            return Err(Error::Malformed(format!("{length} bytes of ciphertext; keep more than {most} apart by cid")));
        }
        _ => {}
    }
    if !is_content_type(&envelope.content_type) {
        return malformed("the content type is no media type");
    }
    if envelope.data_class > MAX_DATA_CLASS {
        return malformed("the data class is above 4");
    }
    Ok(())
}

fn recipients(envelope: &Envelope, suite: Suite, limits: &Limits) -> Result<(), Error> {
    let count = envelope.recipients.len();
    if count == 0 || count > limits.max_recipients {
        return Err(Error::Malformed(format!("{count} recipients; 1 to {} are taken", limits.max_recipients)));
    }
    let enc_len = match suite {
        Suite::XWing => 1120,
        _ => 32,
    };
    for entry in &envelope.recipients {
        if entry.enc.len() != enc_len || entry.wrapped_dek.len() != DEK_LEN + TAG_LEN {
            return Err(Error::Malformed("a recipient's wrapped key has a wrong length".into()));
        }
    }
    for (left, right) in envelope.recipients.iter().zip(envelope.recipients.iter().skip(1)) {
        match left.key_id.cmp(&right.key_id) {
            std::cmp::Ordering::Less => {}
            std::cmp::Ordering::Equal => return Err(Error::DuplicateRecipient(left.key_id.chars().take(64).collect())),
            std::cmp::Ordering::Greater => return Err(Error::Malformed("sort the recipients by key id".into())),
        }
    }
    let hash = recipients_hash(envelope.recipients.iter().map(|entry| entry.key_id.as_str()));
    if hash[..] != envelope.recipients_hash[..] {
        return Err(Error::Malformed("the recipients are not those of its hash; seal anew instead of editing".into()));
    }
    Ok(())
}

/// That the account with this key sealed the envelope for this subject.
pub fn verify_sender(envelope: &Envelope, subject: &Subject<'_>, sender: &PublicKey) -> Result<(), Error> {
    if sender.address().to_bech32(ACCOUNT_PREFIX) != envelope.sender_key_id {
        return Err(Error::SignatureInvalid("another account's key sealed it".into()));
    }
    sender
        .verify(&subject.signed(envelope), &envelope.sender_signature)
        .map_err(|_| Error::SignatureInvalid("its sender did not sign these bytes for this object".into()))
}
