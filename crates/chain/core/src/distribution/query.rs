//! Queries of `cosmos.distribution.v1beta1`.

use ve_base::{Address, CodedError, Dec, OPERATOR_PREFIX};
use ve_proto::cosmos::distribution::v1beta1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::dec_coins::DecCoins;
use super::error::Error;
use super::keys::{SLASHES, STARTS};
use super::{account, earnings, operator, params, payout, pool};
use crate::staking;

pub fn register(registrar: &mut Registrar) {
    registrar.query("/cosmos.distribution.v1beta1.Query/Params", parameters);
    registrar.query("/cosmos.distribution.v1beta1.Query/ValidatorDistributionInfo", validator_info);
    registrar.query("/cosmos.distribution.v1beta1.Query/ValidatorOutstandingRewards", outstanding);
    registrar.query("/cosmos.distribution.v1beta1.Query/ValidatorCommission", commission);
    registrar.query("/cosmos.distribution.v1beta1.Query/ValidatorSlashes", slashes);
    registrar.query("/cosmos.distribution.v1beta1.Query/DelegationRewards", delegation_rewards);
    registrar.query("/cosmos.distribution.v1beta1.Query/DelegationTotalRewards", total_rewards);
    registrar.query("/cosmos.distribution.v1beta1.Query/DelegatorValidators", delegator_validators);
    registrar.query("/cosmos.distribution.v1beta1.Query/DelegatorWithdrawAddress", withdraw_address);
    registrar.query("/cosmos.distribution.v1beta1.Query/CommunityPool", community_pool);
}

fn parameters(ctx: &QueryContext<'_>, _request: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn validator(ctx: &QueryContext<'_>, text: &str) -> Result<staking::Validator, CodedError> {
    Ok(staking::find(ctx, &operator(text)?)?.ok_or_else(|| Error::NoValidator(text.to_owned()))?)
}

fn validator_info(
    ctx: &QueryContext<'_>,
    request: &QueryValidatorDistributionInfoRequest,
) -> Result<QueryValidatorDistributionInfoResponse, CodedError> {
    let validator = validator(ctx, &request.validator_address)?;
    let own = if STARTS.has(ctx, (&validator.operator, &validator.operator))? {
        payout::pending(ctx, &validator, &validator.operator)?
    } else {
        DecCoins::default()
    };
    Ok(QueryValidatorDistributionInfoResponse {
        operator_address: validator.operator_text(),
        self_bond_rewards: own.to_proto(),
        commission: earnings::require(ctx, &validator.operator)?.commission.to_proto(),
    })
}

fn outstanding(
    ctx: &QueryContext<'_>,
    request: &QueryValidatorOutstandingRewardsRequest,
) -> Result<QueryValidatorOutstandingRewardsResponse, CodedError> {
    let validator = validator(ctx, &request.validator_address)?;
    let rewards = earnings::require(ctx, &validator.operator)?.outstanding.to_proto();
    Ok(QueryValidatorOutstandingRewardsResponse { rewards: Some(ValidatorOutstandingRewards { rewards }) })
}

fn commission(
    ctx: &QueryContext<'_>,
    request: &QueryValidatorCommissionRequest,
) -> Result<QueryValidatorCommissionResponse, CodedError> {
    let validator = validator(ctx, &request.validator_address)?;
    let commission = earnings::require(ctx, &validator.operator)?.commission.to_proto();
    Ok(QueryValidatorCommissionResponse { commission: Some(ValidatorAccumulatedCommission { commission }) })
}

fn slashes(
    ctx: &QueryContext<'_>,
    request: &QueryValidatorSlashesRequest,
) -> Result<QueryValidatorSlashesResponse, CodedError> {
    let operator = operator(&request.validator_address)?;
    let last = if request.ending_height == 0 { u64::MAX } else { request.ending_height };
    let asked = pagination::request(request.pagination.as_ref());
    let heights = request.starting_height..=last;
    let scan = SLASHES.scan().prefix(&operator);
    let page = scan.page_where(ctx, &asked, |_, slash| heights.contains(&slash.height))?;
    let pagination = pagination::response(&page);
    let event = |((_, period), slash): &((Address, u64), ve_proto::ve::distribution::v1::SlashSegment)| {
        ValidatorSlashEvent { validator_period: *period, fraction: slash.fraction.clone() }
    };
    Ok(QueryValidatorSlashesResponse { slashes: page.entries.iter().map(event).collect(), pagination })
}

fn delegation_rewards(
    ctx: &QueryContext<'_>,
    request: &QueryDelegationRewardsRequest,
) -> Result<QueryDelegationRewardsResponse, CodedError> {
    let validator = validator(ctx, &request.validator_address)?;
    let delegator = account("delegator", &request.delegator_address)?;
    Ok(QueryDelegationRewardsResponse { rewards: payout::pending(ctx, &validator, &delegator)?.to_proto() })
}

/// At most ten: an account delegates to no more validators.
fn delegations(ctx: &QueryContext<'_>, delegator: &str) -> Result<(Address, Vec<(Address, Dec)>), CodedError> {
    let delegator = account("delegator", delegator)?;
    let found = staking::delegations_of(ctx, &delegator)?;
    Ok((delegator, found))
}

fn total_rewards(
    ctx: &QueryContext<'_>,
    request: &QueryDelegationTotalRewardsRequest,
) -> Result<QueryDelegationTotalRewardsResponse, CodedError> {
    let (delegator, delegations) = delegations(ctx, &request.delegator_address)?;
    let mut total = DecCoins::default();
    let mut rewards = Vec::with_capacity(delegations.len());
    for (operator, _) in delegations {
        let reward = payout::pending(ctx, &staking::require(ctx, &operator)?, &delegator)?;
        total = total.checked_add(&reward)?;
        rewards.push(DelegationDelegatorReward {
            validator_address: operator.to_bech32(OPERATOR_PREFIX),
            reward: reward.to_proto(),
        });
    }
    Ok(QueryDelegationTotalRewardsResponse { rewards, total: total.to_proto() })
}

fn delegator_validators(
    ctx: &QueryContext<'_>,
    request: &QueryDelegatorValidatorsRequest,
) -> Result<QueryDelegatorValidatorsResponse, CodedError> {
    let (_, delegations) = delegations(ctx, &request.delegator_address)?;
    let validators = delegations.iter().map(|(operator, _)| operator.to_bech32(OPERATOR_PREFIX)).collect();
    Ok(QueryDelegatorValidatorsResponse { validators })
}

fn withdraw_address(
    ctx: &QueryContext<'_>,
    request: &QueryDelegatorWithdrawAddressRequest,
) -> Result<QueryDelegatorWithdrawAddressResponse, CodedError> {
    let address = payout::withdraw_address(ctx, &account("delegator", &request.delegator_address)?)?;
    Ok(QueryDelegatorWithdrawAddressResponse { withdraw_address: address.to_string() })
}

fn community_pool(
    ctx: &QueryContext<'_>,
    _request: &QueryCommunityPoolRequest,
) -> Result<QueryCommunityPoolResponse, CodedError> {
    Ok(QueryCommunityPoolResponse { pool: pool::balance(ctx)?.to_proto() })
}
