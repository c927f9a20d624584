//! Which denominations users may send.

use ve_base::{CodedError, Coins, errors::sdk::Error};
use ve_proto::cosmos::bank::v1beta1::Params;
use ve_sdk::Context;
use ve_store::{Read, Write};

use super::keys::{PARAMS, SEND_ENABLED};

#[allow(deprecated)]
pub fn default() -> Params {
    Params { send_enabled: Vec::new(), default_send_enabled: true }
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

/// Per-denomination switches live in their own table; the deprecated list is accepted in genesis and moved there.
#[allow(deprecated)]
pub fn store<W: Write + ?Sized>(state: &mut W, params: &Params) -> Result<(), CodedError> {
    for entry in &params.send_enabled {
        SEND_ENABLED.set(state, entry.denom.as_str(), &entry.enabled)?;
    }
    let kept = Params { send_enabled: Vec::new(), ..params.clone() };
    Ok(PARAMS.set(state, &kept)?)
}

pub fn require_sendable(ctx: &Context<'_>, coins: &Coins) -> Result<(), CodedError> {
    for coin in coins.iter() {
        let enabled = match SEND_ENABLED.get(ctx, coin.denom.as_str())? {
            Some(enabled) => enabled,
            None => load(ctx)?.default_send_enabled,
        };
        if !enabled {
            return Err(Error::Unauthorized(format!(
                "transfers of {} are currently disabled; governance can enable them",
                coin.denom
            ))
            .into());
        }
    }
    Ok(())
}
