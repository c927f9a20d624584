//! Attestations: what services signed about the account, as the JSON of `ve.attester.v1.Attestation`.
//!
//! The chain verifies every attestation that is submitted to it; this reads one that comes with a bundle, by the same
//! document and signature ([`ve_base::attestation`]). A signature counts only with a key that the caller knows from the
//! chain.

use prost::Message as _;
use prost_reflect::{DeserializeOptions, DynamicMessage};
use ve_base::attestation::{SCHEMA, kind_name, signed_bytes};
use ve_base::keys::PublicKey;
use ve_inference::features::id;
use ve_proto::ve::attester::v1::{Attestation, Kind};

use crate::{Circumstances, Extract, ExtractError, Extraction, Field};

#[cfg(test)]
#[path = "attestation_tests.rs"]
mod tests;

/// Farthest time in the future of an attestation, in seconds.
const MAX_SKEW: u64 = 300;
/// Most proofs in an attestation, as on chain.
const MAX_PROOFS: usize = 8;

/// Reads and verifies one attestation.
pub struct Attestations;

impl Extract for Attestations {
    fn limit(&self) -> usize {
        16 << 10
    }

    fn read(&self, input: &[u8], at: &Circumstances) -> Result<Extraction, ExtractError> {
        let attestation = parse(input)?;
        let feature = feature(attestation.kind())?;
        verify(&attestation, at)?;
        let passed = attestation.proofs.iter().all(|proof| proof.passed && proof.score_bp >= proof.threshold_bp);
        let points = u16::try_from(attestation.score_bp).ok().filter(|points| *points <= 10_000);
        let points = points.ok_or(ExtractError::Form("scores are at most 10000"))?;
        let mut out = Extraction::default();
        out.field(Field::Kind, kind_name(attestation.kind()));
        out.features.insert(feature, if passed { points } else { 0 });
        if !passed {
            out.problems.push("a proof in it has failed".into());
        }
        Ok(out)
    }
}

fn parse(input: &[u8]) -> Result<Attestation, ExtractError> {
    let form = |_| ExtractError::Form("it is no attestation in JSON");
    let missing = ExtractError::Form("the schema of attestations is not known");
    let schema = ve_proto::descriptors().get_message_by_name("ve.attester.v1.Attestation").ok_or(missing)?;
    let mut json = serde_json::Deserializer::from_slice(input);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    let message = DynamicMessage::deserialize_with_options(schema, &mut json, &options).map_err(form)?;
    json.end().map_err(form)?;
    Attestation::decode(message.encode_to_vec().as_slice()).map_err(|_| ExtractError::Form("it is no attestation"))
}

/// The feature that a kind of attestation is about.
fn feature(kind: Kind) -> Result<usize, ExtractError> {
    match kind {
        Kind::Email => Ok(id::EMAIL_PROOF),
        Kind::Sms | Kind::Call => Ok(id::SMS_PROOF),
        Kind::Sso | Kind::EnterpriseSso => Ok(id::SSO_PROOF),
        Kind::Social => Ok(id::SOCIAL_PROOF),
        Kind::Domain => Ok(id::DOMAIN_PROOF),
        Kind::Government => Ok(id::GOV_DATA_MATCH),
        Kind::Device => Ok(id::DEVICE_INTEGRITY),
        Kind::Unspecified | Kind::Address | Kind::Video | Kind::Totp | Kind::Biometric | Kind::CertificateStatus => {
            Err(ExtractError::Form("no feature is about attestations of this kind"))
        }
    }
}

fn verify(attestation: &Attestation, at: &Circumstances) -> Result<(), ExtractError> {
    let refused = |why| Err(ExtractError::Untrusted(why));
    if attestation.schema != SCHEMA {
        return refused("its schema is not 1.0.0");
    }
    if attestation.proofs.is_empty() || attestation.proofs.len() > MAX_PROOFS {
        return refused("it has from 1 to 8 proofs");
    }
    if attestation.subject != at.subject {
        return refused("it is about another account");
    }
    if attestation.issued_at > at.now.saturating_add(MAX_SKEW) || attestation.expires_at <= at.now {
        return refused("it is not valid at this time");
    }
    let Some(key) = at.issuer_keys.get(&(attestation.issuer.clone(), attestation.key_id.clone())) else {
        return refused("its issuer has no such key");
    };
    let message = signed_bytes(&at.chain_id, attestation).map_err(|_| ExtractError::Form("it cannot be signed"))?;
    if PublicKey::Ed25519(*key).verify(&message, &attestation.signature).is_err() {
        return refused("the signature is wrong");
    }
    Ok(())
}
