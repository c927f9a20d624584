//! Queries of `cosmos.auth.v1beta1`.

use ve_base::{ACCOUNT_PREFIX, Address, CodedError, errors::sdk::Error, parse_account};
use ve_proto::cosmos::auth::v1beta1::*;
use ve_sdk::pagination;
use ve_sdk::{QueryContext, Registrar};

use super::account;
use super::keys::{ACCOUNTS, BY_NUMBER};
use super::params;

pub fn register(registrar: &mut Registrar) {
    registrar.query("/cosmos.auth.v1beta1.Query/Account", one);
    registrar.query("/cosmos.auth.v1beta1.Query/Accounts", all);
    registrar.query("/cosmos.auth.v1beta1.Query/AccountAddressByID", by_number);
    registrar.query("/cosmos.auth.v1beta1.Query/AccountInfo", info);
    registrar.query("/cosmos.auth.v1beta1.Query/Params", parameters);
    registrar.query("/cosmos.auth.v1beta1.Query/ModuleAccounts", module_accounts);
    registrar.query("/cosmos.auth.v1beta1.Query/ModuleAccountByName", module_account);
    registrar.query("/cosmos.auth.v1beta1.Query/Bech32Prefix", prefix);
    registrar.query("/cosmos.auth.v1beta1.Query/AddressBytesToString", bytes_to_string);
    registrar.query("/cosmos.auth.v1beta1.Query/AddressStringToBytes", string_to_bytes);
}

fn one(ctx: &QueryContext<'_>, request: &QueryAccountRequest) -> Result<QueryAccountResponse, CodedError> {
    let address = parse_account("account", &request.address)?;
    // Not `UnknownAddress`: clients tell a missing account by the gRPC status NotFound, which this code maps to.
    let any = ACCOUNTS.get(ctx, &address)?.ok_or_else(|| {
        Error::KeyNotFound(format!("rpc error: code = NotFound desc = account {address} not found: key not found"))
    })?;
    Ok(QueryAccountResponse { account: Some(any) })
}

fn all(ctx: &QueryContext<'_>, request: &QueryAccountsRequest) -> Result<QueryAccountsResponse, CodedError> {
    let page = ACCOUNTS.scan().page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    Ok(QueryAccountsResponse { accounts: page.entries.into_iter().map(|(_, any)| any).collect(), pagination })
}

fn by_number(
    ctx: &QueryContext<'_>,
    request: &QueryAccountAddressByIdRequest,
) -> Result<QueryAccountAddressByIdResponse, CodedError> {
    let address = BY_NUMBER
        .get(ctx, &request.account_id)?
        .ok_or_else(|| Error::KeyNotFound(format!("no account has the number {}", request.account_id)))?;
    Ok(QueryAccountAddressByIdResponse { account_address: address.to_string() })
}

fn info(ctx: &QueryContext<'_>, request: &QueryAccountInfoRequest) -> Result<QueryAccountInfoResponse, CodedError> {
    let address = parse_account("account", &request.address)?;
    let account = account::account(ctx, &address)?.ok_or_else(|| {
        Error::KeyNotFound(format!("rpc error: code = NotFound desc = account {address} not found: key not found"))
    })?;
    Ok(QueryAccountInfoResponse { info: Some(account.base()) })
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn module_accounts(
    ctx: &QueryContext<'_>,
    _: &QueryModuleAccountsRequest,
) -> Result<QueryModuleAccountsResponse, CodedError> {
    let mut accounts = Vec::new();
    for (name, _) in ctx.registry().module_accounts() {
        accounts.extend(ACCOUNTS.get(ctx, &ve_base::module_address(name))?);
    }
    Ok(QueryModuleAccountsResponse { accounts })
}

fn module_account(
    ctx: &QueryContext<'_>,
    request: &QueryModuleAccountByNameRequest,
) -> Result<QueryModuleAccountByNameResponse, CodedError> {
    let missing = || Error::KeyNotFound(format!("no module account is named {:?}", request.name));
    ctx.registry().permissions(&request.name).ok_or_else(missing)?;
    let account = ACCOUNTS.get(ctx, &ve_base::module_address(&request.name))?.ok_or_else(missing)?;
    Ok(QueryModuleAccountByNameResponse { account: Some(account) })
}

fn prefix(_: &QueryContext<'_>, _: &Bech32PrefixRequest) -> Result<Bech32PrefixResponse, CodedError> {
    Ok(Bech32PrefixResponse { bech32_prefix: ACCOUNT_PREFIX.to_owned() })
}

fn bytes_to_string(
    _: &QueryContext<'_>,
    request: &AddressBytesToStringRequest,
) -> Result<AddressBytesToStringResponse, CodedError> {
    let address = Address::try_from(request.address_bytes.as_slice())
        .map_err(|cause| Error::InvalidAddress(cause.to_string()))?;
    Ok(AddressBytesToStringResponse { address_string: address.to_string() })
}

fn string_to_bytes(
    _: &QueryContext<'_>,
    request: &AddressStringToBytesRequest,
) -> Result<AddressStringToBytesResponse, CodedError> {
    Ok(AddressStringToBytesResponse {
        address_bytes: parse_account("account", &request.address_string)?.as_bytes().to_vec(),
    })
}
