//! Queries of `ve.roles.v1`.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::roles::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};
use ve_store::KvError;

use super::error::Error;
use super::gate::table::TABLE;
use super::keys::{ACTIONS, ASSIGNMENTS, BY_DELEGATE, BY_DELEGATOR, BY_ROLE, DELEGATIONS, STATES};
use super::{params, states, table};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.roles.v1.Query/Params", parameters);
    registrar.query("/ve.roles.v1.Query/Account", account);
    registrar.query("/ve.roles.v1.Query/Accounts", accounts);
    registrar.query("/ve.roles.v1.Query/Members", members);
    registrar.query("/ve.roles.v1.Query/Action", action);
    registrar.query("/ve.roles.v1.Query/Actions", actions);
    registrar.query("/ve.roles.v1.Query/Delegations", delegations);
    registrar.query("/ve.roles.v1.Query/MessageClasses", message_classes);
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn account(ctx: &QueryContext<'_>, request: &QueryAccountRequest) -> Result<QueryAccountResponse, CodedError> {
    let account = parse_account("account", &request.account)?;
    let roles = table::of(ctx, &account)?;
    let state = states::of(ctx, &account)?;
    let highest = roles.iter().map(|assignment| table::trust(assignment.role())).max().unwrap_or_default();
    let trust = if state == AccountState::Active { highest } else { 0 };
    Ok(QueryAccountResponse { state: state.into(), status: STATES.get(ctx, &account)?, roles, trust })
}

fn accounts(ctx: &QueryContext<'_>, request: &QueryAccountsRequest) -> Result<QueryAccountsResponse, CodedError> {
    let page = pagination::request(request.pagination.as_ref());
    let found =
        STATES.scan().page_where(ctx, &page, |_, status| request.state == 0 || request.state == status.state)?;
    let pagination = pagination::response(&found);
    Ok(QueryAccountsResponse { accounts: found.entries.into_iter().map(|(_, status)| status).collect(), pagination })
}

fn members(ctx: &QueryContext<'_>, request: &QueryMembersRequest) -> Result<QueryMembersResponse, CodedError> {
    let page = pagination::request(request.pagination.as_ref());
    let role = u32::try_from(request.role).unwrap_or_default();
    let scan = if role == 0 { BY_ROLE.scan() } else { BY_ROLE.scan().prefix(&role) };
    let found = scan.page(ctx, &page)?;
    let assignments: Result<Vec<RoleAssignment>, KvError> =
        found.entries.iter().map(|((_, key), ())| ASSIGNMENTS.require(ctx, key)).collect();
    Ok(QueryMembersResponse { assignments: assignments?, pagination: pagination::response(&found) })
}

fn action(ctx: &QueryContext<'_>, request: &QueryActionRequest) -> Result<QueryActionResponse, CodedError> {
    let action = ACTIONS.get(ctx, &request.id)?.ok_or(Error::NotFound("admin action", request.id))?;
    Ok(QueryActionResponse { action: Some(action) })
}

fn actions(ctx: &QueryContext<'_>, request: &QueryActionsRequest) -> Result<QueryActionsResponse, CodedError> {
    let page = pagination::request(request.pagination.as_ref());
    let found = ACTIONS.scan().page_where(ctx, &page, |_, action| {
        (request.status == 0 || request.status == action.status)
            && (request.target.is_empty() || request.target == action.target)
    })?;
    let pagination = pagination::response(&found);
    Ok(QueryActionsResponse { actions: found.entries.into_iter().map(|(_, action)| action).collect(), pagination })
}

fn delegations(
    ctx: &QueryContext<'_>,
    request: &QueryDelegationsRequest,
) -> Result<QueryDelegationsResponse, CodedError> {
    let page = pagination::request(request.pagination.as_ref());
    let index = match (request.delegator.as_str(), request.delegate.as_str()) {
        ("", "") => None,
        ("", delegate) => Some(BY_DELEGATE.scan().prefix(&parse_account("delegate", delegate)?)),
        (delegator, _) => Some(BY_DELEGATOR.scan().prefix(&parse_account("delegator", delegator)?)),
    };
    let Some(index) = index else {
        let found = DELEGATIONS.scan().page(ctx, &page)?;
        let pagination = pagination::response(&found);
        let delegations = found.entries.into_iter().map(|(_, delegation)| delegation).collect();
        return Ok(QueryDelegationsResponse { delegations, pagination });
    };
    let found = index.page_where(ctx, &page, |(_, id), ()| {
        let given = DELEGATIONS.get(ctx, id).ok().flatten();
        given.is_some_and(|given| request.delegate.is_empty() || given.delegate == request.delegate)
    })?;
    let delegations: Result<Vec<Delegation>, KvError> =
        found.entries.iter().map(|((_, id), ())| DELEGATIONS.require(ctx, id)).collect();
    Ok(QueryDelegationsResponse { delegations: delegations?, pagination: pagination::response(&found) })
}

fn message_classes(
    _: &QueryContext<'_>,
    _: &QueryMessageClassesRequest,
) -> Result<QueryMessageClassesResponse, CodedError> {
    use AccountState::{Active, Flagged, Suspended, Terminated};
    let row = |(type_url, class): &(&str, super::gate::table::Class)| MessageClass {
        type_url: (*type_url).to_owned(),
        class: class.name().to_owned(),
        allowed: [Active, Flagged, Suspended, Terminated]
            .into_iter()
            .filter(|state| class.allowed(*state))
            .map(i32::from)
            .collect(),
    };
    Ok(QueryMessageClassesResponse { messages: TABLE.iter().map(row).collect() })
}
