//! Running what passed: all messages or none, as the governance authority, with a bound on the work.

use ve_base::CodedError;
use ve_proto::cosmos::gov::v1::Proposal;
use ve_sdk::Context;
use ve_sdk::executor::run_inner;
use ve_sdk::gas::GasMeter;

use super::{authority, critical, effective};

/// Gas of all messages of one proposal: a sixth of a full block.
const MAX_GAS: u64 = 10_000_000;

/// Runs the messages. The error names the failed message by its index and its code: texts of errors may differ between
/// releases and never enter state (incident C2).
pub fn run(ctx: &mut Context<'_>, proposal: &Proposal) -> Result<(), String> {
    let outer = ctx.replace_gas(GasMeter::with_limit(MAX_GAS));
    let result = ctx.atomic(|ctx| {
        critical::check_steps(ctx, &proposal.messages).map_err(|error| reason("the check of steps", &error))?;
        for (index, message) in proposal.messages.iter().enumerate() {
            let failed = |error: CodedError| reason(&format!("message {index}"), &error);
            effective::before(ctx, message).map_err(failed)?;
            run_inner(ctx, message, &[authority()]).map_err(failed)?;
        }
        Ok(())
    });
    ctx.replace_gas(outer);
    result
}

fn reason(what: &str, error: &CodedError) -> String {
    format!("{what} failed with {} error {}", error.codespace, error.code)
}
