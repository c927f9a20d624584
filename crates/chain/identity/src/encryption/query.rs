//! Queries of `ve.encryption.v1`.

use ve_base::CodedError;
use ve_base::envelope::Subject;
use ve_proto::ve::encryption::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::error::Error;
use super::keys::{BY_FINGERPRINT, KEYS};
use super::{accept, params, registry};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.encryption.v1.Query/Params", parameters);
    registrar.query("/ve.encryption.v1.Query/Keys", keys);
    registrar.query("/ve.encryption.v1.Query/KeyByFingerprint", key_by_fingerprint);
    registrar.query("/ve.encryption.v1.Query/Algorithms", algorithms);
    registrar.query("/ve.encryption.v1.Query/ValidateEnvelope", validate_envelope);
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn keys(ctx: &QueryContext<'_>, request: &QueryKeysRequest) -> Result<QueryKeysResponse, CodedError> {
    let mut scan = KEYS.scan();
    if !request.owner.is_empty() {
        scan = scan.prefix(&registry::address(&request.owner)?);
    }
    let page = scan.page_where(ctx, &pagination::request(request.pagination.as_ref()), |_, key| {
        request.state == 0 || request.state == key.state
    })?;
    let pagination = pagination::response(&page);
    Ok(QueryKeysResponse { keys: page.entries.into_iter().map(|(_, key)| key).collect(), pagination })
}

fn key_by_fingerprint(
    ctx: &QueryContext<'_>,
    request: &QueryKeyByFingerprintRequest,
) -> Result<QueryKeyByFingerprintResponse, CodedError> {
    let unknown = || Error::NotFound(request.fingerprint.chars().take(64).collect());
    let place = BY_FINGERPRINT.get(ctx, &request.fingerprint)?.ok_or_else(unknown)?;
    Ok(QueryKeyByFingerprintResponse { key: Some(KEYS.require(ctx, &place)?) })
}

fn algorithms(ctx: &QueryContext<'_>, _: &QueryAlgorithmsRequest) -> Result<QueryAlgorithmsResponse, CodedError> {
    let params = params::load(ctx)?;
    let algorithm = |suite: Suite, kem: &str| Algorithm {
        suite: suite.into(),
        kem: kem.into(),
        kdf: "HKDF-SHA256".into(),
        aead: "ChaCha20-Poly1305".into(),
        payload: "XChaCha20-Poly1305".into(),
        enabled: params.suites.contains(&suite.into()),
    };
    Ok(QueryAlgorithmsResponse {
        algorithms: vec![
            algorithm(Suite::X25519, "DHKEM(X25519, HKDF-SHA256)"),
            algorithm(Suite::XWing, "X-Wing (ML-KEM-768 and X25519)"),
        ],
    })
}

fn validate_envelope(
    ctx: &QueryContext<'_>,
    request: &QueryValidateEnvelopeRequest,
) -> Result<QueryValidateEnvelopeResponse, CodedError> {
    let envelope = request.envelope.clone().unwrap_or_default();
    let subject = Subject {
        chain_id: ctx.chain_id(),
        module: &request.module,
        object_id: &request.object_id,
        owner: &request.owner,
    };
    let checked =
        registry::address(&envelope.sender_key_id).and_then(|sender| accept::accept(ctx, &envelope, &subject, &sender));
    Ok(match checked {
        Ok(()) => QueryValidateEnvelopeResponse { valid: true, code: 0, cause: String::new() },
        Err(error) => QueryValidateEnvelopeResponse { valid: false, code: error.code, cause: error.log },
    })
}
