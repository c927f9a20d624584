//! What this module follows of others.

use ve_base::{Address, CodedError};
use ve_sdk::Context;

use super::session;
use crate::roles::AccountState;
use crate::roles::hooks::AccountHooks;

/// Ends the sessions of accounts that are not active any more.
pub struct MfaHooks;

impl AccountHooks for MfaHooks {
    fn after_state_changed(
        &self,
        ctx: &mut Context<'_>,
        account: &Address,
        _old: AccountState,
        new: AccountState,
    ) -> Result<(), CodedError> {
        if new == AccountState::Active { Ok(()) } else { session::revoke_all(ctx, &account.to_string()) }
    }
}
