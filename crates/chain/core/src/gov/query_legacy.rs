//! Queries of `cosmos.gov.v1beta1`: the same answers in the older form.

use prost::{Message as _, Name as _};
use prost_types::Any;
use ve_base::{CodedError, Dec};
use ve_proto::cosmos::gov::v1 as new;
use ve_proto::cosmos::gov::v1beta1::*;
use ve_sdk::{QueryContext, Registrar};

use super::{params, query};

pub fn register(registrar: &mut Registrar) {
    registrar.query("/cosmos.gov.v1beta1.Query/Proposal", proposal);
    registrar.query("/cosmos.gov.v1beta1.Query/Proposals", proposals);
    registrar.query("/cosmos.gov.v1beta1.Query/Vote", vote);
    registrar.query("/cosmos.gov.v1beta1.Query/Votes", votes);
    registrar.query("/cosmos.gov.v1beta1.Query/Params", parameters);
    registrar.query("/cosmos.gov.v1beta1.Query/Deposit", deposit);
    registrar.query("/cosmos.gov.v1beta1.Query/Deposits", deposits);
    registrar.query("/cosmos.gov.v1beta1.Query/TallyResult", tally_result);
}

fn old_tally(tally: new::TallyResult) -> TallyResult {
    TallyResult {
        yes: tally.yes_count,
        abstain: tally.abstain_count,
        no: tally.no_count,
        no_with_veto: tally.no_with_veto_count,
    }
}

/// Messages have no place in the older form; title and summary stand for them.
fn old_proposal(proposal: new::Proposal) -> Proposal {
    let content = TextProposal { title: proposal.title, description: proposal.summary };
    Proposal {
        proposal_id: proposal.id,
        content: Some(Any { type_url: TextProposal::type_url(), value: content.encode_to_vec() }),
        status: proposal.status,
        final_tally_result: proposal.final_tally_result.map(old_tally),
        submit_time: proposal.submit_time,
        deposit_end_time: proposal.deposit_end_time,
        total_deposit: proposal.total_deposit,
        voting_start_time: proposal.voting_start_time,
        voting_end_time: proposal.voting_end_time,
    }
}

#[allow(deprecated)]
fn old_vote(vote: new::Vote) -> Result<Vote, CodedError> {
    let mut options = Vec::with_capacity(vote.options.len());
    for option in &vote.options {
        let weight = option.weight.parse::<Dec>()?.to_mantissa();
        options.push(WeightedVoteOption { option: option.option, weight });
    }
    let option = if let [only] = options.as_slice() { only.option } else { 0 };
    Ok(Vote { proposal_id: vote.proposal_id, voter: vote.voter, option, options })
}

fn old_deposit(deposit: new::Deposit) -> Deposit {
    Deposit { proposal_id: deposit.proposal_id, depositor: deposit.depositor, amount: deposit.amount }
}

fn proposal(ctx: &QueryContext<'_>, request: &QueryProposalRequest) -> Result<QueryProposalResponse, CodedError> {
    Ok(QueryProposalResponse { proposal: Some(old_proposal(query::found(ctx, request.proposal_id)?)) })
}

fn proposals(ctx: &QueryContext<'_>, request: &QueryProposalsRequest) -> Result<QueryProposalsResponse, CodedError> {
    let request = new::QueryProposalsRequest {
        proposal_status: request.proposal_status,
        voter: request.voter.clone(),
        depositor: request.depositor.clone(),
        pagination: request.pagination.clone(),
    };
    let answer = query::proposals(ctx, &request)?;
    let proposals = answer.proposals.into_iter().map(old_proposal).collect();
    Ok(QueryProposalsResponse { proposals, pagination: answer.pagination })
}

fn vote(ctx: &QueryContext<'_>, request: &QueryVoteRequest) -> Result<QueryVoteResponse, CodedError> {
    let request = new::QueryVoteRequest { proposal_id: request.proposal_id, voter: request.voter.clone() };
    Ok(QueryVoteResponse { vote: query::vote(ctx, &request)?.vote.map(old_vote).transpose()? })
}

fn votes(ctx: &QueryContext<'_>, request: &QueryVotesRequest) -> Result<QueryVotesResponse, CodedError> {
    let request = new::QueryVotesRequest { proposal_id: request.proposal_id, pagination: request.pagination.clone() };
    let answer = query::votes(ctx, &request)?;
    let votes = answer.votes.into_iter().map(old_vote).collect::<Result<_, _>>()?;
    Ok(QueryVotesResponse { votes, pagination: answer.pagination })
}

fn parameters(ctx: &QueryContext<'_>, request: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    let params = params::load(ctx)?;
    let digits = |text: &str| -> Result<Vec<u8>, CodedError> { Ok(params::dec(text)?.to_mantissa().into_bytes()) };
    let mut response = QueryParamsResponse {
        voting_params: Some(VotingParams::default()),
        deposit_params: Some(DepositParams::default()),
        tally_params: Some(TallyParams::default()),
    };
    match request.params_type.as_str() {
        "voting" => response.voting_params = Some(VotingParams { voting_period: params.voting_period }),
        "deposit" => {
            let (min_deposit, max_deposit_period) = (params.min_deposit, params.max_deposit_period);
            response.deposit_params = Some(DepositParams { min_deposit, max_deposit_period });
        }
        "tallying" => {
            response.tally_params = Some(TallyParams {
                quorum: digits(&params.quorum)?,
                threshold: digits(&params.threshold)?,
                veto_threshold: digits(&params.veto_threshold)?,
            });
        }
        other => return Err(query::unknown_params(other)),
    }
    Ok(response)
}

fn deposit(ctx: &QueryContext<'_>, request: &QueryDepositRequest) -> Result<QueryDepositResponse, CodedError> {
    let request = new::QueryDepositRequest { proposal_id: request.proposal_id, depositor: request.depositor.clone() };
    Ok(QueryDepositResponse { deposit: query::deposit(ctx, &request)?.deposit.map(old_deposit) })
}

fn deposits(ctx: &QueryContext<'_>, request: &QueryDepositsRequest) -> Result<QueryDepositsResponse, CodedError> {
    let request =
        new::QueryDepositsRequest { proposal_id: request.proposal_id, pagination: request.pagination.clone() };
    let answer = query::deposits(ctx, &request)?;
    let deposits = answer.deposits.into_iter().map(old_deposit).collect();
    Ok(QueryDepositsResponse { deposits, pagination: answer.pagination })
}

fn tally_result(
    ctx: &QueryContext<'_>,
    request: &QueryTallyResultRequest,
) -> Result<QueryTallyResultResponse, CodedError> {
    let request = new::QueryTallyResultRequest { proposal_id: request.proposal_id };
    Ok(QueryTallyResultResponse { tally: query::tally_result(ctx, &request)?.tally.map(old_tally) })
}
