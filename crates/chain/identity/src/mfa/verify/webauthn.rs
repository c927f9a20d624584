//! Registration and assertion of WebAuthn credentials (W3C WebAuthn Level 3, sections 6 and 7), from the bytes alone.

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use ve_proto::ve::mfa::v1::RelyingParty;

use crate::cbor::{self, Value};
use crate::mfa::error::Error;

const MAX_CLIENT_DATA: usize = 2048;
const MAX_AUTHENTICATOR_DATA: usize = 2048;
const MAX_CREDENTIAL_ID: usize = 1023;
/// Modulus of an RSA key in bytes.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_CREDENTIAL: u8 = 0x40;
const HAS_EXTENSIONS: u8 = 0x80;

fn refused(why: &'static str) -> Error {
    Error::Proof(why)
}

#[derive(Deserialize)]
struct ClientData {
    r#type: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    #[serde(rename = "topOrigin")]
    top_origin: Option<String>,
}

/// What an authenticator says about a ceremony.
#[derive(Debug)]
pub struct AuthenticatorData<'a> {
    rp_id_hash: &'a [u8],
    flags: u8,
    pub counter: u32,
    credential: Option<Credential>,
}

/// A credential that an authenticator made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub aaguid: [u8; 16],
    pub id: Vec<u8>,
    /// COSE_Key in CBOR.
    pub public_key: Vec<u8>,
}

/// The browser was asked this, for this purpose, on a page of the relying party. Returns the relying party.
fn client_data<'a>(
    bytes: &[u8],
    purpose: &str,
    challenge: &[u8; 32],
    parties: &'a [RelyingParty],
) -> Result<&'a RelyingParty, Error> {
    if bytes.len() > MAX_CLIENT_DATA {
        return Err(refused("the client data is too long"));
    }
    // A member twice is an error of the reader, so nobody sees another document than the one that is checked.
    let data: ClientData = serde_json::from_slice(bytes).map_err(|_| refused("the client data is malformed"))?;
    if data.r#type != purpose {
        return Err(refused("the ceremony was for another purpose"));
    }
    if data.challenge != BASE64URL_NOPAD.encode(challenge) {
        return Err(refused("it answers another challenge"));
    }
    if data.cross_origin || data.top_origin.is_some() {
        return Err(refused("the ceremony ran within a page of somebody else"));
    }
    let of = parties.iter().find(|party| party.origins.contains(&data.origin));
    of.ok_or_else(|| refused("the origin is not one of the chain's pages"))
}

fn parse(bytes: &[u8]) -> Option<AuthenticatorData<'_>> {
    let (rp_id_hash, rest) = bytes.split_at_checked(32)?;
    let (head, mut rest) = rest.split_at_checked(5)?;
    let (flags, counter) = head.split_first()?;
    let counter = u32::from_be_bytes(counter.try_into().ok()?);
    let credential = if flags & HAS_CREDENTIAL == 0 { None } else { Some(credential(&mut rest)?) };
    if flags & HAS_EXTENSIONS != 0 && !matches!(cbor::read(&mut rest)?, Value::Map(_)) {
        return None;
    }
    rest.is_empty().then_some(AuthenticatorData { rp_id_hash, flags: *flags, counter, credential })
}

fn credential(rest: &mut &[u8]) -> Option<Credential> {
    let (aaguid, tail) = rest.split_at_checked(16)?;
    let (length, tail) = tail.split_at_checked(2)?;
    let length = usize::from(u16::from_be_bytes(length.try_into().ok()?));
    let (id, mut tail) = tail.split_at_checked(length)?;
    let before = tail;
    cbor::read(&mut tail)?;
    let public_key = before.get(..before.len().checked_sub(tail.len())?)?.to_vec();
    *rest = tail;
    Some(Credential { aaguid: aaguid.try_into().ok()?, id: id.to_vec(), public_key })
}

fn authenticator_data<'a>(bytes: &'a [u8], rp_id: &str) -> Result<AuthenticatorData<'a>, Error> {
    if bytes.len() > MAX_AUTHENTICATOR_DATA {
        return Err(refused("the authenticator data is too long"));
    }
    let data = parse(bytes).ok_or_else(|| refused("the authenticator data is malformed"))?;
    if data.rp_id_hash != Sha256::digest(rp_id).as_slice() {
        return Err(refused("the credential is of another relying party"));
    }
    if data.flags & USER_PRESENT == 0 || data.flags & USER_VERIFIED == 0 {
        return Err(refused("the authenticator did not verify that its user was there"));
    }
    if data.flags & BACKED_UP != 0 && data.flags & BACKUP_ELIGIBLE == 0 {
        return Err(refused("the authenticator contradicts itself"));
    }
    Ok(data)
}

/// Takes a new credential: the relying party it is for, the credential and its first counter.
pub fn register(
    attestation_object: &[u8],
    client_data_json: &[u8],
    challenge: &[u8; 32],
    parties: &[RelyingParty],
) -> Result<(String, Credential, u32), Error> {
    let malformed = || refused("the attestation object is malformed");
    let party = client_data(client_data_json, "webauthn.create", challenge, parties)?;
    let object = cbor::whole(attestation_object).ok_or_else(malformed)?;
    let data = object.text("authData").and_then(Value::as_bytes).ok_or_else(malformed)?;
    let parsed = authenticator_data(data, &party.id)?;
    let credential = parsed.credential.ok_or_else(malformed)?;
    if credential.id.is_empty() || credential.id.len() > MAX_CREDENTIAL_ID {
        return Err(refused("a credential id has from 1 to 1023 bytes"));
    }
    let key = Key::parse(&credential.public_key)?;
    let statement = object.text("attStmt").ok_or_else(malformed)?;
    match object.text("fmt") {
        Some(Value::Text(format)) if format == "none" && *statement == Value::Map(Vec::new()) => {}
        Some(Value::Text(format)) if format == "packed" => {
            self_attested(statement, &key, data, client_data_json)?;
        }
        _ => return Err(refused("the attestation must be of the format none, or packed by the credential itself")),
    }
    Ok((party.id.clone(), credential, parsed.counter))
}

/// The credential signed its own registration.
fn self_attested(statement: &Value, key: &Key, data: &[u8], client_data_json: &[u8]) -> Result<(), Error> {
    let malformed = || refused("the attestation object is malformed");
    if statement.text("x5c").is_some() {
        return Err(refused("attestations by the maker of the authenticator are not taken; ask for none"));
    }
    if statement.text("alg").and_then(Value::as_integer) != Some(key.algorithm()) {
        return Err(refused("the attestation is by another algorithm than the key's"));
    }
    let signature = statement.text("sig").and_then(Value::as_bytes).ok_or_else(malformed)?;
    key.verify(&signed(data, client_data_json), signature)
}

fn signed(authenticator_data: &[u8], client_data_json: &[u8]) -> Vec<u8> {
    [authenticator_data, &Sha256::digest(client_data_json)].concat()
}

/// An answer of a credential to a challenge.
pub struct Assertion<'a> {
    pub authenticator_data: &'a [u8],
    pub client_data_json: &'a [u8],
    pub signature: &'a [u8],
}

/// Checks an assertion of the credential with this COSE key. Returns the new counter; whether it rose is for the caller.
pub fn assert(
    assertion: &Assertion<'_>,
    public_key: &[u8],
    relying_party: &str,
    challenge: &[u8; 32],
    parties: &[RelyingParty],
) -> Result<u32, Error> {
    let party = client_data(assertion.client_data_json, "webauthn.get", challenge, parties)?;
    if party.id != relying_party {
        return Err(refused("the credential is of another relying party"));
    }
    let data = authenticator_data(assertion.authenticator_data, relying_party)?;
    let message = signed(assertion.authenticator_data, assertion.client_data_json);
    Key::parse(public_key)?.verify(&message, assertion.signature)?;
    Ok(data.counter)
}

/// A credential's key: the algorithm is the key's own, never one that the assertion names.
enum Key {
    /// Uncompressed point.
    Es256(Vec<u8>),
    EdDsa(Vec<u8>),
    Rs256 {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
}

impl Key {
    fn parse(cose: &[u8]) -> Result<Self, Error> {
        let map = cbor::whole(cose).ok_or_else(|| refused("the credential's key is malformed"))?;
        let number = |key| map.number(key).and_then(Value::as_integer);
        let bytes = |key| map.number(key).and_then(Value::as_bytes);
        let unknown = || refused("the credential's key must be ES256, EdDSA or RS256");
        match (number(1), number(3)) {
            (Some(2), Some(-7)) if number(-1) == Some(1) => {
                let (x, y) = bytes(-2).zip(bytes(-3)).ok_or_else(unknown)?;
                if x.len() != 32 || y.len() != 32 {
                    return Err(unknown());
                }
                Ok(Self::Es256([&[4], x, y].concat()))
            }
            (Some(1), Some(-8)) if number(-1) == Some(6) => {
                let x = bytes(-2).filter(|x| x.len() == 32).ok_or_else(unknown)?;
                Ok(Self::EdDsa(x.to_vec()))
            }
            (Some(3), Some(-257)) => {
                let (n, e) = bytes(-1).zip(bytes(-2)).ok_or_else(unknown)?;
                if !RSA_BYTES.contains(&n.len()) || e.len() > 4 {
                    return Err(refused("an RSA key has from 2048 to 4096 bits"));
                }
                Ok(Self::Rs256 { modulus: n.to_vec(), exponent: e.to_vec() })
            }
            _ => Err(unknown()),
        }
    }

    fn algorithm(&self) -> i64 {
        match self {
            Self::Es256(_) => -7,
            Self::EdDsa(_) => -8,
            Self::Rs256 { .. } => -257,
        }
    }

    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let plain = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(message, signature)
        };
        let verified =
            match self {
                Self::Es256(key) => plain(&signature::ECDSA_P256_SHA256_ASN1, key),
                Self::EdDsa(key) => plain(&signature::ED25519, key),
                Self::Rs256 { modulus, exponent } => signature::RsaPublicKeyComponents { n: modulus, e: exponent }
                    .verify(&signature::RSA_PKCS1_2048_8192_SHA256, message, signature),
            };
        verified.map_err(|_| refused("the signature does not fit"))
    }
}

#[cfg(test)]
#[path = "../tests/webauthn.rs"]
mod tests;
