//! Genesis in the Cosmos shape. A new network gives parameters only: validators and delegations of the staking genesis
//! begin to earn through the hooks.

use serde_json::Value;
use ve_base::{CodedError, Dec, OPERATOR_PREFIX, errors::sdk};
use ve_proto::cosmos::distribution::v1beta1::*;
use ve_proto::ve::distribution::v1::{SlashSegment, ValidatorRewards};
use ve_sdk::{Context, QueryContext, json};
use ve_store::Read;

use super::dec_coins::DecCoins;
use super::keys::*;
use super::{account, earnings, invariants, operator, params, pool};

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()), ..GenesisState::default() }).unwrap_or_default()
}

fn invalid(cause: impl std::fmt::Display) -> CodedError {
    sdk::Error::InvalidRequest(cause.to_string()).into()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.clone().unwrap_or_else(params::default))?;
    let community = genesis.fee_pool.as_ref().map(|pool| pool.community_pool.as_slice()).unwrap_or_default();
    pool::set(ctx, &DecCoins::from_proto(community)?)?;
    for info in &genesis.delegator_withdraw_infos {
        let to = account("withdraw", &info.withdraw_address)?;
        WITHDRAW.set(ctx, &account("delegator", &info.delegator_address)?, &to)?;
    }
    init_validators(ctx, &genesis)?;
    for record in &genesis.delegator_starting_infos {
        let start = record.starting_info.clone().ok_or_else(|| invalid("a starting info is missing"))?;
        Dec::from_mantissa(&start.stake)?;
        let delegator = account("delegator", &record.delegator_address)?;
        STARTS.set(ctx, (&operator(&record.validator_address)?, &delegator), &start)?;
    }
    let query = QueryContext::new(&*ctx, ctx.block(), ctx.registry());
    invariants::balance_is_owed(&query).map_err(invalid)
}

fn init_validators(ctx: &mut Context<'_>, genesis: &GenesisState) -> Result<(), CodedError> {
    for record in &genesis.validator_current_rewards {
        let rewards = record.rewards.clone().unwrap_or_default();
        DecCoins::from_proto(&rewards.rewards)?;
        let operator = operator(&record.validator_address)?;
        let new = ValidatorRewards { current: rewards.rewards, period: rewards.period, ..ValidatorRewards::default() };
        REWARDS.set(ctx, &operator, &new)?;
    }
    for record in &genesis.outstanding_rewards {
        let operator = operator(&record.validator_address)?;
        let mut account = earnings::require(ctx, &operator)?;
        account.outstanding = DecCoins::from_proto(&record.outstanding_rewards)?;
        earnings::save(ctx, &operator, &account)?;
    }
    for record in &genesis.validator_accumulated_commissions {
        let operator = operator(&record.validator_address)?;
        let mut account = earnings::require(ctx, &operator)?;
        let commission = record.accumulated.as_ref().map(|sum| sum.commission.as_slice()).unwrap_or_default();
        account.commission = DecCoins::from_proto(commission)?;
        earnings::save(ctx, &operator, &account)?;
    }
    for record in &genesis.validator_historical_rewards {
        let rewards = record.rewards.clone().unwrap_or_default();
        DecCoins::from_proto(&rewards.cumulative_reward_ratio)?;
        HISTORICAL.set(ctx, (&operator(&record.validator_address)?, &record.period), &rewards)?;
    }
    for record in &genesis.validator_slash_events {
        let event = record.validator_slash_event.clone().ok_or_else(|| invalid("a slash event is missing"))?;
        let fraction = Dec::from_mantissa(&event.fraction)?;
        if fraction.is_negative() || fraction > Dec::one() {
            return Err(invalid(format!("a slash fraction is from 0 to 1, got {fraction:#}")));
        }
        let segment = SlashSegment { height: record.height, fraction: event.fraction };
        SLASHES.set(ctx, (&operator(&record.validator_address)?, &record.period), &segment)?;
    }
    Ok(())
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut genesis = GenesisState {
        params: Some(params::load(ctx)?),
        fee_pool: Some(FEE_POOL.get(ctx)?.unwrap_or_default()),
        ..GenesisState::default()
    };
    for entry in WITHDRAW.iter(ctx) {
        let (delegator, to) = entry?;
        let info = DelegatorWithdrawInfo { delegator_address: delegator.to_string(), withdraw_address: to.to_string() };
        genesis.delegator_withdraw_infos.push(info);
    }
    for entry in STARTS.iter(ctx) {
        let ((operator, delegator), start) = entry?;
        genesis.delegator_starting_infos.push(DelegatorStartingInfoRecord {
            delegator_address: delegator.to_string(),
            validator_address: operator.to_bech32(OPERATOR_PREFIX),
            starting_info: Some(start),
        });
    }
    export_validators(ctx, &mut genesis)?;
    json::to_json(&genesis)
}

fn export_validators<R: Read + ?Sized>(state: &R, genesis: &mut GenesisState) -> Result<(), CodedError> {
    for entry in REWARDS.iter(state) {
        let (operator, account) = entry?;
        let validator_address = operator.to_bech32(OPERATOR_PREFIX);
        genesis.outstanding_rewards.push(ValidatorOutstandingRewardsRecord {
            validator_address: validator_address.clone(),
            outstanding_rewards: account.outstanding,
        });
        genesis.validator_accumulated_commissions.push(ValidatorAccumulatedCommissionRecord {
            validator_address: validator_address.clone(),
            accumulated: Some(ValidatorAccumulatedCommission { commission: account.commission }),
        });
        let rewards = ValidatorCurrentRewards { rewards: account.current, period: account.period };
        let record = ValidatorCurrentRewardsRecord { validator_address, rewards: Some(rewards) };
        genesis.validator_current_rewards.push(record);
    }
    for entry in HISTORICAL.iter(state) {
        let ((operator, period), rewards) = entry?;
        let validator_address = operator.to_bech32(OPERATOR_PREFIX);
        let record = ValidatorHistoricalRewardsRecord { validator_address, period, rewards: Some(rewards) };
        genesis.validator_historical_rewards.push(record);
    }
    for entry in SLASHES.iter(state) {
        let ((operator, period), slash) = entry?;
        genesis.validator_slash_events.push(ValidatorSlashEventRecord {
            validator_address: operator.to_bech32(OPERATOR_PREFIX),
            height: slash.height,
            period,
            validator_slash_event: Some(ValidatorSlashEvent { validator_period: period, fraction: slash.fraction }),
        });
    }
    Ok(())
}
