//! What attesters sign: an attestation as JSON, by the cryptosuite eddsa-jcs-2022 of W3C Data Integrity (identity spec
//! section 5.1).

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ve_proto::ve::attester::v1::{Attestation, Kind};

use crate::jcs::{self, NotCanonical};
use crate::preimage::preimage;

/// The one version of the document.
pub const SCHEMA: &str = "1.0.0";

/// Name of a signer key: lower-case hex of SHA-256(public key)[..10].
pub fn key_id(public_key: &[u8]) -> String {
    hex::encode(&Sha256::digest(public_key)[..10])
}

/// What a new signer key signs to prove that the attester holds it.
pub fn key_proof(chain_id: &str, attester: &str, public_key: &[u8]) -> [u8; 32] {
    preimage("attester-key", chain_id, &[attester.as_bytes(), public_key])
}

/// Text of a kind in the document, for example `email`.
pub fn kind_name(kind: Kind) -> String {
    kind.as_str_name().trim_start_matches("KIND_").to_lowercase()
}

fn did(chain_id: &str, address: &str) -> String {
    format!("did:ve:{chain_id}:{address}")
}

/// The attestation without its signatures.
pub fn document(chain_id: &str, attestation: &Attestation) -> Value {
    let proofs: Vec<Value> = attestation
        .proofs
        .iter()
        .map(|proof| {
            json!({
                "type": proof.r#type,
                "content_commit": hex::encode(&proof.content_commit),
                "score_bp": proof.score_bp,
                "threshold_bp": proof.threshold_bp,
                "passed": proof.passed,
                "ts": proof.time,
                "counter": proof.counter,
            })
        })
        .collect();
    let mut document = json!({
        "schema": attestation.schema,
        "type": kind_name(attestation.kind()),
        "issuer": did(chain_id, &attestation.issuer),
        "key_id": attestation.key_id,
        "subject": did(chain_id, &attestation.subject),
        "scope_id": attestation.scope_id,
        "request_id": attestation.request_id,
        "nonce": hex::encode(&attestation.nonce),
        "issued_at": attestation.issued_at,
        "expires_at": attestation.expires_at,
        "proofs": proofs,
        "score_bp": attestation.score_bp,
        "confidence_bp": attestation.confidence_bp,
        "model": attestation.model,
        "upstream": hex::encode(&attestation.upstream),
    });
    if let Some(evidence) = &attestation.evidence {
        document["evidence"] =
            json!({ "hash": hex::encode(&evidence.hash), "backend": evidence.backend, "ref": evidence.r#ref });
    }
    document
}

/// SHA-256 of the document: what makes two attestations the same, and what its subject signs over.
pub fn digest(chain_id: &str, attestation: &Attestation) -> Result<[u8; 32], NotCanonical> {
    Ok(Sha256::digest(jcs::canonical(&document(chain_id, attestation))?).into())
}

/// Lower-case hex of the first 16 bytes of the digest.
pub fn id(digest: &[u8; 32]) -> String {
    hex::encode(&digest[..16])
}

/// The 64 bytes that the issuer's Ed25519 key signs: SHA-256 of the proof's options, then of the document.
pub fn signed_bytes(chain_id: &str, attestation: &Attestation) -> Result<Vec<u8>, NotCanonical> {
    let options = json!({
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "proofPurpose": "assertionMethod",
        "verificationMethod": format!("{}#{}", did(chain_id, &attestation.issuer), attestation.key_id),
    });
    let options = Sha256::digest(jcs::canonical(&options)?);
    Ok([options.as_slice(), &digest(chain_id, attestation)?].concat())
}

/// What the subject's account key signs when somebody else submits the attestation.
pub fn consent(chain_id: &str, subject: &str, digest: &[u8; 32]) -> [u8; 32] {
    preimage("attestation", chain_id, &[subject.as_bytes(), digest])
}

#[cfg(test)]
#[path = "attestation_tests.rs"]
mod tests;
