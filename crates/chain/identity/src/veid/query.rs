//! Queries of `ve.veid.v1`: metadata only. Personal data is nowhere here, so there is nothing to hide.

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::veid::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::error::Error;
use super::keys::{
    APPEALS, BLOCKS, CLIENTS, CONSENTS, ENVELOPES, HISTORY, MEMBERS, RECORDS, REQUEST_DUE, REQUESTS, REVEALS, SCOPES,
    WALLETS,
};
use super::{actions, clients, committee, gate, params, runs, tier, wallet};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.veid.v1.Query/Params", parameters);
    registrar.query("/ve.veid.v1.Query/Wallet", wallet);
    registrar.query("/ve.veid.v1.Query/Scopes", scopes);
    registrar.query("/ve.veid.v1.Query/Envelope", envelope);
    registrar.query("/ve.veid.v1.Query/Score", score);
    registrar.query("/ve.veid.v1.Query/Status", status);
    registrar.query("/ve.veid.v1.Query/History", history);
    registrar.query("/ve.veid.v1.Query/Consents", consents);
    registrar.query("/ve.veid.v1.Query/Clients", clients);
    registrar.query("/ve.veid.v1.Query/CaptureContext", capture_context);
    registrar.query("/ve.veid.v1.Query/Eligibility", eligibility);
    registrar.query("/ve.veid.v1.Query/Request", request);
    registrar.query("/ve.veid.v1.Query/Runs", open_runs);
    registrar.query("/ve.veid.v1.Query/Reveals", reveals);
    registrar.query("/ve.veid.v1.Query/ScoreRecord", score_record);
    registrar.query("/ve.veid.v1.Query/Appeals", appeals);
    registrar.query("/ve.veid.v1.Query/Members", members);
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

/// The wallet of an account, active or revoked.
fn known(ctx: &QueryContext<'_>, owner: &str) -> Result<(Address, Wallet), CodedError> {
    let owner = parse_account("owner", owner)?;
    let wallet = WALLETS.get(ctx, &owner)?.ok_or_else(|| Error::WalletInactive(owner.to_string()))?;
    Ok((owner, wallet))
}

fn wallet(ctx: &QueryContext<'_>, request: &QueryWalletRequest) -> Result<QueryWalletResponse, CodedError> {
    Ok(QueryWalletResponse { wallet: Some(known(ctx, &request.owner)?.1) })
}

fn scopes(ctx: &QueryContext<'_>, request: &QueryScopesRequest) -> Result<QueryScopesResponse, CodedError> {
    let owner = parse_account("owner", &request.owner)?;
    let wanted = pagination::request(request.pagination.as_ref());
    let page = SCOPES.scan().prefix(&owner).page_where(ctx, &wanted, |_, scope| {
        (request.r#type == 0 || request.r#type == scope.r#type)
            && (request.status == 0 || request.status == scope.status)
    })?;
    let pagination = pagination::response(&page);
    Ok(QueryScopesResponse { scopes: page.entries.into_iter().map(|(_, scope)| scope).collect(), pagination })
}

fn envelope(ctx: &QueryContext<'_>, request: &QueryEnvelopeRequest) -> Result<QueryEnvelopeResponse, CodedError> {
    let owner = parse_account("owner", &request.owner)?;
    let unknown = || Error::ScopeNotFound(request.scope_id.chars().take(64).collect());
    let envelope = ENVELOPES.get(ctx, (&owner, request.scope_id.as_str()))?.ok_or_else(unknown)?;
    Ok(QueryEnvelopeResponse { envelope: Some(envelope) })
}

fn score(ctx: &QueryContext<'_>, request: &QueryScoreRequest) -> Result<QueryScoreResponse, CodedError> {
    let (owner, wallet) = known(ctx, &request.owner)?;
    let params = params::load(ctx)?;
    let now = wallet::effective(ctx, &owner, &wallet, &params, ctx.time().unix())?;
    Ok(QueryScoreResponse {
        score: now.score,
        tier: now.tier,
        score_tier: now.score_tier,
        scope_tier: now.scope_tier,
        borderline: wallet.borderline,
        suggest_scopes: tier::in_band(now.score, &params) || now.scope_tier < now.score_tier,
        model_set_hash: wallet.model_set_hash,
        verified_at: wallet.verified_at,
    })
}

fn status(ctx: &QueryContext<'_>, request: &QueryStatusRequest) -> Result<QueryStatusResponse, CodedError> {
    let (_, wallet) = known(ctx, &request.owner)?;
    Ok(QueryStatusResponse {
        status: wallet.status,
        state: wallet.state,
        shadow: wallet.shadow,
        rejections: wallet.rejections,
        cooldown_until: wallet.cooldown_until,
        secondary_until: wallet.secondary_until,
    })
}

fn history(ctx: &QueryContext<'_>, request: &QueryHistoryRequest) -> Result<QueryHistoryResponse, CodedError> {
    let owner = parse_account("owner", &request.owner)?;
    let page = HISTORY.scan().prefix(&owner).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    Ok(QueryHistoryResponse { entries: page.entries.into_iter().map(|(_, entry)| entry).collect(), pagination })
}

fn consents(ctx: &QueryContext<'_>, request: &QueryConsentsRequest) -> Result<QueryConsentsResponse, CodedError> {
    let owner = parse_account("owner", &request.owner)?;
    let page = CONSENTS.scan().prefix(&owner).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    Ok(QueryConsentsResponse { consents: page.entries.into_iter().map(|(_, consent)| consent).collect(), pagination })
}

fn clients(ctx: &QueryContext<'_>, request: &QueryClientsRequest) -> Result<QueryClientsResponse, CodedError> {
    let now = ctx.time().unix();
    let wanted = pagination::request(request.pagination.as_ref());
    let page = CLIENTS.scan().page_where(ctx, &wanted, |_, client| {
        request.state == 0 || request.state == i32::from(clients::state_at(client, now))
    })?;
    let pagination = pagination::response(&page);
    let clients = page.entries.into_iter().map(|(_, mut client)| {
        client.set_state(clients::state_at(&client, now));
        client
    });
    Ok(QueryClientsResponse { clients: clients.collect(), pagination })
}

fn capture_context(
    ctx: &QueryContext<'_>,
    _: &QueryCaptureContextRequest,
) -> Result<QueryCaptureContextResponse, CodedError> {
    let hooks = ctx.registry().hooks();
    let epoch = committee::epoch(hooks, ctx)?;
    let members = committee::members(hooks, ctx, epoch)?;
    let mut recipients: Vec<CommitteeKey> = members
        .into_iter()
        .map(|member| CommitteeKey {
            key_id: member.key_id,
            suite: member.suite.into(),
            public_key: member.sealing_key,
        })
        .collect();
    recipients.sort_by(|left, right| left.key_id.cmp(&right.key_id));
    let block = BLOCKS.scan().reverse().first(ctx)?.map(|(_, block)| block);
    Ok(QueryCaptureContextResponse { block, epoch, recipients })
}

fn eligibility(
    ctx: &QueryContext<'_>,
    request: &QueryEligibilityRequest,
) -> Result<QueryEligibilityResponse, CodedError> {
    let owner = parse_account("owner", &request.owner)?;
    let action: String = request.action.chars().take(200).collect();
    let capability = actions::of(&action)
        .or_else(|| Capability::from_str_name(&action))
        .filter(|capability| *capability != Capability::Unspecified)
        .ok_or(Error::NoCapability(action))?;
    let found = gate::eligibility(ctx, &owner, capability)?;
    Ok(QueryEligibilityResponse {
        allowed: found.allowed,
        enforced: found.enforced,
        missing: found.missing,
        points_to_next: found.points_to_next,
        capability: capability.into(),
        cell: Some(found.cell),
    })
}

fn request(ctx: &QueryContext<'_>, request: &QueryRequestRequest) -> Result<QueryRequestResponse, CodedError> {
    let owner = parse_account("owner", &request.owner)?;
    Ok(QueryRequestResponse { request: REQUESTS.get(ctx, &owner)? })
}

/// Those that are open have a time at which something happens to them; all others of the past are not looked at, because
/// every member asks this all the time. The most urgent come first.
fn open_runs(ctx: &QueryContext<'_>, request: &QueryRunsRequest) -> Result<QueryRunsResponse, CodedError> {
    let wanted = pagination::request(request.pagination.as_ref());
    let has_seat = |found: &VerificationRequest| {
        let mut seats = found.run.iter().flat_map(|run| &run.seats);
        request.member.is_empty() || seats.any(|seat| seat.member == request.member)
    };
    let page = REQUEST_DUE.scan().page_where(ctx, &wanted, |(_, owner), ()| {
        REQUESTS.get(ctx, owner).ok().flatten().is_some_and(|found| runs::is_open(&found) && has_seat(&found))
    })?;
    let pagination = pagination::response(&page);
    let requests: Result<Vec<_>, _> =
        page.entries.iter().map(|((_, owner), ())| REQUESTS.require(ctx, owner)).collect();
    Ok(QueryRunsResponse { requests: requests?, pagination })
}

fn reveals(ctx: &QueryContext<'_>, request: &QueryRevealsRequest) -> Result<QueryRevealsResponse, CodedError> {
    let mut reveals = Vec::new();
    // As many as a run has seats.
    for entry in REVEALS.scan().prefix(&request.run_id).entries(ctx).take(64) {
        let ((_, member), features) = entry?;
        reveals.push(Reveal { member: member.to_string(), features: Some(features) });
    }
    Ok(QueryRevealsResponse { reveals })
}

fn score_record(
    ctx: &QueryContext<'_>,
    request: &QueryScoreRecordRequest,
) -> Result<QueryScoreRecordResponse, CodedError> {
    let owner = parse_account("owner", &request.owner)?;
    Ok(QueryScoreRecordResponse { record: RECORDS.get(ctx, &owner)? })
}

fn members(ctx: &QueryContext<'_>, request: &QueryMembersRequest) -> Result<QueryMembersResponse, CodedError> {
    let page = MEMBERS.scan().page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    Ok(QueryMembersResponse { members: page.entries.into_iter().map(|(_, member)| member).collect(), pagination })
}

fn appeals(ctx: &QueryContext<'_>, request: &QueryAppealsRequest) -> Result<QueryAppealsResponse, CodedError> {
    let wanted = pagination::request(request.pagination.as_ref());
    let page = APPEALS.scan().page_where(ctx, &wanted, |_, appeal| {
        (request.owner.is_empty() || request.owner == appeal.owner)
            && (request.status == 0 || request.status == appeal.status)
    })?;
    let pagination = pagination::response(&page);
    Ok(QueryAppealsResponse { appeals: page.entries.into_iter().map(|(_, appeal)| appeal).collect(), pagination })
}
