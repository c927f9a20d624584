//! Queries of `ve.escrow.v1`: everything as if settled at the last block.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::escrow::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};
use ve_store::PageRequest;

use super::error::Error;
use super::keys::{ACCOUNTS, BY_OWNER, BY_PAYEE, PAYMENTS};
use super::settle::BLOCK_SECONDS;
use super::types::{self, AccountId};
use super::{ledger, params};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.escrow.v1.Query/Params", parameters);
    registrar.query("/ve.escrow.v1.Query/Account", account);
    registrar.query("/ve.escrow.v1.Query/Accounts", accounts);
    registrar.query("/ve.escrow.v1.Query/Payments", payments);
    registrar.query("/ve.escrow.v1.Query/BlocksRemaining", blocks_remaining);
}

fn parameters(ctx: &QueryContext<'_>, _request: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn now(ctx: &QueryContext<'_>) -> u64 {
    ctx.time().unix()
}

fn account(ctx: &QueryContext<'_>, request: &QueryAccountRequest) -> Result<QueryAccountResponse, CodedError> {
    let id = AccountId::new(request.scope, &request.xid)?;
    let book = ledger::settled(ctx, &id, now(ctx))?.ok_or_else(|| Error::NotFound(id.to_string()))?;
    let mut payments = Vec::new();
    for entry in PAYMENTS.scan().prefix(&id).entries(ctx) {
        let stored = entry?.1;
        let live = book.payments.iter().find(|payment| payment.xid == stored.xid);
        payments.push(live.unwrap_or(&stored).to_proto());
    }
    Ok(QueryAccountResponse { account: Some(book.account.to_proto()), payments, height: ctx.height() })
}

fn settled_account(ctx: &QueryContext<'_>, stored: types::Account) -> Result<types::Account, CodedError> {
    Ok(ledger::settled(ctx, &stored.id, now(ctx))?.map_or(stored, |book| book.account))
}

fn accounts(ctx: &QueryContext<'_>, request: &QueryAccountsRequest) -> Result<QueryAccountsResponse, CodedError> {
    let page_request: PageRequest = pagination::request(request.pagination.as_ref());
    let keep = |account: &types::Account| {
        (request.scope == 0 || i32::from(account.id.scope()) == request.scope)
            && (request.state == 0 || i32::from(account.state) == request.state)
    };
    let (found, pagination) = if request.owner.is_empty() {
        let page = ACCOUNTS.scan().page_where(ctx, &page_request, |_, account| keep(account))?;
        let pagination = pagination::response(&page);
        (page.entries.into_iter().map(|(_, account)| account).collect::<Vec<_>>(), pagination)
    } else {
        let owner = parse_account("owner", &request.owner)?;
        let scan = BY_OWNER.scan().prefix(&owner);
        let page = scan.page_where(ctx, &page_request, |(_, id), ()| {
            ACCOUNTS.get(ctx, id).is_ok_and(|found| found.as_ref().is_some_and(keep))
        })?;
        let pagination = pagination::response(&page);
        let found = page.entries.iter().map(|((_, id), ())| ACCOUNTS.require(ctx, id));
        (found.collect::<Result<Vec<_>, _>>()?, pagination)
    };
    let accounts = found.into_iter().map(|stored| Ok(settled_account(ctx, stored)?.to_proto()));
    let accounts = accounts.collect::<Result<_, CodedError>>()?;
    Ok(QueryAccountsResponse { accounts, pagination, height: ctx.height() })
}

fn settled_payment(ctx: &QueryContext<'_>, stored: types::Payment) -> Result<Payment, CodedError> {
    if stored.is_closed() {
        return Ok(stored.to_proto());
    }
    let book = ledger::settled(ctx, &stored.account, now(ctx))?;
    let live = book.and_then(|book| book.payments.into_iter().find(|payment| payment.xid == stored.xid));
    Ok(live.unwrap_or(stored).to_proto())
}

fn payments(ctx: &QueryContext<'_>, request: &QueryPaymentsRequest) -> Result<QueryPaymentsResponse, CodedError> {
    let page_request = pagination::request(request.pagination.as_ref());
    let keep = |payment: &types::Payment| request.state == 0 || i32::from(payment.state) == request.state;
    let (found, pagination) = if !request.xid.is_empty() {
        let id = AccountId::new(request.scope, &request.xid)?;
        let payee = if request.payee.is_empty() { None } else { Some(parse_account("payee", &request.payee)?) };
        let page = PAYMENTS.scan().prefix(&id).page_where(ctx, &page_request, |_, payment| {
            keep(payment) && payee.as_ref().is_none_or(|payee| *payee == payment.payee)
        })?;
        let pagination = pagination::response(&page);
        (page.entries.into_iter().map(|(_, payment)| payment).collect::<Vec<_>>(), pagination)
    } else if !request.payee.is_empty() {
        let payee = parse_account("payee", &request.payee)?;
        let page = BY_PAYEE.scan().prefix(&payee).page_where(ctx, &page_request, |(_, key), ()| {
            PAYMENTS.get(ctx, key).is_ok_and(|found| found.as_ref().is_some_and(keep))
        })?;
        let pagination = pagination::response(&page);
        let found = page.entries.iter().map(|((_, key), ())| PAYMENTS.require(ctx, key));
        (found.collect::<Result<Vec<_>, _>>()?, pagination)
    } else {
        let page = PAYMENTS.scan().page_where(ctx, &page_request, |_, payment| keep(payment))?;
        let pagination = pagination::response(&page);
        (page.entries.into_iter().map(|(_, payment)| payment).collect(), pagination)
    };
    let payments = found.into_iter().map(|stored| settled_payment(ctx, stored)).collect::<Result<_, _>>()?;
    Ok(QueryPaymentsResponse { payments, pagination, height: ctx.height() })
}

/// How long an account lasts from the last block on.
pub fn runway(ctx: &QueryContext<'_>, id: &AccountId) -> Result<QueryBlocksRemainingResponse, CodedError> {
    let book = ledger::settled(ctx, id, now(ctx))?.ok_or_else(|| Error::NotFound(id.to_string()))?;
    let seconds = book.seconds_left()?;
    Ok(QueryBlocksRemainingResponse {
        seconds_remaining: seconds,
        blocks_remaining: seconds.checked_div(BLOCK_SECONDS).unwrap_or_default(),
        balance_remaining: book.account.funds.to_mantissa(),
        height: ctx.height(),
    })
}

fn blocks_remaining(
    ctx: &QueryContext<'_>,
    request: &QueryBlocksRemainingRequest,
) -> Result<QueryBlocksRemainingResponse, CodedError> {
    runway(ctx, &AccountId::new(request.scope, &request.xid)?)
}
