//! Rules for proposals that change parameters which decide about money (finance spec section 14).

use prost_types::Any;
use ve_base::CodedError;
use ve_sdk::{Context, QueryContext, Registry};

use super::error::Error;

/// Between the end of the vote and the execution: time to leave for those who disagree.
pub const TIMELOCK_SECONDS: u64 = 48 * 3600;
/// What stands before the SHA-256 of the report, in hex, in the proposal's metadata.
const REPORT: &str = "simulation-report:sha256:";

/// The first money-critical message.
pub fn find<'a>(registry: &Registry, messages: &'a [Any]) -> Option<&'a Any> {
    messages.iter().find(|message| registry.is_money_critical(&message.type_url))
}

fn has_report(metadata: &str) -> bool {
    let Some((_, rest)) = metadata.split_once(REPORT) else { return false };
    let digits = rest.bytes().take_while(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte)).count();
    digits == 64
}

/// Refuses a money-critical proposal that is expedited, comes without a report or takes too large a step.
pub fn check(ctx: &Context<'_>, messages: &[Any], metadata: &str, expedited: bool) -> Result<(), CodedError> {
    let Some(first) = find(ctx.registry(), messages) else { return Ok(()) };
    if expedited {
        return Err(Error::CriticalExpedited(first.type_url.clone()).into());
    }
    if !has_report(metadata) {
        return Err(Error::NoReport(first.type_url.clone()).into());
    }
    check_steps(ctx, messages)
}

/// Again at the execution, because the parameters may have changed since the submission. One change of each set: two in
/// a row would make a larger step.
pub fn check_steps(ctx: &Context<'_>, messages: &[Any]) -> Result<(), CodedError> {
    let query = QueryContext::new(ctx, ctx.block(), ctx.registry());
    let mut seen = std::collections::BTreeSet::new();
    for message in messages.iter().filter(|message| ctx.registry().is_money_critical(&message.type_url)) {
        if !seen.insert(&message.type_url) {
            return Err(Error::Proposal(format!("{} is in the proposal twice", message.type_url)).into());
        }
        ve_sdk::steps::check(&query, message)?;
    }
    Ok(())
}
