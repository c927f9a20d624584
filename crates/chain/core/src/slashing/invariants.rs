//! What must hold after every block.

use ve_base::CodedError;
use ve_sdk::{Invariant, QueryContext};

use super::keys::{PUNISHED, RECORDS, RECORDS_OF, SIGNING};
use crate::staking;

pub fn all() -> Vec<Invariant> {
    vec![
        Invariant { name: "signing", check: |ctx| flat(keys_are_known(ctx)) },
        Invariant { name: "records", check: |ctx| flat(infractions_are_punished_once(ctx)) },
    ]
}

type Checked = Result<Result<(), String>, CodedError>;

fn flat(result: Checked) -> Result<(), String> {
    result.map_err(|error| error.log)?
}

fn keys_are_known(ctx: &QueryContext<'_>) -> Checked {
    for (validator, _) in staking::bonded(ctx)? {
        if !SIGNING.has(ctx, &validator.consensus_address())? {
            return Ok(Err(format!("{} is bonded and its signatures are not followed", validator.operator_text())));
        }
    }
    for entry in SIGNING.iter(ctx) {
        let (consensus, state) = entry?;
        let validator = staking::by_consensus(ctx, &consensus)?;
        if state.tombstoned && validator.is_some_and(|validator| !validator.jailed) {
            return Ok(Err(format!("the key {consensus} is tombstoned and its validator is not jailed")));
        }
    }
    Ok(Ok(()))
}

fn infractions_are_punished_once(ctx: &QueryContext<'_>) -> Checked {
    let records = RECORDS.scan().keys(ctx).count();
    for (name, indexed) in [("punished", PUNISHED.iter(ctx).count()), ("by validator", RECORDS_OF.iter(ctx).count())] {
        if indexed != records {
            return Ok(Err(format!("{records} records, {indexed} in the index {name}")));
        }
    }
    Ok(Ok(()))
}
