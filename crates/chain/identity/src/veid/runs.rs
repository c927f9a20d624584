//! Verification requests on their way through committees: queue, draw, phases, new draws, the end. Phases end when all
//! have answered or when their time is over, so that no block ever waits for anybody (identity-ml spec sections 2 and 7).

use ve_base::{Address, CodedError, parse_account, verification};
use ve_proto::ve::veid::v1::{
    Params, RequestStatus, Run, RunState, ScopeStatus, Seat, VerificationRequest, Wallet, WalletStatus,
};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::draw::{self, Drawn};
use super::error::Error;
use super::faults::End;
use super::keys::{ASSIGNED, REQUEST_DUE, REQUESTS, REVEALS, RUNS, SCOPES, WALLETS};
use super::lifecycle;
use super::wallet::{self, Reasons};
use super::{clients, consent, event, faults, known, params};

/// The client through which the evidence came was in foreign hands.
const CLIENT_COMPROMISED: &str = "CLIENT_COMPROMISED";
/// Runs that go on at a time; further requests wait.
const MAX_OPEN: usize = 200;
/// Draws of one request.
const MAX_ATTEMPTS: u32 = 3;

/// The request in whose run a message has its place.
pub fn open<R: Read + ?Sized>(state: &R, run_id: &[u8]) -> Result<(Address, VerificationRequest), CodedError> {
    let unknown = || Error::RunNotFound(hex(run_id));
    let owner = RUNS.get(state, run_id)?.ok_or_else(unknown)?;
    Ok((owner.clone(), REQUESTS.get(state, &owner)?.ok_or_else(unknown)?))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(32).map(|byte| format!("{byte:02x}")).collect()
}

/// Seats that must agree: two thirds, rounded up.
pub fn needed(run: &Run) -> usize {
    ve_inference::agreement::needed(run.seats.len())
}

/// Whether the request still waits for something.
pub fn is_open(request: &VerificationRequest) -> bool {
    matches!(request.status(), RequestStatus::Queued | RequestStatus::Assigned | RequestStatus::Deferred)
}

/// Refuses while a verification of this account is open: it ends first, with what its members opened.
pub fn require_none<R: Read + ?Sized>(state: &R, owner: &Address) -> Result<(), CodedError> {
    match REQUESTS.get(state, owner)? {
        Some(request) if is_open(&request) => Err(Error::RequestOpen.into()),
        _ => Ok(()),
    }
}

/// What is due at the end of a block.
pub fn end_block(ctx: &mut Context<'_>, params: &Params, most: usize) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let mut due = Vec::new();
    for entry in REQUEST_DUE.scan().through(&now).keys(ctx).take(most) {
        due.push(entry?.1);
    }
    let mut open = ASSIGNED.scan().keys(ctx).take(MAX_OPEN).count();
    for owner in due {
        let mut request = REQUESTS.require(ctx, &owner)?;
        let first = request.status() == RequestStatus::Queued;
        let patient = now.saturating_sub(request.requested_at) < params.request_seconds;
        if first && open >= MAX_OPEN && patient {
            // Members are busy enough.
            request.due_at = now.saturating_add(1);
            REQUESTS.set(ctx, &owner, &request)?;
            continue;
        }
        open = open.saturating_add(usize::from(first));
        let mut advanced = request.clone();
        let outcome = ctx.atomic(|ctx| {
            advance(ctx, &owner, &mut advanced, params)?;
            Ok::<_, CodedError>(REQUESTS.set(ctx, &owner, &advanced)?)
        });
        // One request's trouble must not stop the chain: it is visible and tried again.
        if let Err(error) = outcome {
            request.due_at = now.saturating_add(params.phase_seconds);
            REQUESTS.set(ctx, &owner, &request)?;
            let cause = format!("{}/{}", error.codespace, error.code);
            ctx.emit(Event::new("verification_timer_failed").with("owner", &owner).with("cause", cause));
        }
    }
    Ok(())
}

/// Looks at an owner's request again in this block: something that it rests on went away.
pub fn review(ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError> {
    if let Some(mut request) = REQUESTS.get(ctx, owner)?.filter(is_open) {
        request.due_at = ctx.time().unix();
        REQUESTS.set(ctx, owner, &request)?;
    }
    Ok(())
}

/// Moves a request as far as time and answers allow. The caller saves it.
pub fn advance(
    ctx: &mut Context<'_>,
    owner: &Address,
    request: &mut VerificationRequest,
    params: &Params,
) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    if let Some(code) = obstacle(ctx, owner, request, now)? {
        return cancel(ctx, owner, request, code);
    }
    let run = request.run.clone().unwrap_or_default();
    let over = run.deadline <= now;
    let runs = matches!(run.state(), RunState::Extracting | RunState::Revealing | RunState::Attesting);
    if runs && run.model_id != params.model_id {
        // Nobody is at fault when governance changes the model; another run scores with the new one.
        end_run(ctx, request, RunState::NoQuorum)?;
        return draw(ctx, owner, request, params);
    }
    match run.state() {
        RunState::Extracting if over || run.seats.iter().all(has_extracted) => {
            let commits = run.seats.iter().filter(|seat| !seat.commit.is_empty()).count();
            end_phase(ctx, owner, request, params, commits >= needed(&run))
        }
        RunState::Revealing if over || run.seats.iter().all(has_revealed) => {
            end_phase(ctx, owner, request, params, faults::agreed_digest(&run).is_some())
        }
        RunState::Attesting if over || run.seats.iter().all(has_attested) => {
            end_phase(ctx, owner, request, params, false)
        }
        RunState::Unspecified | RunState::NoQuorum => draw(ctx, owner, request, params),
        _ => {
            request.due_at = run.deadline;
            Ok(())
        }
    }
}

/// Whether what the request rests on is gone; then there is no result.
pub fn is_obstructed(ctx: &Context<'_>, owner: &Address, request: &VerificationRequest) -> Result<bool, CodedError> {
    Ok(obstacle(ctx, owner, request, ctx.time().unix())?.is_some())
}

fn has_extracted(seat: &Seat) -> bool {
    !seat.commit.is_empty() || !seat.failure.is_empty()
}

fn has_revealed(seat: &Seat) -> bool {
    seat.commit.is_empty() || !seat.e_digest.is_empty()
}

fn has_attested(seat: &Seat) -> bool {
    seat.e_digest.is_empty() || seat.attestation.is_some() || !seat.failure.is_empty()
}

/// Why a request cannot go on, if anything: withdrawal of what it rests on wins over any result.
fn obstacle(
    ctx: &Context<'_>,
    owner: &Address,
    request: &VerificationRequest,
    now: u64,
) -> Result<Option<&'static str>, CodedError> {
    let wallet = WALLETS.get(ctx, owner)?.unwrap_or_default();
    if wallet.status() != WalletStatus::Active {
        return Ok(Some("WALLET_REVOKED"));
    }
    for scope_id in &request.scope_ids {
        let scope = SCOPES.require(ctx, &(owner.clone(), scope_id.clone()))?;
        if scope.status() == ScopeStatus::Revoked {
            return Ok(Some("SCOPE_REVOKED"));
        }
        if clients::is_compromised(ctx, &scope)? {
            return Ok(Some(CLIENT_COMPROMISED));
        }
        if consent::require(ctx, owner, scope.r#type(), consent::VERIFICATION, now).is_err() {
            return Ok(Some("CONSENT_WITHDRAWN"));
        }
    }
    // A wallet that lost its last scope, for example, waits for nothing any more.
    Ok((!waits(&wallet)).then_some("NOT_WAITING"))
}

/// Draws members for a new run; without any, the request waits for them.
fn draw(
    ctx: &mut Context<'_>,
    owner: &Address,
    request: &mut VerificationRequest,
    params: &Params,
) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let (epoch, seats) = match draw::draw(ctx, owner, request, params.committee_size)? {
        Drawn::Seats { epoch, seats } => (epoch, seats),
        // Those who could read it are no longer in office: it is captured again for those who are.
        Drawn::Unreadable => return cancel(ctx, owner, request, "RETAKE_COMMITTEE_CHANGED"),
        // Nobody can verify at present. Who waits too long gets his previous state back.
        Drawn::Nobody if now.saturating_sub(request.requested_at) >= params.request_seconds => {
            return give_up(ctx, owner, request);
        }
        Drawn::Nobody => {
            request.set_status(RequestStatus::Deferred);
            request.due_at = now.saturating_add(params.phase_seconds);
            return Ok(());
        }
    };
    request.attempts = request.attempts.saturating_add(1);
    request.set_status(RequestStatus::Assigned);
    let deadline = now.saturating_add(params.phase_seconds);
    request.due_at = deadline;
    request.run = Some(Run {
        run_id: verification::run_id(&request.request_id, epoch, request.attempts).to_vec(),
        state: RunState::Extracting.into(),
        epoch,
        started_at: now,
        deadline,
        seats,
        state_features: Vec::new(),
        model_id: params.model_id.clone(),
        height: ctx.height(),
    });
    begin_scopes(ctx, owner, request)?;
    event::run(ctx, "verification_assigned", request);
    faults::seated(ctx, request)
}

fn begin_scopes(ctx: &mut Context<'_>, owner: &Address, request: &VerificationRequest) -> Result<(), CodedError> {
    for scope_id in &request.scope_ids {
        let key = (owner.clone(), scope_id.clone());
        let mut scope = SCOPES.require(ctx, &key)?;
        if lifecycle::scope_may(scope.status(), ScopeStatus::InProgress) {
            scope.set_status(ScopeStatus::InProgress);
            SCOPES.set(ctx, &key, &scope)?;
        }
    }
    Ok(())
}

/// To the next phase when enough members did the last one alike, otherwise to a new draw.
fn end_phase(
    ctx: &mut Context<'_>,
    owner: &Address,
    request: &mut VerificationRequest,
    params: &Params,
    enough: bool,
) -> Result<(), CodedError> {
    if !enough {
        return no_quorum(ctx, owner, request, params);
    }
    let now = ctx.time().unix();
    let next = match request.run.as_ref().map(Run::state) {
        Some(RunState::Extracting) => RunState::Revealing,
        _ => RunState::Attesting,
    };
    let known = if next == RunState::Attesting { known::features(ctx, owner, request, now)? } else { Vec::new() };
    let deadline = now.saturating_add(params.phase_seconds);
    request.due_at = deadline;
    if let Some(run) = &mut request.run {
        run.set_state(next);
        run.deadline = deadline;
        run.state_features = known;
    }
    event::run(ctx, "verification_phase", request);
    Ok(())
}

/// One new draw at once, the next after a pause, then the end. A score is never invented.
fn no_quorum(
    ctx: &mut Context<'_>,
    owner: &Address,
    request: &mut VerificationRequest,
    params: &Params,
) -> Result<(), CodedError> {
    faults::settle(ctx, request, End::NoQuorum)?;
    end_run(ctx, request, RunState::NoQuorum)?;
    event::run(ctx, "verification_no_quorum", request);
    if request.attempts >= MAX_ATTEMPTS {
        return give_up(ctx, owner, request);
    }
    if request.attempts == 1 {
        return draw(ctx, owner, request, params);
    }
    request.set_status(RequestStatus::Deferred);
    request.due_at = ctx.time().unix().saturating_add(params.retry_seconds);
    event::run(ctx, "verification_deferred", request);
    Ok(())
}

/// Members' sealed features are needed until the run ends.
pub fn end_run(ctx: &mut Context<'_>, request: &mut VerificationRequest, state: RunState) -> Result<(), CodedError> {
    let Some(run) = &mut request.run else { return Ok(()) };
    run.set_state(state);
    for seat in run.seats.iter().filter(|seat| !seat.e_digest.is_empty()) {
        REVEALS.remove(ctx, (&run.run_id, &parse_account("member", &seat.member)?))?;
    }
    Ok(())
}

/// Nobody could verify in time: back to where the request came from, without a cooldown.
fn give_up(ctx: &mut Context<'_>, owner: &Address, request: &mut VerificationRequest) -> Result<(), CodedError> {
    close(request, RequestStatus::Timeout, vec!["VERIFICATION_TIMEOUT".into()]);
    event::run(ctx, "verification_timeout", request);
    back(ctx, owner, request, false)
}

fn cancel(
    ctx: &mut Context<'_>,
    owner: &Address,
    request: &mut VerificationRequest,
    code: &str,
) -> Result<(), CodedError> {
    let told =
        |run: &Run| run.state() == RunState::Attesting && run.seats.iter().any(|seat| seat.attestation.is_some());
    let known = request.run.as_ref().is_some_and(told) && code != CLIENT_COMPROMISED;
    end_run(ctx, request, RunState::Failed)?;
    close(request, RequestStatus::Cancelled, vec![code.to_owned()]);
    event::run(ctx, "verification_cancelled", request);
    back(ctx, owner, request, true)?;
    if known { evaded(ctx, owner) } else { Ok(()) }
}

/// Who withdraws when the first attestation has told how it will end waits as after a rejection.
fn evaded(ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError> {
    let params = params::load(ctx)?;
    let active = |wallet: &Wallet| wallet.status() == WalletStatus::Active;
    let Some(mut wallet) = WALLETS.get(ctx, owner)?.filter(active) else { return Ok(()) };
    wallet.rejections = wallet.rejections.saturating_add(1);
    let until = ctx.time().unix().saturating_add(lifecycle::cooldown(wallet.rejections, &params));
    wallet.cooldown_until = wallet.cooldown_until.max(until);
    wallet::save(ctx, owner, wallet, &params)
}

/// Members agree that the evidence cannot be scored: the user captures again, without a cooldown.
pub fn retake(
    ctx: &mut Context<'_>,
    owner: &Address,
    request: &mut VerificationRequest,
    code: &str,
) -> Result<(), CodedError> {
    faults::settle(ctx, request, End::Failed(code))?;
    end_run(ctx, request, RunState::Failed)?;
    close(request, RequestStatus::Final, vec![code.to_owned()]);
    event::run(ctx, "verification_retake", request);
    back(ctx, owner, request, true)
}

pub fn close(request: &mut VerificationRequest, status: RequestStatus, codes: Vec<String>) {
    request.set_status(status);
    request.due_at = 0;
    request.reason_codes = codes;
}

/// The wallet returns to where it was before the request, which `counts` as a try of its owner's day; one that was
/// revoked meanwhile stays as it is.
fn back(ctx: &mut Context<'_>, owner: &Address, request: &VerificationRequest, counts: bool) -> Result<(), CodedError> {
    let params = params::load(ctx)?;
    let Some(mut wallet) = WALLETS.get(ctx, owner)?.filter(waits) else { return Ok(()) };
    let reasons = Reasons { scope_ids: request.scope_ids.clone(), codes: request.reason_codes.clone() };
    wallet::advance(ctx, owner, &mut wallet, lifecycle::Event::TimedOut, reasons)?;
    if counts {
        wallet::tried(&mut wallet, ctx.time().unix());
    }
    wallet::save(ctx, owner, wallet, &params)
}

/// Whether a wallet waits for a result.
pub fn waits(wallet: &Wallet) -> bool {
    use ve_proto::ve::veid::v1::VerificationState::{Pending, Verified};
    let runs = wallet.state() == Pending || (wallet.state() == Verified && wallet.shadow);
    wallet.status() == WalletStatus::Active && runs
}
