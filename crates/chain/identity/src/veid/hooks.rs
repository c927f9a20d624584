//! What identity follows of other modules, registered by the application.

use ve_base::{Address, CodedError};
use ve_sdk::Context;

use super::keys::WALLETS;
use super::{params, wallet};
use crate::roles::AccountState;
use crate::roles::hooks::AccountHooks;

pub struct IdentityHooks;

impl AccountHooks for IdentityHooks {
    /// The tier of an account that is not active is 0; it is told in the block in which that changes.
    fn after_state_changed(
        &self,
        ctx: &mut Context<'_>,
        account: &Address,
        _old: AccountState,
        _new: AccountState,
    ) -> Result<(), CodedError> {
        let Some(found) = WALLETS.get(ctx, account)? else { return Ok(()) };
        let params = params::load(ctx)?;
        wallet::save(ctx, account, found, &params)
    }
}
