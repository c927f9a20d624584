//! Headers and validator sets of the latest blocks. Counterparties' relayers refuse a chain that keeps none.

use ve_base::CodedError;
use ve_proto::cosmos::staking::v1beta1::HistoricalInfo;
use ve_proto::tendermint::types::Header;
use ve_sdk::Context;

use super::keys::{HISTORY, LAST_POWERS};
use super::{params, table};

/// Entries removed in one block after the parameter was lowered.
const MAX_REMOVED_PER_BLOCK: usize = 20;

/// Begin block: keeps this block's header fields and the set that decides it.
pub fn track(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let height = ctx.height();
    let kept = u64::from(params::load(ctx)?.historical_entries);
    let oldest = height.saturating_sub(kept).saturating_add(1);
    for (old, _) in HISTORY.scan().before(&oldest).take(ctx, MAX_REMOVED_PER_BLOCK)? {
        HISTORY.remove(ctx, &old)?;
    }
    let mut set = Vec::new();
    for entry in LAST_POWERS.iter(ctx) {
        let (operator, power) = entry?;
        set.push((std::cmp::Reverse(power), operator));
    }
    set.sort();
    let valset = set
        .into_iter()
        .map(|(_, operator)| Ok(table::require(ctx, &operator)?.to_proto()))
        .collect::<Result<_, CodedError>>()?;
    let block = ctx.block();
    let header = Header {
        chain_id: block.chain_id.clone(),
        height: i64::try_from(height).unwrap_or(i64::MAX),
        time: Some(block.time.to_proto()),
        next_validators_hash: block.next_validators_hash.clone(),
        app_hash: block.app_hash.clone(),
        proposer_address: block.proposer_address.to_vec(),
        ..Header::default()
    };
    Ok(HISTORY.set(ctx, &height, &HistoricalInfo { header: Some(header), valset })?)
}
