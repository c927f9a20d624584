//! Queries of `cosmos.gov.v1`.

use ve_base::{CodedError, errors::sdk};
use ve_proto::cosmos::gov::v1::*;
use ve_sdk::{QueryContext, Registrar, pagination};

use super::keys::{CONSTITUTION, DEPOSITS, PROPOSALS, VOTES};
use super::{account, params, tally};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/cosmos.gov.v1.Query/Constitution", constitution);
    registrar.query("/cosmos.gov.v1.Query/Proposal", proposal);
    registrar.query("/cosmos.gov.v1.Query/Proposals", proposals);
    registrar.query("/cosmos.gov.v1.Query/Vote", vote);
    registrar.query("/cosmos.gov.v1.Query/Votes", votes);
    registrar.query("/cosmos.gov.v1.Query/Params", parameters);
    registrar.query("/cosmos.gov.v1.Query/Deposit", deposit);
    registrar.query("/cosmos.gov.v1.Query/Deposits", deposits);
    registrar.query("/cosmos.gov.v1.Query/TallyResult", tally_result);
}

fn absent(cause: impl std::fmt::Display) -> CodedError {
    sdk::Error::KeyNotFound(format!("rpc error: code = NotFound desc = {cause}: key not found")).into()
}

fn constitution(ctx: &QueryContext<'_>, _: &QueryConstitutionRequest) -> Result<QueryConstitutionResponse, CodedError> {
    Ok(QueryConstitutionResponse { constitution: CONSTITUTION.get(ctx)?.unwrap_or_default() })
}

pub(super) fn found(ctx: &QueryContext<'_>, id: u64) -> Result<Proposal, CodedError> {
    PROPOSALS.get(ctx, &id)?.ok_or_else(|| absent(format!("proposal {id} doesn't exist")))
}

fn proposal(ctx: &QueryContext<'_>, request: &QueryProposalRequest) -> Result<QueryProposalResponse, CodedError> {
    Ok(QueryProposalResponse { proposal: Some(found(ctx, request.proposal_id)?) })
}

pub(super) fn proposals(
    ctx: &QueryContext<'_>,
    request: &QueryProposalsRequest,
) -> Result<QueryProposalsResponse, CodedError> {
    let given = |role, text: &str| if text.is_empty() { Ok(None) } else { account(role, text).map(Some) };
    let (voter, depositor) = (given("voter", &request.voter)?, given("depositor", &request.depositor)?);
    let status = request.proposal_status;
    let page =
        PROPOSALS.scan().page_where(ctx, &pagination::request(request.pagination.as_ref()), |id, proposal| {
            let voted = |voter| VOTES.has(ctx, (id, voter)).unwrap_or(false);
            let deposited = |depositor| DEPOSITS.has(ctx, (id, depositor)).unwrap_or(false);
            (status == 0 || proposal.status == status)
                && voter.as_ref().is_none_or(voted)
                && depositor.as_ref().is_none_or(deposited)
        })?;
    let pagination = pagination::response(&page);
    Ok(QueryProposalsResponse { proposals: page.entries.into_iter().map(|(_, found)| found).collect(), pagination })
}

pub(super) fn vote(ctx: &QueryContext<'_>, request: &QueryVoteRequest) -> Result<QueryVoteResponse, CodedError> {
    let voter = account("voter", &request.voter)?;
    let vote = VOTES.get(ctx, (&request.proposal_id, &voter))?;
    let absent = || absent(format!("voter: {voter} not found for proposal: {}", request.proposal_id));
    Ok(QueryVoteResponse { vote: Some(vote.ok_or_else(absent)?) })
}

pub(super) fn votes(ctx: &QueryContext<'_>, request: &QueryVotesRequest) -> Result<QueryVotesResponse, CodedError> {
    let page =
        VOTES.scan().prefix(&request.proposal_id).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    Ok(QueryVotesResponse { votes: page.entries.into_iter().map(|(_, vote)| vote).collect(), pagination })
}

/// The deprecated parts are filled for clients that ask for one of them by its name.
#[allow(deprecated)]
fn parameters(ctx: &QueryContext<'_>, request: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    let params = params::load(ctx)?;
    let mut response = QueryParamsResponse::default();
    match request.params_type.as_str() {
        "" => {}
        "voting" => response.voting_params = Some(VotingParams { voting_period: params.voting_period }),
        "deposit" => {
            response.deposit_params = Some(DepositParams {
                min_deposit: params.min_deposit.clone(),
                max_deposit_period: params.max_deposit_period,
            });
        }
        "tallying" => {
            response.tally_params = Some(TallyParams {
                quorum: params.quorum.clone(),
                threshold: params.threshold.clone(),
                veto_threshold: params.veto_threshold.clone(),
            });
        }
        other => return Err(unknown_params(other)),
    }
    Ok(QueryParamsResponse { params: Some(params), ..response })
}

pub(super) fn unknown_params(name: &str) -> CodedError {
    let name: String = name.chars().take(40).collect();
    sdk::Error::InvalidRequest(format!("{name:?} is not a parameter type; use voting, deposit or tallying")).into()
}

pub(super) fn deposit(
    ctx: &QueryContext<'_>,
    request: &QueryDepositRequest,
) -> Result<QueryDepositResponse, CodedError> {
    let depositor = account("depositor", &request.depositor)?;
    let deposit = DEPOSITS.get(ctx, (&request.proposal_id, &depositor))?;
    let absent = || absent(format!("depositor: {depositor} not found for proposal: {}", request.proposal_id));
    Ok(QueryDepositResponse { deposit: Some(deposit.ok_or_else(absent)?) })
}

pub(super) fn deposits(
    ctx: &QueryContext<'_>,
    request: &QueryDepositsRequest,
) -> Result<QueryDepositsResponse, CodedError> {
    let page =
        DEPOSITS.scan().prefix(&request.proposal_id).page(ctx, &pagination::request(request.pagination.as_ref()))?;
    let pagination = pagination::response(&page);
    Ok(QueryDepositsResponse { deposits: page.entries.into_iter().map(|(_, deposit)| deposit).collect(), pagination })
}

/// Of an open vote, what the count is now.
pub(super) fn tally_result(
    ctx: &QueryContext<'_>,
    request: &QueryTallyResultRequest,
) -> Result<QueryTallyResultResponse, CodedError> {
    let proposal = found(ctx, request.proposal_id)?;
    let tally = match proposal.status() {
        ProposalStatus::VotingPeriod => tally::result(ctx, proposal.id)?,
        _ => proposal.final_tally_result.unwrap_or_else(tally::none),
    };
    Ok(QueryTallyResultResponse { tally: Some(tally) })
}
