//! Account keys: addresses and signature verification (platform spec section 1).

mod consensus;
pub mod hd;
pub mod multisig;
mod secret;

use prost::{Message, Name};
use prost_types::Any;
use ripemd::Ripemd160;
use sha2::{Digest, Sha256};
use ve_proto::cosmos::crypto;

use crate::address::Address;
use crate::errors::sdk::Error;

pub use consensus::{ConsensusSecret, consensus_address};
pub use multisig::Multisig;
pub use secret::SecretKey;

/// A public key of any type that accounts may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// Compressed, 33 bytes.
    Secp256k1([u8; 33]),
    Ed25519([u8; 32]),
    /// Compressed P-256, 33 bytes.
    Secp256r1([u8; 33]),
    Multisig(Multisig),
}

fn invalid(cause: impl std::fmt::Display) -> Error {
    Error::InvalidPubKey(format!("invalid pubkey: {cause}"))
}

fn sized<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Error> {
    bytes.try_into().map_err(|_| invalid(format!("a key of {} bytes where {N} are expected", bytes.len())))
}

impl PublicKey {
    pub fn from_any(any: &Any) -> Result<Self, Error> {
        fn decode<M: Message + Default>(any: &Any) -> Result<M, Error> {
            M::decode(any.value.as_slice()).map_err(|_| invalid("its bytes do not decode"))
        }
        let url = any.type_url.as_str();
        if url == crypto::secp256k1::PubKey::type_url() {
            Ok(Self::Secp256k1(sized(&decode::<crypto::secp256k1::PubKey>(any)?.key)?))
        } else if url == crypto::ed25519::PubKey::type_url() {
            Ok(Self::Ed25519(sized(&decode::<crypto::ed25519::PubKey>(any)?.key)?))
        } else if url == crypto::secp256r1::PubKey::type_url() {
            Ok(Self::Secp256r1(sized(&decode::<crypto::secp256r1::PubKey>(any)?.key)?))
        } else if url == crypto::multisig::LegacyAminoPubKey::type_url() {
            Multisig::from_proto(&decode(any)?).map(Self::Multisig)
        } else {
            Err(invalid(format!("unknown type {url:?}")))
        }
    }

    pub fn to_any(&self) -> Any {
        fn pack<M: Message + Name>(message: &M) -> Any {
            Any { type_url: M::type_url(), value: message.encode_to_vec() }
        }
        match self {
            Self::Secp256k1(key) => pack(&crypto::secp256k1::PubKey { key: key.to_vec() }),
            Self::Ed25519(key) => pack(&crypto::ed25519::PubKey { key: key.to_vec() }),
            Self::Secp256r1(key) => pack(&crypto::secp256r1::PubKey { key: key.to_vec() }),
            Self::Multisig(multisig) => pack(&multisig.to_proto()),
        }
    }

    /// Bytes that identify the key among all keys of all types.
    pub fn to_bytes(&self) -> Vec<u8> {
        let any = self.to_any();
        [any.type_url.as_bytes(), &any.value].concat()
    }

    pub fn address(&self) -> Address {
        match self {
            Self::Secp256k1(key) => {
                let digest: [u8; 20] = Ripemd160::digest(Sha256::digest(key)).into();
                Address::from(digest)
            }
            Self::Ed25519(key) => Address::from(consensus_address(key)),
            // ADR-28: SHA-256(SHA-256(type name) ‖ key), 32 bytes.
            Self::Secp256r1(key) => {
                let kind = Sha256::digest(crypto::secp256r1::PubKey::full_name().as_bytes());
                let digest = Sha256::new().chain_update(kind).chain_update(key).finalize();
                Address::try_from(digest.as_slice()).unwrap_or_else(|_| truncated(&digest.into()))
            }
            Self::Multisig(multisig) => truncated(&Sha256::digest(multisig.amino()).into()),
        }
    }

    /// Refuses bytes that are no point of the key's curve. Keys are taken as they come until they verify something; a
    /// key that is kept for later (a validator's) is checked first.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            Self::Secp256k1(key) => secp256k1::PublicKey::from_slice(key).map(|_| ()).map_err(invalid),
            Self::Ed25519(key) => ed25519_zebra::VerificationKey::try_from(*key).map(|_| ()).map_err(invalid),
            Self::Secp256r1(key) => p256_uncompressed(key).map(|_| ()),
            Self::Multisig(multisig) => multisig.members().iter().try_for_each(Self::check),
        }
    }

    /// Verifies a 64-byte signature over `message`. secp256k1 and P-256 sign SHA-256(message) and only the low-S form
    /// is accepted, so that nobody can change a transaction's hash; ed25519 follows ZIP-215. Multisig signatures are
    /// verified by [`crate::tx::SignDoc::verify`], because members sign different bytes.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Error> {
        let refused = || Error::Unauthorized("the signature does not match the key and the signed bytes".into());
        let sized_signature: [u8; 64] = signature
            .try_into()
            .map_err(|_| Error::Unauthorized(format!("a signature has 64 bytes (r, s), got {}", signature.len())))?;
        match self {
            Self::Secp256k1(key) => {
                let key = secp256k1::PublicKey::from_slice(key).map_err(invalid)?;
                let parsed = secp256k1::ecdsa::Signature::from_compact(&sized_signature).map_err(|_| refused())?;
                let mut low = parsed;
                low.normalize_s();
                if low != parsed {
                    return Err(Error::Unauthorized("the signature's s is high; use its low-S form".into()));
                }
                let digest: [u8; 32] = Sha256::digest(message).into();
                let digest = secp256k1::Message::from_digest(digest);
                secp256k1::ecdsa::verify(&parsed, digest, &key).map_err(|_| refused())
            }
            Self::Ed25519(key) => ed25519_zebra::VerificationKey::try_from(*key)
                .map_err(invalid)?
                .verify(&sized_signature.into(), message)
                .map_err(|_| refused()),
            Self::Secp256r1(key) => {
                if !low_s_p256(&sized_signature) {
                    return Err(Error::Unauthorized("the signature's s is high; use its low-S form".into()));
                }
                let algorithm = &ring::signature::ECDSA_P256_SHA256_FIXED;
                let key = p256_uncompressed(key)?;
                ring::signature::UnparsedPublicKey::new(algorithm, key)
                    .verify(message, signature)
                    .map_err(|_| refused())
            }
            Self::Multisig(_) => Err(Error::Unauthorized("a multisig signs per member".into())),
        }
    }
}

fn truncated(digest: &[u8; 32]) -> Address {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&digest[..20]);
    Address::from(bytes)
}

/// Half of the order of P-256, big-endian.
const P256_HALF_ORDER: [u8; 32] = [
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xde, 0x73, 0x7d,
    0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa8,
];

fn low_s_p256(signature: &[u8; 64]) -> bool {
    signature[32..] <= P256_HALF_ORDER[..]
}

/// `ring` takes uncompressed points only.
fn p256_uncompressed(key: &[u8; 33]) -> Result<Vec<u8>, Error> {
    use p256::elliptic_curve::sec1::ToEncodedPoint as _;
    let point = p256::PublicKey::from_sec1_bytes(key).map_err(invalid)?;
    Ok(point.to_encoded_point(false).as_bytes().to_vec())
}
