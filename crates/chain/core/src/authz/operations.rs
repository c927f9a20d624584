//! Random operations for the simulation.

use prost::Message as _;
use prost_types::Any;
use ve_base::{Address, Amount, Coins};
use ve_proto::cosmos::authz::v1beta1::{GenericAuthorization, Grant, MsgExec, MsgGrant, MsgRevoke};
use ve_proto::cosmos::bank::v1beta1::{MsgSend, SendAuthorization};
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};
use ve_sdk::{QueryContext, type_url};

use super::authorization::Authorization;
use super::grants;
use super::keys::GRANTS;

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/cosmos.authz.v1beta1.MsgGrant", weight: 3, generate: grant },
        Operation { message: "/cosmos.authz.v1beta1.MsgExec", weight: 4, generate: exec },
        Operation { message: "/cosmos.authz.v1beta1.MsgRevoke", weight: 1, generate: revoke },
    ]
}

fn authorization(draw: &mut dyn Draw) -> Authorization {
    if draw.below(2) == 0 {
        return Authorization::Generic(GenericAuthorization { msg: type_url::<MsgSend>() });
    }
    let spend_limit = Coins::native(Amount::from(draw.below(5_000).saturating_add(1))).to_proto();
    Authorization::Send(SendAuthorization { spend_limit, allow_list: Vec::new() })
}

/// One grant in four is already over.
fn grant(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (granter, grantee) = (pick(draw, accounts)?, pick(draw, accounts)?);
    let (expiration, late) = match draw.below(4) {
        0 => (Some(ctx.time().to_proto()), true),
        1 => (None, false),
        // Beyond the longest pause between two blocks of a simulation.
        _ => (Some(ctx.time().plus_seconds(draw.below(500_000).saturating_add(300_000)).to_proto()), false),
    };
    let grant = Grant { authorization: Some(authorization(draw).to_any()), expiration };
    let message = MsgGrant { granter: granter.to_string(), grantee: grantee.to_string(), grant: Some(grant) };
    let refused = late || granter == grantee;
    Some(Proposed::new(granter, &message, if refused { Expect::Refused } else { Expect::Accepted }))
}

fn exec(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (granter, grantee) = (pick(draw, accounts)?, pick(draw, accounts)?);
    let send = MsgSend {
        from_address: granter.to_string(),
        to_address: pick(draw, accounts)?.to_string(),
        amount: Coins::native(Amount::from(draw.below(4_000).saturating_add(1))).to_proto(),
    };
    let granted = grants::find(ctx, granter, grantee, &type_url::<MsgSend>()).ok()?.is_some();
    let expect = if granted || granter == grantee { Expect::Either } else { Expect::Refused };
    let msgs = vec![Any { type_url: type_url::<MsgSend>(), value: send.encode_to_vec() }];
    Some(Proposed::new(grantee, &MsgExec { grantee: grantee.to_string(), msgs }, expect))
}

fn revoke(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let granter = pick(draw, accounts)?;
    let given: Vec<_> = GRANTS.prefix(ctx, granter).filter_map(Result::ok).map(|(key, _)| key).collect();
    let (grantee, url, expect) = match pick(draw, &given) {
        Some((_, grantee, url)) if draw.below(4) > 0 => (grantee.clone(), url.clone(), Expect::Either),
        _ => (pick(draw, accounts)?.clone(), "/cosmos.bank.v1beta1.MsgMultiSend".to_owned(), Expect::Refused),
    };
    let message = MsgRevoke { granter: granter.to_string(), grantee: grantee.to_string(), msg_type_url: url };
    Some(Proposed::new(granter, &message, expect))
}
