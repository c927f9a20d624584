//! What protocol keys sign outside transactions (marketplace spec section 0).

use sha2::{Digest, Sha256};
use ve_proto::ve::market::v1::MsgReportResource;
use ve_proto::ve::provider::v1::{MsgAddProviderKey, MsgHeartbeat};

/// `P(context, fields…)` = SHA-256("VE|" context "|v1|" chain id ‖ each field as its u32be length and its bytes). The
/// digest is the message that is signed.
pub fn preimage(context: &str, chain_id: &str, fields: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(format!("VE|{context}|v1|{chain_id}"));
    for field in fields {
        // No field comes near 4 GiB: transactions are far smaller.
        hash.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        hash.update(field);
    }
    hash.finalize().into()
}

/// What the daemon key signs for [`MsgReportResource`]: every field but the relayer and the signature, in the order of
/// their numbers; numbers are big-endian of their own width, enumerations u32, the endpoints preceded by their count.
pub fn resource_report(chain_id: &str, report: &MsgReportResource) -> [u8; 32] {
    let lease = report.lease.clone().unwrap_or_default();
    let mut fields: Vec<Vec<u8>> = vec![
        lease.owner.into_bytes(),
        lease.dseq.to_be_bytes().to_vec(),
        lease.gseq.to_be_bytes().to_vec(),
        lease.oseq.to_be_bytes().to_vec(),
        lease.provider.into_bytes(),
        lease.bseq.to_be_bytes().to_vec(),
        report.seq.to_be_bytes().to_vec(),
        report.op_id.to_be_bytes().to_vec(),
        report.kind.to_be_bytes().to_vec(),
        report.observed_state.to_be_bytes().to_vec(),
        report.spec_rev.to_be_bytes().to_vec(),
        report.observed_at.to_be_bytes().to_vec(),
        report.phase.clone().into_bytes(),
        report.progress.to_be_bytes().to_vec(),
        report.result_code.to_be_bytes().to_vec(),
        (report.endpoints.len() as u64).to_be_bytes().to_vec(),
    ];
    for endpoint in &report.endpoints {
        fields.push(endpoint.service.clone().into_bytes());
        fields.push(endpoint.url.clone().into_bytes());
    }
    fields.push(report.backend_ref_commit.clone());
    fields.push(report.key_id.clone().into_bytes());
    let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
    preimage("res-cb", chain_id, &fields)
}

/// What a new daemon key signs to prove that the provider holds it.
pub fn provider_key(chain_id: &str, message: &MsgAddProviderKey) -> [u8; 32] {
    let usages: Vec<u8> = message.usages.iter().flat_map(|usage| usage.to_be_bytes()).collect();
    preimage(
        "provider-key",
        chain_id,
        &[
            message.owner.as_bytes(),
            message.key_id.as_bytes(),
            &message.algorithm.to_be_bytes(),
            &message.public_key,
            &usages,
        ],
    )
}

/// What the daemon key signs for a heartbeat.
pub fn heartbeat(chain_id: &str, message: &MsgHeartbeat) -> [u8; 32] {
    preimage(
        "heartbeat",
        chain_id,
        &[
            message.provider.as_bytes(),
            &message.seq.to_be_bytes(),
            &message.observed_at.to_be_bytes(),
            message.key_id.as_bytes(),
        ],
    )
}
