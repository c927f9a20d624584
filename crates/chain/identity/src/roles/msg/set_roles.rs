//! `MsgSetRoles`: governance seats and unseats, all at once or none.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::roles::v1::{MsgSetRoles, MsgSetRolesResponse, RoleChange};
use ve_sdk::{Context, require_authority};

use crate::roles::error::Error;
use crate::roles::table::{self, Change};

const MAX_CHANGES: usize = 50;

pub fn check(msg: &MsgSetRoles) -> Result<(), CodedError> {
    let changes = msg.assign.len().saturating_add(msg.revoke.len());
    if changes == 0 || changes > MAX_CHANGES {
        return Err(Error::Invalid(format!("give 1 to {MAX_CHANGES} changes of roles")).into());
    }
    for change in &msg.assign {
        parse_account("account", &change.account)?;
        table::check_shape(change.role(), &change.organisation)?;
    }
    for change in &msg.revoke {
        parse_account("account", &change.account)?;
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgSetRoles) -> Result<MsgSetRolesResponse, CodedError> {
    require_authority(&msg.authority)?;
    let each = |ctx: &mut Context<'_>, change: &RoleChange, assign: bool| -> Result<(), CodedError> {
        let account = parse_account("account", &change.account)?;
        let (role, organisation) = (change.role(), change.organisation.as_str());
        let change = Change { account: &account, role, organisation, cause: "governance", actor: &msg.authority };
        if assign { table::assign(ctx, &change) } else { table::revoke(ctx, &change) }
    };
    msg.revoke.iter().try_for_each(|change| each(ctx, change, false))?;
    msg.assign.iter().try_for_each(|change| each(ctx, change, true))?;
    if table::is_led(ctx)? { Ok(MsgSetRolesResponse {}) } else { Err(Error::LastAdmin.into()) }
}
