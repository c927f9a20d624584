//! Whether a proof answers a challenge.

pub mod certificate;
mod statement;
pub mod webauthn;

use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use ve_base::CodedError;
use ve_proto::ve::mfa::v1::{Challenge, Factor, FactorState, FactorType, Params, Proof};
use ve_sdk::Context;

use super::error::Error;

/// Gas of one signature of the dearest algorithm.
const SIGNATURE_GAS: u64 = 3_000;

/// What a proof came to. A failed one counts as a try; an error means that the proof is none at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Verified,
    Failed(&'static str),
    /// The counter fell: there may be a copy of the authenticator.
    Cloned,
}

/// Checks a proof of `factor` for `challenge` and notes in the factor what it must not see again.
pub fn proof(
    ctx: &mut Context<'_>,
    params: &Params,
    challenge: &Challenge,
    factor: &mut Factor,
    proof: &Proof,
) -> Result<Outcome, CodedError> {
    let bytes: [u8; 32] =
        challenge.bytes_to_sign.as_slice().try_into().map_err(|_| Error::Request("the challenge is malformed"))?;
    let confirming = factor.state() == FactorState::Pending;
    if !confirming && factor.state() != FactorState::Active {
        return Err(Error::Factor(factor.id, "not active").into());
    }
    ctx.gas().consume(SIGNATURE_GAS, "factor")?;
    match factor.r#type() {
        FactorType::Webauthn => Ok(webauthn(params, &bytes, factor, proof)),
        FactorType::Certificate => certificate_proof(ctx, params, challenge, factor, proof),
        FactorType::Browser => {
            Ok(signed(&ECDSA_P256_SHA256_FIXED, &uncompressed(&factor.public_part)?, &bytes, &proof.signature))
        }
        FactorType::BackupCode => backup_code(&bytes, factor, proof),
        FactorType::Sms | FactorType::Call | FactorType::Email => {
            statement::contact(ctx, params, challenge, factor, &proof.attestations)
        }
        FactorType::Totp => statement::totp(ctx, params, challenge, factor, &proof.attestations),
        FactorType::Biometric => statement::biometric(ctx, params, challenge, &proof.attestations),
        FactorType::Unspecified => Err(Error::Request("the factor is of no known type").into()),
    }
}

fn webauthn(params: &Params, challenge: &[u8; 32], factor: &mut Factor, proof: &Proof) -> Outcome {
    let assertion = webauthn::Assertion {
        authenticator_data: &proof.authenticator_data,
        client_data_json: &proof.client_data_json,
        signature: &proof.signature,
    };
    let parties = &params.relying_parties;
    match webauthn::assert(&assertion, &factor.public_part, &factor.relying_party, challenge, parties) {
        Err(Error::Proof(why)) => Outcome::Failed(why),
        Err(_) => Outcome::Failed("it is malformed"),
        Ok(counter) => {
            let counter = u64::from(counter);
            // Authenticators without a counter say 0 forever.
            if (counter, factor.counter) != (0, 0) && counter <= factor.counter {
                return Outcome::Cloned;
            }
            factor.counter = counter;
            Outcome::Verified
        }
    }
}

fn certificate_proof(
    ctx: &mut Context<'_>,
    params: &Params,
    challenge: &Challenge,
    factor: &Factor,
    proof: &Proof,
) -> Result<Outcome, CodedError> {
    certificate::check_chain(&factor.certificates, &params.authorities, ctx.time().unix())?;
    let leaf = factor.certificates.first().ok_or(Error::Certificate("it is missing"))?;
    if certificate::verify_leaf(leaf, &challenge.bytes_to_sign, &proof.signature).is_err() {
        return Ok(Outcome::Failed("the signature does not fit"));
    }
    statement::certificate_status(ctx, challenge, leaf, &proof.attestations)
}

/// A code is used once: its key makes room for nothing.
fn backup_code(challenge: &[u8; 32], factor: &mut Factor, proof: &Proof) -> Result<Outcome, CodedError> {
    let at = usize::try_from(proof.code).map_err(|_| Error::Request("there is no such code"))?;
    let key = factor.codes.get_mut(at).filter(|key| !key.is_empty());
    let key = key.ok_or(Error::Request("there is no such code, or it was used"))?;
    let outcome = signed(&ED25519, key, challenge, &proof.signature);
    if outcome == Outcome::Verified {
        key.clear();
    }
    Ok(outcome)
}

fn signed(
    algorithm: &'static dyn ring::signature::VerificationAlgorithm,
    key: &[u8],
    message: &[u8],
    signature: &[u8],
) -> Outcome {
    match UnparsedPublicKey::new(algorithm, key).verify(message, signature) {
        Ok(()) => Outcome::Verified,
        Err(_) => Outcome::Failed("the signature does not fit"),
    }
}

/// The uncompressed form of a compressed P-256 point.
pub fn uncompressed(key: &[u8]) -> Result<Vec<u8>, Error> {
    use p256::elliptic_curve::sec1::ToEncodedPoint as _;
    if key.len() != 33 {
        return Err(Error::Request("a browser's key is a compressed P-256 point of 33 bytes"));
    }
    let point = p256::PublicKey::from_sec1_bytes(key)
        .map_err(|_| Error::Request("a browser's key is a compressed P-256 point of 33 bytes"))?;
    Ok(point.to_encoded_point(false).as_bytes().to_vec())
}
