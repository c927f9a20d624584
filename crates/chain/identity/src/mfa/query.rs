//! Queries of `ve.mfa.v1`.

use ve_base::{CodedError, mfa, parse_account};
use ve_proto::ve::mfa::v1::*;
use ve_sdk::{QueryContext, Registrar};

use super::error::Error;
use super::keys::{CHALLENGES, CHALLENGES_OF, CHANGES, PROFILES, RECOVERIES, SESSIONS, SESSIONS_OF};
use super::rows::{self, Rule};
use super::{actions, challenge, classify, factor, gate, params};

/// Accounts in whose name one message acts.
const MAX_SIGNERS: usize = 16;
const MAX_CHANGES: usize = 10;

pub fn register(registrar: &mut Registrar) {
    registrar.query("/ve.mfa.v1.Query/Params", parameters);
    registrar.query("/ve.mfa.v1.Query/Actions", all_actions);
    registrar.query("/ve.mfa.v1.Query/Account", account);
    registrar.query("/ve.mfa.v1.Query/Requirements", requirements);
    registrar.query("/ve.mfa.v1.Query/Challenge", one_challenge);
}

fn parameters(ctx: &QueryContext<'_>, _: &QueryParamsRequest) -> Result<QueryParamsResponse, CodedError> {
    Ok(QueryParamsResponse { params: Some(params::load(ctx)?) })
}

fn all_actions(ctx: &QueryContext<'_>, _: &QueryActionsRequest) -> Result<QueryActionsResponse, CodedError> {
    Ok(QueryActionsResponse { actions: actions::all(ctx)? })
}

fn account(ctx: &QueryContext<'_>, request: &QueryAccountRequest) -> Result<QueryAccountResponse, CodedError> {
    let address = parse_account("account", &request.address)?;
    let name = address.to_string();
    let challenges: Result<Vec<_>, CodedError> =
        CHALLENGES_OF.keys(ctx, name.as_str()).map(|id| Ok(CHALLENGES.require(ctx, &id?)?)).collect();
    let sessions: Result<Vec<_>, CodedError> =
        SESSIONS_OF.keys(ctx, name.as_str()).map(|id| Ok(SESSIONS.require(ctx, &id?)?)).collect();
    let changes = CHANGES.scan().prefix(&address).take(ctx, MAX_CHANGES)?;
    Ok(QueryAccountResponse {
        profile: PROFILES.get(ctx, &address)?,
        factors: factor::all(ctx, &address)?,
        challenges: challenges?,
        sessions: sessions?,
        changes: changes.into_iter().map(|(_, change)| change).collect(),
        recovery: RECOVERIES.get(ctx, &address)?,
    })
}

/// What the gate would ask for, also of accounts that are not held to it yet.
fn requirements(
    ctx: &QueryContext<'_>,
    request: &QueryRequirementsRequest,
) -> Result<QueryRequirementsResponse, CodedError> {
    let message = request.message.as_ref().ok_or(Error::Request("the message is missing"))?;
    let entry = ctx.registry().message(&message.type_url);
    let entry = entry.ok_or_else(|| Error::NoRow(message.type_url.chars().take(120).collect()))?;
    let rule = rows::find(&message.type_url).ok_or_else(|| Error::NoRow(message.type_url.clone()))?;
    let mut requirements = Vec::new();
    for signer in entry.signers.read(&message.value)?.into_iter().take(MAX_SIGNERS) {
        if matches!(rule, Rule::Free) {
            continue;
        }
        let Some((address, action)) = classify::action(ctx, rule, message, &signer, ctx.time().unix())? else {
            continue;
        };
        let combinations = gate::combinations(ctx, &address, action)?;
        if !combinations.is_empty() {
            requirements.push(Requirement {
                address: address.to_string(),
                action: action.into(),
                combinations,
                intent_hash: mfa::intent(ctx.chain_id(), &address.to_string(), message).to_vec(),
            });
        }
    }
    Ok(QueryRequirementsResponse { requirements })
}

fn one_challenge(
    ctx: &QueryContext<'_>,
    request: &QueryChallengeRequest,
) -> Result<QueryChallengeResponse, CodedError> {
    Ok(QueryChallengeResponse { challenge: Some(challenge::require(ctx, request.id)?) })
}
