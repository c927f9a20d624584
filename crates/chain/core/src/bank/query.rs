//! Queries of `cosmos.bank.v1beta1`.

use ve_base::{Amount, CodedError, Coin, errors::sdk::Error, parse_account};
use ve_proto::cosmos::bank::v1beta1::*;
use ve_proto::cosmos::base::query::v1beta1::PageRequest;
use ve_proto::cosmos::base::query::v1beta1::PageResponse;
use ve_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use ve_sdk::pagination;
use ve_sdk::{QueryContext, Registrar};

use super::keys::{BALANCES, METADATA, OWNERS, SEND_ENABLED, SUPPLY};
use super::{ledger, params};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/cosmos.bank.v1beta1.Query/Balance", balance);
    registrar.query("/cosmos.bank.v1beta1.Query/AllBalances", all_balances);
    registrar.query("/cosmos.bank.v1beta1.Query/SpendableBalances", spendable_balances);
    registrar.query("/cosmos.bank.v1beta1.Query/SpendableBalanceByDenom", spendable_balance);
    registrar.query("/cosmos.bank.v1beta1.Query/TotalSupply", total_supply);
    registrar.query("/cosmos.bank.v1beta1.Query/SupplyOf", supply_of);
    registrar.query("/cosmos.bank.v1beta1.Query/Params", parameters);
    registrar.query("/cosmos.bank.v1beta1.Query/DenomMetadata", metadata);
    registrar.query("/cosmos.bank.v1beta1.Query/DenomMetadataByQueryString", metadata_by_query_string);
    registrar.query("/cosmos.bank.v1beta1.Query/DenomsMetadata", all_metadata);
    registrar.query("/cosmos.bank.v1beta1.Query/DenomOwners", owners);
    registrar.query("/cosmos.bank.v1beta1.Query/DenomOwnersByQuery", owners_by_query);
    registrar.query("/cosmos.bank.v1beta1.Query/SendEnabled", send_enabled);
}

fn coin(denom: &str, amount: Amount) -> Result<ProtoCoin, CodedError> {
    Ok(Coin::new(denom.parse()?, amount).to_proto())
}

fn one(ctx: &QueryContext<'_>, address: &str, denom: &str) -> Result<ProtoCoin, CodedError> {
    coin(denom, ledger::balance(ctx, &parse_account("account", address)?, denom)?)
}

type CoinPage = (Vec<ProtoCoin>, Option<PageResponse>);

fn page(ctx: &QueryContext<'_>, address: &str, request: Option<&PageRequest>) -> Result<CoinPage, CodedError> {
    let owner = parse_account("account", address)?;
    let page = BALANCES.scan().prefix(&owner).page(ctx, &pagination::request(request))?;
    let pagination = pagination::response(&page);
    let coins = page.entries.into_iter().map(|((_, denom), amount)| coin(&denom, amount)).collect::<Result<_, _>>()?;
    Ok((coins, pagination))
}

fn balance(ctx: &QueryContext<'_>, request: &QueryBalanceRequest) -> Result<QueryBalanceResponse, CodedError> {
    Ok(QueryBalanceResponse { balance: Some(one(ctx, &request.address, &request.denom)?) })
}

fn all_balances(
    ctx: &QueryContext<'_>,
    request: &QueryAllBalancesRequest,
) -> Result<QueryAllBalancesResponse, CodedError> {
    let (balances, pagination) = page(ctx, &request.address, request.pagination.as_ref())?;
    Ok(QueryAllBalancesResponse { balances, pagination })
}

/// Amounts of a page of balances without what is locked; a coin of which nothing is free stays with the amount 0, so
/// that pages keep their size.
fn spendable_balances(
    ctx: &QueryContext<'_>,
    request: &QuerySpendableBalancesRequest,
) -> Result<QuerySpendableBalancesResponse, CodedError> {
    let (mut balances, pagination) = page(ctx, &request.address, request.pagination.as_ref())?;
    let spendable = ledger::spendable(ctx, &parse_account("account", &request.address)?, ctx.time())?;
    for coin in &mut balances {
        coin.amount = spendable.amount_of(&coin.denom).to_string();
    }
    Ok(QuerySpendableBalancesResponse { balances, pagination })
}

fn spendable_balance(
    ctx: &QueryContext<'_>,
    request: &QuerySpendableBalanceByDenomRequest,
) -> Result<QuerySpendableBalanceByDenomResponse, CodedError> {
    let spendable = ledger::spendable(ctx, &parse_account("account", &request.address)?, ctx.time())?;
    Ok(QuerySpendableBalanceByDenomResponse {
        balance: Some(coin(&request.denom, spendable.amount_of(&request.denom))?),
    })
}

fn total_supply(
    ctx: &QueryContext<'_>,
    request: &QueryTotalSupplyRequest,
) -> Result<QueryTotalSupplyResponse, CodedError> {
    let page = SUPPLY.scan().page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    let supply = page.entries.into_iter().map(|(denom, amount)| coin(&denom, amount)).collect::<Result<_, _>>()?;
    Ok(QueryTotalSupplyResponse { supply, pagination })
}

fn supply_of(ctx: &QueryContext<'_>, request: &QuerySupplyOfRequest) -> Result<QuerySupplyOfResponse, CodedError> {
    Ok(QuerySupplyOfResponse { amount: Some(coin(&request.denom, ledger::supply(ctx, &request.denom)?)?) })
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn find_metadata(ctx: &QueryContext<'_>, denom: &str) -> Result<Metadata, CodedError> {
    Ok(METADATA
        .get(ctx, denom)?
        .ok_or_else(|| Error::KeyNotFound(format!("client metadata for denom {denom}: key not found")))?)
}

fn metadata(
    ctx: &QueryContext<'_>,
    request: &QueryDenomMetadataRequest,
) -> Result<QueryDenomMetadataResponse, CodedError> {
    Ok(QueryDenomMetadataResponse { metadata: Some(find_metadata(ctx, &request.denom)?) })
}

fn metadata_by_query_string(
    ctx: &QueryContext<'_>,
    request: &QueryDenomMetadataByQueryStringRequest,
) -> Result<QueryDenomMetadataByQueryStringResponse, CodedError> {
    Ok(QueryDenomMetadataByQueryStringResponse { metadata: Some(find_metadata(ctx, &request.denom)?) })
}

fn all_metadata(
    ctx: &QueryContext<'_>,
    request: &QueryDenomsMetadataRequest,
) -> Result<QueryDenomsMetadataResponse, CodedError> {
    let page = METADATA.scan().page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    let metadatas = page.entries.into_iter().map(|(_, metadata)| metadata).collect();
    Ok(QueryDenomsMetadataResponse { metadatas, pagination })
}

type OwnerPage = (Vec<DenomOwner>, Option<PageResponse>);

fn owner_page(ctx: &QueryContext<'_>, denom: &str, request: Option<&PageRequest>) -> Result<OwnerPage, CodedError> {
    let page = OWNERS.scan().prefix(denom).page(ctx, &pagination::request(request))?;
    let mut owners = Vec::with_capacity(page.entries.len());
    for ((denom, owner), ()) in &page.entries {
        let balance = coin(denom, ledger::balance(ctx, owner, denom)?)?;
        owners.push(DenomOwner { address: owner.to_string(), balance: Some(balance) });
    }
    Ok((owners, pagination::response(&page)))
}

fn owners(ctx: &QueryContext<'_>, request: &QueryDenomOwnersRequest) -> Result<QueryDenomOwnersResponse, CodedError> {
    let (denom_owners, pagination) = owner_page(ctx, &request.denom, request.pagination.as_ref())?;
    Ok(QueryDenomOwnersResponse { denom_owners, pagination })
}

fn owners_by_query(
    ctx: &QueryContext<'_>,
    request: &QueryDenomOwnersByQueryRequest,
) -> Result<QueryDenomOwnersByQueryResponse, CodedError> {
    let (denom_owners, pagination) = owner_page(ctx, &request.denom, request.pagination.as_ref())?;
    Ok(QueryDenomOwnersByQueryResponse { denom_owners, pagination })
}

fn send_enabled(
    ctx: &QueryContext<'_>,
    request: &QuerySendEnabledRequest,
) -> Result<QuerySendEnabledResponse, CodedError> {
    if request.denoms.is_empty() {
        let page = SEND_ENABLED.scan().page(ctx, &pagination::request(request.pagination.as_ref()))?;
        let pagination = pagination::response(&page);
        let send_enabled = page.entries.into_iter().map(|(denom, enabled)| SendEnabled { denom, enabled }).collect();
        return Ok(QuerySendEnabledResponse { send_enabled, pagination });
    }
    let mut send_enabled = Vec::new();
    for denom in request.denoms.iter().take(100) {
        if let Some(enabled) = SEND_ENABLED.get(ctx, denom.as_str())? {
            send_enabled.push(SendEnabled { denom: denom.clone(), enabled });
        }
    }
    Ok(QuerySendEnabledResponse { send_enabled, pagination: None })
}
