//! From proof to punishment.

use prost::Message;
use sha2::{Digest, Sha256};
use ve_base::{Address, BlockTime, CONSENSUS_PREFIX, CodedError};
use ve_proto::cosmos::evidence::v1beta1::Equivocation;
use ve_proto::ve::slashing::v1::Reason;
use ve_sdk::application::MisbehaviorKind;
use ve_sdk::{Context, Event, type_url};

use super::keys::EVIDENCE;
use crate::slashing::{self, Infraction};
use crate::staking;

/// A validator broke the rules of consensus, proven.
#[derive(Clone, Copy, Debug)]
pub struct Proven {
    pub reason: Reason,
    pub consensus: [u8; 20],
    pub height: u64,
    pub time: BlockTime,
    /// Of the validator at that height.
    pub power: u64,
}

/// Begin block: what consensus saw.
pub fn misbehavior(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    for seen in &ctx.block().misbehavior {
        let reason = match seen.kind {
            MisbehaviorKind::DuplicateVote => Reason::DoubleSign,
            MisbehaviorKind::LightClientAttack => Reason::LightClientAttack,
        };
        let proven =
            Proven { reason, consensus: seen.address, height: seen.height, time: seen.time, power: seen.power };
        handle(ctx, &proven)?;
    }
    Ok(())
}

/// Punishes and keeps the evidence. `None` when it is expired, known, or nobody is left to punish.
pub fn handle(ctx: &mut Context<'_>, proven: &Proven) -> Result<Option<[u8; 32]>, CodedError> {
    if proven.height > ctx.height() || staking::is_expired(ctx, proven.height, proven.time) {
        return Ok(None);
    }
    let consensus = Address::from(proven.consensus);
    let equivocation = Equivocation {
        height: i64::try_from(proven.height).unwrap_or(i64::MAX),
        time: Some(proven.time.to_proto()),
        power: i64::try_from(proven.power).unwrap_or(i64::MAX),
        consensus_address: consensus.to_bech32(CONSENSUS_PREFIX),
    };
    let value = equivocation.encode_to_vec();
    let hash: [u8; 32] = Sha256::digest(&value).into();
    if EVIDENCE.has(ctx, &hash)? {
        return Ok(None);
    }
    let infraction = Infraction { reason: proven.reason, height: proven.height, power: proven.power, evidence: hash };
    if slashing::punish(ctx, &consensus, &infraction)?.is_none() {
        return Ok(None);
    }
    EVIDENCE.set(ctx, &hash, &prost_types::Any { type_url: type_url::<Equivocation>(), value })?;
    ctx.emit(Event::new("submit_evidence").with("evidence_hash", hex(&hash)));
    Ok(Some(hash))
}

/// Upper-case hexadecimal, as Cosmos writes evidence hashes.
pub fn hex(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02X}")).collect()
}
