//! What holds of verifications and appeals after every block.

use ve_base::parse_account;
use ve_proto::ve::veid::v1::{Run, RunState};
use ve_sdk::QueryContext;

use super::invariants::Checked;
use super::keys::{APPEALS, LAST_APPEAL, NULLIFIERS, REQUESTS, REVEALS, WALLETS};
use super::{appeals as of_appeals, result, runs as of_runs};

/// Requests move exactly while they are open, wallets that wait have one, members answer in order, and what members
/// opened is kept only for runs that need it.
pub fn runs(ctx: &QueryContext<'_>) -> Checked {
    for entry in REQUESTS.scan().entries(ctx) {
        let (owner, request) = entry?;
        let wrong = |what: &str| Ok(Err(format!("verification of {owner}: {what}")));
        if request.owner != owner.to_string() || !WALLETS.has(ctx, &owner)? {
            return wrong("it is of somebody else");
        }
        if of_runs::is_open(&request) != (request.due_at > 0) {
            return wrong("it is open without a time for its next step, or over with one");
        }
        let run = request.run.clone().unwrap_or_default();
        if run.seats.len() > result::MAX_SEATS || !in_order(&run) {
            return wrong("its members answered out of turn");
        }
    }
    for entry in WALLETS.scan().entries(ctx) {
        let (owner, wallet) = entry?;
        let open = REQUESTS.get(ctx, &owner)?.is_some_and(|request| of_runs::is_open(&request));
        if of_runs::waits(&wallet) && !open {
            return Ok(Err(format!("wallet of {owner} waits for nothing")));
        }
    }
    for entry in REVEALS.iter(ctx) {
        let ((run_id, member), _) = entry?;
        let name = member.to_string();
        let run = of_runs::open(ctx, &run_id)?.1.run.unwrap_or_default();
        let opened = run.seats.iter().any(|seat| seat.member == name && !seat.e_digest.is_empty());
        if !opened || !matches!(run.state(), RunState::Revealing | RunState::Attesting) {
            return Ok(Err(format!("features of {name} are left over")));
        }
    }
    for entry in NULLIFIERS.iter(ctx) {
        let (value, nullifier) = entry?;
        if nullifier.value != value || parse_account("owner", &nullifier.owner).is_err() {
            return Ok(Err("a document belongs to nobody".into()));
        }
    }
    Ok(Ok(()))
}

/// Nobody opens what he was not bound to, or attests what he did not open.
fn in_order(run: &Run) -> bool {
    run.seats.iter().all(|seat| {
        let opened = !seat.e_digest.is_empty();
        (!opened || !seat.commit.is_empty()) && (seat.attestation.is_none() || (opened && seat.failure.is_empty()))
    })
}

/// Appeals keep what they tell only while they are open.
pub fn appeals(ctx: &QueryContext<'_>) -> Checked {
    let last = LAST_APPEAL.get(ctx)?.unwrap_or_default();
    for entry in APPEALS.scan().entries(ctx) {
        let (id, appeal) = entry?;
        let open = of_appeals::is_open(&appeal);
        if id != appeal.appeal_id || id > last || open != (appeal.due_at > 0) || open != appeal.reason.is_some() {
            return Ok(Err(format!("appeal {id} is kept as it should not be")));
        }
    }
    Ok(Ok(()))
}
