//! `MsgPruneAllowances`: anybody helps to remove what has expired.

use ve_base::CodedError;
use ve_proto::cosmos::feegrant::v1beta1::{MsgPruneAllowances, MsgPruneAllowancesResponse};
use ve_sdk::{Context, Event};

use crate::feegrant::{account, grants};

/// As in the Cosmos SDK.
const MAX_PRUNED: usize = 75;

pub fn check(msg: &MsgPruneAllowances) -> Result<(), CodedError> {
    account("pruner", &msg.pruner).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgPruneAllowances) -> Result<MsgPruneAllowancesResponse, CodedError> {
    grants::prune(ctx, MAX_PRUNED)?;
    ctx.emit(Event::new("prune_feegrant").with("pruner", &msg.pruner));
    Ok(MsgPruneAllowancesResponse {})
}
