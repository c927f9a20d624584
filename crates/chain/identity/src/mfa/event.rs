//! Events: one per change of a factor, challenge or session.

use ve_proto::ve::mfa::v1::{Challenge, Factor, Session};
use ve_sdk::{Context, Event};

pub fn factor(ctx: &mut Context<'_>, what: &'static str, factor: &Factor) {
    ctx.emit(
        Event::new(what)
            .with("address", &factor.address)
            .with("factor_id", factor.id)
            .with("type", factor.r#type().as_str_name())
            .with("state", factor.state().as_str_name()),
    );
}

pub fn challenge(ctx: &mut Context<'_>, what: &'static str, challenge: &Challenge) {
    ctx.emit(
        Event::new(what)
            .with("address", &challenge.address)
            .with("challenge_id", challenge.id)
            .with("factor_id", challenge.factor_id)
            .with("action", challenge.action().as_str_name())
            .with("attempts", u64::from(challenge.attempts)),
    );
}

pub fn session(ctx: &mut Context<'_>, what: &'static str, session: &Session) {
    ctx.emit(
        Event::new(what)
            .with("address", &session.address)
            .with("session_id", session.id)
            .with("action", session.action().as_str_name())
            .with("expires_at", session.expires_at),
    );
}
