//! Events of the module. None of them carries personal data.

use ve_proto::ve::veid::v1::{Appeal, Client, HistoryEntry, Scope, VerificationRequest, Wallet};
use ve_sdk::{Context, Event};

use super::tier::Effective;

pub fn wallet(ctx: &mut Context<'_>, what: &'static str, wallet: &Wallet) {
    ctx.emit(
        Event::new(what)
            .with("owner", &wallet.owner)
            .with("wallet_id", &wallet.wallet_id)
            .with("status", wallet.status().as_str_name()),
    );
}

pub fn scope(ctx: &mut Context<'_>, what: &'static str, scope: &Scope) {
    ctx.emit(
        Event::new(what)
            .with("owner", &scope.owner)
            .with("scope_id", &scope.scope_id)
            .with("type", scope.r#type().as_str_name())
            .with("status", scope.status().as_str_name())
            .with("expires_at", scope.expires_at)
            .with("reason", &scope.reason),
    );
}

pub fn client(ctx: &mut Context<'_>, what: &'static str, client: &Client) {
    ctx.emit(
        Event::new(what)
            .with("client_id", &client.client_id)
            .with("state", client.state().as_str_name())
            .with("reason", &client.reason),
    );
}

pub fn consent(ctx: &mut Context<'_>, what: &'static str, owner: &str, consent_id: u32, version: u32) {
    ctx.emit(Event::new(what).with("owner", owner).with("consent_id", consent_id).with("version", version));
}

/// Verification moved.
pub fn moved(ctx: &mut Context<'_>, wallet: &Wallet, entry: &HistoryEntry) {
    ctx.emit(
        Event::new("verification_state_changed")
            .with("owner", &wallet.owner)
            .with("from", entry.state_before().as_str_name())
            .with("to", entry.state_after().as_str_name())
            .with("reason_codes", entry.reason_codes.join(",")),
    );
    if entry.score_before != entry.score_after {
        score(ctx, wallet, "verification");
    }
}

pub fn score(ctx: &mut Context<'_>, wallet: &Wallet, cause: &'static str) {
    ctx.emit(
        Event::new("score_updated")
            .with("owner", &wallet.owner)
            .with("score", wallet.score_milli / 1_000)
            .with("borderline", wallet.borderline)
            .with("cause", cause),
    );
}

pub fn tier(ctx: &mut Context<'_>, wallet: &Wallet, effective: &Effective) {
    ctx.emit(
        Event::new("tier_changed")
            .with("owner", &wallet.owner)
            .with("old", wallet.announced_tier)
            .with("new", effective.tier)
            .with("score", effective.score),
    );
}

pub fn run(ctx: &mut Context<'_>, what: &'static str, request: &VerificationRequest) {
    let run = request.run.clone().unwrap_or_default();
    let members: Vec<&str> = run.seats.iter().map(|seat| seat.member.as_str()).collect();
    ctx.emit(
        Event::new(what)
            .with("owner", &request.owner)
            .with("request_id", &request.request_id)
            .with("status", request.status().as_str_name())
            .with("run_id", super::runs::hex(&run.run_id))
            .with("phase", run.state().as_str_name())
            .with("members", members.join(","))
            .with("reason_codes", request.reason_codes.join(",")),
    );
}

pub fn appeal(ctx: &mut Context<'_>, what: &'static str, appeal: &Appeal) {
    ctx.emit(
        Event::new(what)
            .with("owner", &appeal.owner)
            .with("appeal_id", appeal.appeal_id)
            .with("status", appeal.status().as_str_name())
            .with("reviewer", &appeal.reviewer),
    );
}
