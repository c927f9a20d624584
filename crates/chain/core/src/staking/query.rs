//! Queries of `cosmos.staking.v1beta1`.

use ve_base::{Address, CodedError, Coin, Dec, OPERATOR_PREFIX, errors::sdk};
use ve_proto::cosmos::staking::v1beta1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::entries::Redelegation as Moved;
use super::error::Error;
use super::keys::*;
use super::{account, delegation, operator, params, pools, table};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/cosmos.staking.v1beta1.Query/Validators", validators);
    registrar.query("/cosmos.staking.v1beta1.Query/Validator", validator);
    registrar.query("/cosmos.staking.v1beta1.Query/ValidatorDelegations", validator_delegations);
    registrar.query("/cosmos.staking.v1beta1.Query/ValidatorUnbondingDelegations", validator_unbondings);
    registrar.query("/cosmos.staking.v1beta1.Query/Delegation", one_delegation);
    registrar.query("/cosmos.staking.v1beta1.Query/UnbondingDelegation", one_unbonding);
    registrar.query("/cosmos.staking.v1beta1.Query/DelegatorDelegations", delegator_delegations);
    registrar.query("/cosmos.staking.v1beta1.Query/DelegatorUnbondingDelegations", delegator_unbondings);
    registrar.query("/cosmos.staking.v1beta1.Query/Redelegations", redelegations);
    registrar.query("/cosmos.staking.v1beta1.Query/DelegatorValidators", delegator_validators);
    registrar.query("/cosmos.staking.v1beta1.Query/DelegatorValidator", delegator_validator);
    registrar.query("/cosmos.staking.v1beta1.Query/HistoricalInfo", historical_info);
    registrar.query("/cosmos.staking.v1beta1.Query/Pool", pool);
    registrar.query("/cosmos.staking.v1beta1.Query/Params", parameters);
}

/// Clients tell a missing object by the gRPC status NotFound, which this code maps to, and by these words.
fn absent(cause: impl std::fmt::Display) -> CodedError {
    sdk::Error::KeyNotFound(format!("rpc error: code = NotFound desc = {cause}: key not found")).into()
}

fn found(ctx: &QueryContext<'_>, operator: &Address) -> Result<super::Validator, CodedError> {
    table::find(ctx, operator)?
        .ok_or_else(|| absent(format!("validator {} not found", operator.to_bech32(OPERATOR_PREFIX))))
}

fn validators(ctx: &QueryContext<'_>, request: &QueryValidatorsRequest) -> Result<QueryValidatorsResponse, CodedError> {
    let wanted = match request.status.as_str() {
        "" => None,
        name => Some(
            BondStatus::from_str_name(name)
                .ok_or_else(|| sdk::Error::InvalidRequest(format!("invalid validator status {name}")))?,
        ),
    };
    let request = pagination::request(request.pagination.as_ref());
    let matches = |validator: &super::Validator| wanted.is_none_or(|wanted| validator.to_proto().status() == wanted);
    let page = VALIDATORS.scan().page_where(ctx, &request, |_, validator| matches(validator))?;
    let pagination = pagination::response(&page);
    let validators = page.entries.iter().map(|(_, validator)| validator.to_proto()).collect();
    Ok(QueryValidatorsResponse { validators, pagination })
}

fn validator(ctx: &QueryContext<'_>, request: &QueryValidatorRequest) -> Result<QueryValidatorResponse, CodedError> {
    let validator = found(ctx, &operator(&request.validator_addr)?)?;
    Ok(QueryValidatorResponse { validator: Some(validator.to_proto()) })
}

/// A delegation with what it is worth now.
fn valued(
    ctx: &QueryContext<'_>,
    delegator: &Address,
    operator: &Address,
    shares: Dec,
) -> Result<DelegationResponse, CodedError> {
    let worth = found(ctx, operator)?.tokens_of(shares)?;
    Ok(DelegationResponse {
        delegation: Some(Delegation {
            delegator_address: delegator.to_string(),
            validator_address: operator.to_bech32(OPERATOR_PREFIX),
            shares: shares.to_mantissa(),
        }),
        balance: Some(Coin::native(worth).to_proto()),
    })
}

fn validator_delegations(
    ctx: &QueryContext<'_>,
    request: &QueryValidatorDelegationsRequest,
) -> Result<QueryValidatorDelegationsResponse, CodedError> {
    let operator = operator(&request.validator_addr)?;
    let page = DELEGATORS.scan().prefix(&operator).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let mut delegation_responses = Vec::with_capacity(page.entries.len());
    for ((operator, delegator), ()) in &page.entries {
        let shares = delegation::shares(ctx, delegator, operator)?;
        delegation_responses.push(valued(ctx, delegator, operator, shares)?);
    }
    Ok(QueryValidatorDelegationsResponse { delegation_responses, pagination: pagination::response(&page) })
}

fn validator_unbondings(
    ctx: &QueryContext<'_>,
    request: &QueryValidatorUnbondingDelegationsRequest,
) -> Result<QueryValidatorUnbondingDelegationsResponse, CodedError> {
    let operator = operator(&request.validator_addr)?;
    let asked = pagination::request(request.pagination.as_ref());
    let page = UNBONDINGS_OF_VALIDATOR.scan().prefix(&operator).page(ctx, &asked)?;
    let mut unbonding_responses = Vec::with_capacity(page.entries.len());
    for ((operator, delegator), ()) in &page.entries {
        unbonding_responses.push(UNBONDINGS.require(ctx, (delegator, operator))?.to_proto());
    }
    Ok(QueryValidatorUnbondingDelegationsResponse { unbonding_responses, pagination: pagination::response(&page) })
}

fn one_delegation(
    ctx: &QueryContext<'_>,
    request: &QueryDelegationRequest,
) -> Result<QueryDelegationResponse, CodedError> {
    let (delegator, operator) = (account(&request.delegator_addr)?, operator(&request.validator_addr)?);
    let shares = DELEGATIONS.get(ctx, (&delegator, &operator))?.ok_or_else(|| {
        absent(format!("delegation with delegator {delegator} not found for validator {}", request.validator_addr))
    })?;
    Ok(QueryDelegationResponse { delegation_response: Some(valued(ctx, &delegator, &operator, shares)?) })
}

fn one_unbonding(
    ctx: &QueryContext<'_>,
    request: &QueryUnbondingDelegationRequest,
) -> Result<QueryUnbondingDelegationResponse, CodedError> {
    let (delegator, operator) = (account(&request.delegator_addr)?, operator(&request.validator_addr)?);
    let unbonding = UNBONDINGS.get(ctx, (&delegator, &operator))?.ok_or_else(|| {
        absent(format!(
            "unbonding delegation with delegator {delegator} not found for validator {}",
            request.validator_addr
        ))
    })?;
    Ok(QueryUnbondingDelegationResponse { unbond: Some(unbonding.to_proto()) })
}

fn delegator_delegations(
    ctx: &QueryContext<'_>,
    request: &QueryDelegatorDelegationsRequest,
) -> Result<QueryDelegatorDelegationsResponse, CodedError> {
    let delegator = account(&request.delegator_addr)?;
    let page = DELEGATIONS.scan().prefix(&delegator).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let mut delegation_responses = Vec::with_capacity(page.entries.len());
    for ((delegator, operator), shares) in &page.entries {
        delegation_responses.push(valued(ctx, delegator, operator, *shares)?);
    }
    Ok(QueryDelegatorDelegationsResponse { delegation_responses, pagination: pagination::response(&page) })
}

fn delegator_unbondings(
    ctx: &QueryContext<'_>,
    request: &QueryDelegatorUnbondingDelegationsRequest,
) -> Result<QueryDelegatorUnbondingDelegationsResponse, CodedError> {
    let delegator = account(&request.delegator_addr)?;
    let page = UNBONDINGS.scan().prefix(&delegator).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    let unbonding_responses = page.entries.iter().map(|(_, unbonding)| unbonding.to_proto()).collect();
    Ok(QueryDelegatorUnbondingDelegationsResponse { unbonding_responses, pagination })
}

fn redelegations(
    ctx: &QueryContext<'_>,
    request: &QueryRedelegationsRequest,
) -> Result<QueryRedelegationsResponse, CodedError> {
    let asked = pagination::request(request.pagination.as_ref());
    let optional = |text: &str| if text.is_empty() { Ok(None) } else { operator(text).map(Some) };
    let (source, destination) = (optional(&request.src_validator_addr)?, optional(&request.dst_validator_addr)?);
    let mut moved = Vec::new();
    let pagination;
    if request.delegator_addr.is_empty() {
        let source =
            source.ok_or_else(|| sdk::Error::InvalidRequest("give a delegator or a source validator".into()))?;
        let page = REDELEGATIONS_OF_SOURCE.scan().prefix(&source).page(ctx, &asked)?;
        for ((source, delegator, destination), ()) in &page.entries {
            moved.push(REDELEGATIONS.require(ctx, (delegator, source, destination))?);
        }
        pagination = pagination::response(&page);
    } else {
        let delegator = account(&request.delegator_addr)?;
        if let (Some(source), Some(destination)) = (&source, &destination)
            && !REDELEGATIONS.has(ctx, (&delegator, source, destination))?
        {
            return Err(absent(format!("redelegation not found for delegator address {delegator}")));
        }
        let page = REDELEGATIONS.scan().prefix(&delegator).page_where(ctx, &asked, |(_, from, to), _| {
            source.as_ref().is_none_or(|wanted| wanted == from)
                && destination.as_ref().is_none_or(|wanted| wanted == to)
        })?;
        pagination = pagination::response(&page);
        moved.extend(page.entries.into_iter().map(|(_, redelegation)| redelegation));
    }
    let redelegation_responses = moved.iter().map(|entry| redelegation(ctx, entry)).collect::<Result<_, _>>()?;
    Ok(QueryRedelegationsResponse { redelegation_responses, pagination })
}

fn redelegation(ctx: &QueryContext<'_>, moved: &Moved) -> Result<RedelegationResponse, CodedError> {
    let destination = found(ctx, &moved.destination)?;
    let mut entries = Vec::with_capacity(moved.entries.len());
    for entry in &moved.entries {
        entries.push(RedelegationEntryResponse {
            redelegation_entry: Some(entry.to_proto()),
            balance: destination.tokens_of(entry.shares)?.to_string(),
        });
    }
    let redelegation = Redelegation { entries: Vec::new(), ..moved.to_proto() };
    Ok(RedelegationResponse { redelegation: Some(redelegation), entries })
}

fn delegator_validators(
    ctx: &QueryContext<'_>,
    request: &QueryDelegatorValidatorsRequest,
) -> Result<QueryDelegatorValidatorsResponse, CodedError> {
    let delegator = account(&request.delegator_addr)?;
    let page = DELEGATIONS.scan().prefix(&delegator).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let mut validators = Vec::with_capacity(page.entries.len());
    for ((_, operator), _) in &page.entries {
        validators.push(found(ctx, operator)?.to_proto());
    }
    Ok(QueryDelegatorValidatorsResponse { validators, pagination: pagination::response(&page) })
}

fn delegator_validator(
    ctx: &QueryContext<'_>,
    request: &QueryDelegatorValidatorRequest,
) -> Result<QueryDelegatorValidatorResponse, CodedError> {
    let (delegator, operator) = (account(&request.delegator_addr)?, operator(&request.validator_addr)?);
    if !DELEGATIONS.has(ctx, (&delegator, &operator))? {
        return Err(absent(format!(
            "delegation with delegator {delegator} not found for validator {}",
            request.validator_addr
        )));
    }
    Ok(QueryDelegatorValidatorResponse { validator: Some(found(ctx, &operator)?.to_proto()) })
}

fn historical_info(
    ctx: &QueryContext<'_>,
    request: &QueryHistoricalInfoRequest,
) -> Result<QueryHistoricalInfoResponse, CodedError> {
    let hist = HISTORY.get(ctx, &super::height(request.height)?)?.ok_or(Error::NoHistory(request.height))?;
    Ok(QueryHistoricalInfoResponse { hist: Some(hist) })
}

fn pool(ctx: &QueryContext<'_>, _: &QueryPoolRequest) -> Result<QueryPoolResponse, CodedError> {
    // What unbonds is in the pool but belongs to no validator; Cosmos counts it as not bonded too.
    let not_bonded_tokens = pools::balance(ctx, pools::NOT_BONDED)?.to_string();
    let bonded_tokens = pools::balance(ctx, pools::BONDED)?.to_string();
    Ok(QueryPoolResponse { pool: Some(Pool { not_bonded_tokens, bonded_tokens }) })
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}
