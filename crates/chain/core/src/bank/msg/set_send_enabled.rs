//! `MsgSetSendEnabled`: governance allows or stops user transfers of single denominations.

use ve_base::{CodedError, Denom, errors::sdk::Error};
use ve_proto::cosmos::bank::v1beta1::{MsgSetSendEnabled, MsgSetSendEnabledResponse};
use ve_sdk::{Context, require_authority};

use crate::bank::keys::SEND_ENABLED;

const MAX_ENTRIES: usize = 100;

pub fn check(msg: &MsgSetSendEnabled) -> Result<(), CodedError> {
    let count = msg.send_enabled.len().saturating_add(msg.use_default_for.len());
    if count > MAX_ENTRIES {
        return Err(Error::InvalidRequest(format!("{count} denominations, at most {MAX_ENTRIES}")).into());
    }
    let named = msg.send_enabled.iter().map(|entry| &entry.denom).chain(&msg.use_default_for);
    let mut seen = std::collections::BTreeSet::new();
    for denom in named {
        denom.parse::<Denom>()?;
        if !seen.insert(denom) {
            return Err(Error::InvalidRequest(format!("{denom} is named twice")).into());
        }
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgSetSendEnabled) -> Result<MsgSetSendEnabledResponse, CodedError> {
    require_authority(&msg.authority)?;
    for entry in &msg.send_enabled {
        SEND_ENABLED.set(ctx, entry.denom.as_str(), &entry.enabled)?;
    }
    for denom in &msg.use_default_for {
        SEND_ENABLED.remove(ctx, denom.as_str())?;
    }
    Ok(MsgSetSendEnabledResponse {})
}
