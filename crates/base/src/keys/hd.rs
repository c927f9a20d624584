//! Keys from words: BIP-39 mnemonics, BIP-32 derivation, BIP-44 path `m/44'/118'/{account}'/0/{index}`.

use bip39::{Language, Mnemonic};
use hmac::{Hmac, Mac};
use sha2::Sha512;
use zeroize::{Zeroize, Zeroizing};

use super::SecretKey;

/// SLIP-44 coin type of Cosmos chains.
pub const COIN_TYPE: u32 = 118;
const HARDENED: u32 = 0x8000_0000;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HdError {
    #[error("the mnemonic is not valid: {0}; write 12, 15, 18, 21 or 24 English words in their order")]
    Mnemonic(String),
    #[error("the path yields no key (chance below 2^-127); use the next index")]
    Derivation,
    #[error("account and index must be below 2^31")]
    Index,
}

/// 24 words from 32 bytes of entropy, which must come from the operating system's generator.
pub fn mnemonic_from_entropy(entropy: &[u8; 32]) -> Result<Zeroizing<String>, HdError> {
    let mnemonic =
        Mnemonic::from_entropy_in(Language::English, entropy).map_err(|cause| HdError::Mnemonic(cause.to_string()))?;
    Ok(Zeroizing::new(mnemonic.to_string()))
}

/// The key of `m/44'/118'/{account}'/0/{index}`, without a BIP-39 passphrase.
pub fn derive(mnemonic: &str, account: u32, index: u32) -> Result<SecretKey, HdError> {
    if account >= HARDENED || index >= HARDENED {
        return Err(HdError::Index);
    }
    let mnemonic =
        Mnemonic::parse_in(Language::English, mnemonic.trim()).map_err(|cause| HdError::Mnemonic(cause.to_string()))?;
    let seed = Zeroizing::new(mnemonic.to_seed(""));
    let path = [44 | HARDENED, COIN_TYPE | HARDENED, account | HARDENED, 0, index];
    derive_path(seed.as_slice(), &path)
}

fn derive_path(seed: &[u8], path: &[u32]) -> Result<SecretKey, HdError> {
    let (mut key, mut chain_code) = split(&*hmac(b"Bitcoin seed", &[seed])?)?;
    for child in path {
        let data = if *child & HARDENED != 0 {
            Zeroizing::new([&[0u8][..], &key.to_secret_bytes()].concat())
        } else {
            Zeroizing::new(key.public_key().serialize().to_vec())
        };
        let digest = hmac(&chain_code, &[&data, &child.to_be_bytes()])?;
        let (tweak, next) = split(&digest)?;
        let tweak = secp256k1::Scalar::from(tweak);
        key = key.add_tweak(&tweak).map_err(|_| HdError::Derivation)?;
        chain_code = next;
    }
    let mut bytes = key.to_secret_bytes();
    key.non_secure_erase();
    let derived = SecretKey::from_bytes(bytes).map_err(|_| HdError::Derivation);
    bytes.zeroize();
    derived
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Result<Zeroizing<[u8; 64]>, HdError> {
    let mut mac = Hmac::<Sha512>::new_from_slice(key).map_err(|_| HdError::Derivation)?;
    for part in parts {
        mac.update(part);
    }
    Ok(Zeroizing::new(mac.finalize().into_bytes().into()))
}

fn split(digest: &[u8; 64]) -> Result<(secp256k1::SecretKey, [u8; 32]), HdError> {
    let (left, right) = digest.split_at(32);
    let secret: [u8; 32] = left.try_into().map_err(|_| HdError::Derivation)?;
    let chain_code = right.try_into().map_err(|_| HdError::Derivation)?;
    Ok((secp256k1::SecretKey::from_secret_bytes(secret).map_err(|_| HdError::Derivation)?, chain_code))
}
