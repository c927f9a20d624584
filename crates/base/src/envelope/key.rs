//! Keys that data is sealed to, and the proof that their owner holds the secret.

use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::scalar::{Scalar, clamp_integer};
use hmac::{Hmac, Mac};
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::{Deserializable, Kem, Serializable};
use sha2::{Digest, Sha256, Sha512};
use ve_proto::ve::encryption::v1::Suite;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::Error;
use crate::keys::SecretKey;
use crate::preimage::preimage;

const X25519_LEN: usize = 32;
/// Bytes of an X-Wing public key: ML-KEM-768, then X25519.
const X_WING_LEN: usize = 1216;

/// `fingerprint:vN`.
pub fn key_id(public_key: &[u8], version: u32) -> String {
    format!("{}:v{version}", fingerprint(public_key))
}

fn fingerprint(public_key: &[u8]) -> String {
    let digest = Sha256::digest(public_key);
    hex::encode(digest.get(..20).unwrap_or_default())
}

/// A public key that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicEncryptionKey {
    suite: Suite,
    bytes: Vec<u8>,
}

impl PublicEncryptionKey {
    /// Refuses unknown suites, wrong lengths, points off the curve or of low order, and ML-KEM keys out of range.
    pub fn new(suite: Suite, bytes: &[u8]) -> Result<Self, Error> {
        match suite {
            Suite::X25519 if bytes.len() == X25519_LEN => {}
            Suite::XWing if bytes.len() == X_WING_LEN => {
                <XWing as Kem>::PublicKey::from_bytes(bytes)
                    .map_err(|_| Error::Malformed("the ML-KEM-768 part of the public key is out of range".into()))?;
            }
            Suite::X25519 | Suite::XWing => {
                return Err(Error::Malformed(format!("a public key of {} bytes does not fit its suite", bytes.len())));
            }
            Suite::Unspecified => return Err(Error::UnsupportedSuite(suite as i32)),
        }
        let key = Self { suite, bytes: bytes.to_vec() };
        key.edwards()?;
        Ok(key)
    }

    pub fn suite(&self) -> Suite {
        self.suite
    }

    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Lower-case hex of SHA-256(key)[..20].
    pub fn fingerprint(&self) -> String {
        fingerprint(&self.bytes)
    }

    /// The X25519 part as the point of Ed25519 with sign 0.
    fn edwards(&self) -> Result<EdwardsPoint, Error> {
        let start = self.bytes.len().checked_sub(X25519_LEN).ok_or(Error::LowOrderPoint)?;
        let tail = self.bytes.get(start..).and_then(|bytes| bytes.try_into().ok()).ok_or(Error::LowOrderPoint)?;
        let point = MontgomeryPoint(tail).to_edwards(0).ok_or(Error::LowOrderPoint)?;
        if point.is_small_order() { Err(Error::LowOrderPoint) } else { Ok(point) }
    }

    /// Verifies what [`EncryptionKey::prove`] gave for the same owner.
    pub fn verify_possession(&self, chain_id: &str, owner: &str, proof: &[u8]) -> Result<(), Error> {
        let refused = || Error::SignatureInvalid("the proof of possession is not of this key and owner".into());
        let proof: [u8; 64] = proof.try_into().map_err(|_| refused())?;
        let key = ed25519_zebra::VerificationKey::try_from(self.edwards()?.compress().0).map_err(|_| refused())?;
        key.verify(&ed25519_zebra::Signature::from(proof), &possession(chain_id, owner, &self.bytes))
            .map_err(|_| refused())
    }
}

fn possession(chain_id: &str, owner: &str, public_key: &[u8]) -> [u8; 32] {
    preimage("encryption-key", chain_id, &[owner.as_bytes(), public_key])
}

/// A secret key of 32 bytes, erased when dropped, never shown by `Debug`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct EncryptionKey {
    #[zeroize(skip)]
    suite: Suite,
    secret: [u8; 32],
}

impl std::fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EncryptionKey(..)")
    }
}

impl EncryptionKey {
    pub fn from_bytes(suite: Suite, secret: [u8; 32]) -> Result<Self, Error> {
        match suite {
            Suite::X25519 | Suite::XWing => Ok(Self { suite, secret }),
            Suite::Unspecified => Err(Error::UnsupportedSuite(suite as i32)),
        }
    }

    /// The key of a version that belongs to an account: HMAC-SHA-256 of the account's secret over its purpose, suite and
    /// version. Who restores the account from its mnemonic restores this key too.
    pub fn of_account(account: &SecretKey, suite: Suite, version: u32) -> Result<Self, Error> {
        let mut secret = account.to_bytes();
        let mac = <Hmac<Sha256> as Mac>::new_from_slice(&secret);
        secret.zeroize();
        // HMAC takes keys of any length; the error cannot occur, and is not a panic if it ever does.
        let mut mac = mac.map_err(|_| Error::Malformed("the account's secret".into()))?;
        mac.update(b"VE|encryption-key|v1|");
        mac.update(&(suite as i32).to_be_bytes());
        mac.update(&version.to_be_bytes());
        Self::from_bytes(suite, mac.finalize().into_bytes().into())
    }

    pub fn suite(&self) -> Suite {
        self.suite
    }

    pub fn public(&self) -> Result<PublicEncryptionKey, Error> {
        let bytes = match self.suite {
            Suite::XWing => XWing::sk_to_pk(&self.kem::<XWing>()?).to_bytes().to_vec(),
            _ => X25519HkdfSha256::sk_to_pk(&self.kem::<X25519HkdfSha256>()?).to_bytes().to_vec(),
        };
        PublicEncryptionKey::new(self.suite, &bytes)
    }

    pub(super) fn kem<K: Kem>(&self) -> Result<K::PrivateKey, Error> {
        K::PrivateKey::from_bytes(&self.secret).map_err(|_| Error::Malformed("the secret key".into()))
    }

    /// Shows that the holder of this key wants it registered for `owner`: an XEdDSA signature (Signal, "The XEdDSA and
    /// VXEdDSA Signature Schemes", section 2) of the key's X25519 part. `entropy` is fresh randomness.
    pub fn prove(&self, chain_id: &str, owner: &str, entropy: &[u8; 64]) -> Result<[u8; 64], Error> {
        let public = self.public()?;
        let message = possession(chain_id, owner, public.bytes());
        let mut private = self.x25519_scalar();
        let mut point = EdwardsPoint::mul_base(&private);
        if point.compress().0[31] & 0x80 != 0 {
            private = -private;
            point = -point;
        }
        let public = point.compress().0;
        let nonce = Sha512::new()
            // hash_1 of the scheme: a prefix that no encoded point begins with.
            .chain_update([0xfe])
            .chain_update([0xff; 31])
            .chain_update(private.as_bytes())
            .chain_update(message)
            .chain_update(entropy);
        let nonce = Scalar::from_bytes_mod_order_wide(&nonce.finalize().into());
        let commitment = EdwardsPoint::mul_base(&nonce).compress().0;
        let challenge = Sha512::new().chain_update(commitment).chain_update(public).chain_update(message);
        let challenge = Scalar::from_bytes_mod_order_wide(&challenge.finalize().into());
        let response = nonce + challenge * private;
        private.zeroize();
        let mut proof = [0; 64];
        proof[..32].copy_from_slice(&commitment);
        proof[32..].copy_from_slice(response.as_bytes());
        Ok(proof)
    }

    fn x25519_scalar(&self) -> Scalar {
        let mut secret = match self.suite {
            // The expansion of draft-connolly-cfrg-xwing-kem section 5.2: ML-KEM takes 64 bytes, X25519 the last 32.
            Suite::XWing => x_wing_x25519(&self.secret),
            _ => self.secret,
        };
        let scalar = Scalar::from_bytes_mod_order(clamp_integer(secret));
        secret.zeroize();
        scalar
    }
}

fn x_wing_x25519(seed: &[u8; 32]) -> [u8; 32] {
    use shake::{ExtendableOutput, Update, XofReader};
    let mut shake = shake::Shake256::default();
    shake.update(seed);
    let mut reader = shake.finalize_xof();
    let (mut ml_kem, mut x25519) = ([0; 64], [0; 32]);
    reader.read(&mut ml_kem);
    reader.read(&mut x25519);
    ml_kem.zeroize();
    x25519
}
