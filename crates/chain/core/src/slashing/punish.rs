//! One punishment: slash, jail, perhaps the end of a key, and the record of it.

use sha2::{Digest, Sha256};
use ve_base::{Address, CONSENSUS_PREFIX, CodedError, Coins};
use ve_proto::ve::slashing::v1::{Offence, Reason, SigningState, SlashRecord};
use ve_sdk::{Context, Event};

use super::keys::{NEXT_ID, PUNISHED, RECORDS, RECORDS_OF, SIGNING};
use super::params::{self, MEMORY, Penalty};
use super::signing::time;
use crate::staking::{self, Slash, Status, Validator};

/// What a validator did.
#[derive(Clone, Copy, Debug)]
pub struct Infraction {
    pub reason: Reason,
    pub height: u64,
    /// Of the validator at that height.
    pub power: u64,
    /// SHA-256 over what proves it.
    pub evidence: [u8; 32],
}

/// Identifies an absence: its proof is the chain itself.
pub fn absence(consensus: &Address, height: u64) -> [u8; 32] {
    let mut digest = Sha256::new_with_prefix("absence");
    digest.update(consensus.as_bytes());
    digest.update(height.to_be_bytes());
    digest.finalize().into()
}

/// Punishes the validator that has this consensus address. `None` when there is nothing to punish: it is unknown, its
/// stake is out of reach, its key is tombstoned, or this infraction was punished before.
pub fn punish(ctx: &mut Context<'_>, consensus: &Address, infraction: &Infraction) -> Result<Option<u64>, CodedError> {
    let Infraction { reason, height, power, evidence } = *infraction;
    let Some(validator) = staking::by_consensus(ctx, consensus)? else { return Ok(None) };
    let mut state = SIGNING.get(ctx, consensus)?.unwrap_or_default();
    let key = (validator.operator.clone(), reason as u64, evidence);
    if validator.status == Status::Unbonded || state.tombstoned || PUNISHED.has(ctx, &key)? {
        return Ok(None);
    }
    let now = ctx.time();
    state.offences.retain(|offence| now.seconds_since(time(&offence.time)) < MEMORY);
    let earlier = state.offences.iter().filter(|offence| offence.reason() == reason).count();
    let penalty = Penalty::of(reason, &params::load(ctx)?)?.repeated(earlier)?;
    let slash = Slash { height, power, fraction: penalty.fraction };
    let burned = staking::slash(ctx, &validator.operator, &slash)?;
    staking::jail(ctx, &validator.operator)?;
    let jailed_until = now.plus_seconds(penalty.jail).max(time(&state.jailed_until)).to_proto();
    state.offences.push(Offence { reason: reason as i32, time: Some(now.to_proto()) });
    state = SigningState {
        jailed_until: Some(jailed_until),
        tombstoned: penalty.tombstone,
        missed: Vec::new(),
        missing_since: None,
        reported: false,
        ..state
    };
    SIGNING.set(ctx, consensus, &state)?;
    let record = SlashRecord {
        id: 0,
        operator: validator.operator_text(),
        reason: reason as i32,
        fraction: penalty.fraction.to_mantissa(),
        burned: burned.to_string(),
        infraction_height: height,
        height: ctx.height(),
        jailed_until: Some(jailed_until),
        tombstoned: penalty.tombstone,
        evidence_hash: evidence.to_vec(),
    };
    announce(ctx, &validator, &record, power, burned);
    write(ctx, &validator.operator, record).map(Some)
}

fn write(ctx: &mut Context<'_>, operator: &Address, record: SlashRecord) -> Result<u64, CodedError> {
    let id = NEXT_ID.get(ctx)?.unwrap_or(1);
    NEXT_ID.set(ctx, &id.saturating_add(1))?;
    restore(ctx, operator, SlashRecord { id, ..record })?;
    Ok(id)
}

/// Writes a record with its index entries.
pub fn restore(ctx: &mut Context<'_>, operator: &Address, record: SlashRecord) -> Result<(), CodedError> {
    let malformed = || ve_base::errors::sdk::Error::InvalidRequest("an evidence hash has 32 bytes".into());
    let evidence: [u8; 32] = record.evidence_hash.as_slice().try_into().map_err(|_| malformed())?;
    let reason = u64::try_from(record.reason).map_err(|_| malformed())?;
    PUNISHED.set(ctx, &(operator.clone(), reason, evidence), &record.id)?;
    RECORDS_OF.set(ctx, (operator, &record.id), &())?;
    Ok(RECORDS.set(ctx, &record.id, &record)?)
}

fn announce(ctx: &mut Context<'_>, validator: &Validator, record: &SlashRecord, power: u64, burned: ve_base::Amount) {
    let address = validator.consensus_address().to_bech32(CONSENSUS_PREFIX);
    let reason = match record.reason() {
        Reason::Downtime => "missing_signature",
        Reason::LightClientAttack => "light_client_attack",
        Reason::InvalidIdentityAttestation => "invalid_identity_attestation",
        Reason::MissedRecomputations => "missed_recomputations",
        Reason::InconsistentScore => "inconsistent_score",
        Reason::DoubleSign | Reason::Unspecified => "double_sign",
    };
    ctx.emit(
        Event::new("slash")
            .with("address", &address)
            .with("power", power)
            .with("reason", reason)
            .with("jailed", &address)
            .with("burned_coins", Coins::native(burned)),
    );
}
