//! What is hashed and signed on the way of evidence from a camera to the chain (identity spec section 3). The capturing
//! client, the chain and the enclaves compute all of it with this code.

use sha2::{Digest, Sha256};
use ve_proto::ve::veid::v1::{Capture, CaptureMetadata, InstallCertificate, KeyAlgorithm, SigningKey};

use crate::errors::sdk::Error;
use crate::jcs;
use crate::keys::PublicKey;
use crate::preimage::preimage;

/// The one version of the protocol.
pub const VERSION: u32 = 1;
/// Longest identifier in a capture.
pub const MAX_NAME: usize = 64;

/// Whether a text can stand as an identifier: letters, digits and `._:-`, so that it needs no escaping anywhere.
pub fn is_name(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte));
    (1..=MAX_NAME).contains(&text.len()) && plain
}

/// The key of a schema's [`SigningKey`]; refuses unknown algorithms, wrong lengths and points off the curve.
pub fn public_key(key: &SigningKey) -> Result<PublicKey, Error> {
    let bytes = key.public_key.as_slice();
    let length = || Error::InvalidPubKey("the key's length does not fit its algorithm".into());
    let public = match key.algorithm() {
        KeyAlgorithm::Secp256k1 => PublicKey::Secp256k1(bytes.try_into().map_err(|_| length())?),
        KeyAlgorithm::Ed25519 => PublicKey::Ed25519(bytes.try_into().map_err(|_| length())?),
        KeyAlgorithm::Secp256r1 => PublicKey::Secp256r1(bytes.try_into().map_err(|_| length())?),
        KeyAlgorithm::Unspecified => return Err(Error::InvalidPubKey("name the key's algorithm".into())),
    };
    public.check()?;
    Ok(public)
}

/// hex(SHA-256("wallet" ‖ address))[..32].
pub fn wallet_id(owner: &str) -> String {
    let mut id = hex::encode(Sha256::new().chain_update("wallet").chain_update(owner).finalize());
    id.truncate(32);
    id
}

/// What a key signs to become the binding key of a wallet.
pub fn wallet_binding(chain_id: &str, owner: &str) -> [u8; 32] {
    preimage("wallet-bind", chain_id, &[wallet_id(owner).as_bytes(), owner.as_bytes()])
}

/// What the binding key signs to give its place to another one.
pub fn wallet_rebinding(chain_id: &str, owner: &str, new: &SigningKey) -> [u8; 32] {
    let algorithm = number(new.algorithm);
    let fields = [wallet_id(owner).into_bytes(), owner.as_bytes().to_vec(), algorithm.to_vec(), new.public_key.clone()];
    let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
    preimage("wallet-rebind", chain_id, &fields)
}

/// What a client's authority signs for the key of an installation.
pub fn install_certificate(chain_id: &str, certificate: &InstallCertificate) -> [u8; 32] {
    let key = certificate.install_key.clone().unwrap_or_default();
    preimage(
        "install-cert",
        chain_id,
        &[
            certificate.client_id.as_bytes(),
            &number(key.algorithm),
            &key.public_key,
            &certificate.issued_at.to_be_bytes(),
            &certificate.expires_at.to_be_bytes(),
            &number(certificate.assurance),
        ],
    )
}

fn number(value: i32) -> [u8; 8] {
    u64::from(value.unsigned_abs()).to_be_bytes()
}

/// Bound to a block that nobody could foresee, so that no capture is older than it.
pub fn nonce(chain_id: &str, block_hash: &[u8], owner: &str, session_id: &str) -> [u8; 32] {
    preimage("cap", chain_id, &[block_hash, owner.as_bytes(), session_id.as_bytes()])
}

/// Binds salt, device, session, nonce and time of a capture to each other.
pub fn binding_hash(chain_id: &str, capture: &Capture, nonce: &[u8; 32]) -> [u8; 32] {
    let metadata = capture.metadata.clone().unwrap_or_default();
    preimage(
        "salt",
        chain_id,
        &[&capture.salt, &capture.device_id, metadata.session_id.as_bytes(), nonce, &metadata.capture_ts.to_be_bytes()],
    )
}

/// SHA-256(ciphertext ‖ canonical JSON of the metadata).
pub fn payload_hash(ciphertext: &[u8], metadata: &CaptureMetadata) -> [u8; 32] {
    Sha256::new().chain_update(ciphertext).chain_update(canonical_json(metadata)).finalize().into()
}

/// The metadata as canonical JSON, bytes in hex. Its texts are names ([`is_name`]) and its numbers far below 2^53.
pub fn canonical_json(metadata: &CaptureMetadata) -> Vec<u8> {
    let quality = metadata.quality.unwrap_or_default();
    let document = serde_json::json!({
        "capture_ts": metadata.capture_ts,
        "client_id": metadata.client_id,
        "client_version": metadata.client_version,
        "device_fp": hex::encode(&metadata.device_fp),
        "doc_type": metadata.doc_type,
        "geo_country": metadata.geo_country,
        "liveness_script": metadata.liveness_script,
        "origin_proof_hash": hex::encode(&metadata.origin_proof_hash),
        "quality": {
            "blur": quality.blur,
            "brightness": quality.brightness,
            "contrast": quality.contrast,
            "face_confidence": quality.face_confidence,
            "ocr_confidence": quality.ocr_confidence,
            "sharpness": quality.sharpness,
        },
        "session_id": metadata.session_id,
    });
    // Times beyond 2^53 have no canonical form; nobody's capture hashes to what they hash to.
    jcs::canonical(&document).unwrap_or_default()
}

/// What the key of the installation signs.
pub fn client_signed(chain_id: &str, capture: &Capture) -> [u8; 32] {
    preimage("capture-client", chain_id, &[&capture.salt, &capture.binding_hash, &capture.payload_hash])
}

/// What the binding key of the wallet signs: consent to this very upload.
pub fn user_signed(chain_id: &str, capture: &Capture, envelope_hash: &[u8], consent_version: u32) -> [u8; 32] {
    preimage(
        "capture-user",
        chain_id,
        &[
            &capture.salt,
            &capture.payload_hash,
            &capture.client_signature,
            envelope_hash,
            &u64::from(consent_version).to_be_bytes(),
        ],
    )
}

#[cfg(test)]
#[path = "capture_tests.rs"]
mod tests;
