//! From a quote in a message to what it proves about a validator's keys now.

use prost::Message as _;
use sha2::{Digest, Sha256};
use ve_base::CodedError;
use ve_base::enclave::{Claim, Simulated, report_data};
use ve_proto::ve::enclave::v1::{Anchor, Collateral, Tee};
use ve_sdk::Context;
use ve_store::Read;

use super::error::Error;
use super::keys::{ANCHORS, MEASUREMENTS, SIMULATED};
use super::quote::{self, Policy, Proven, Refused};
use super::{floors, measurements, params};

const MAX_QUOTE: usize = 16 << 10;
/// Collateral of all kinds together.
const MAX_COLLATERAL: usize = 128 << 10;
/// Anchors that go in one block at most.
const MAX_PRUNED: usize = 10;

/// A quote as a message carries it.
pub struct Shown<'a> {
    pub tee: Tee,
    pub quote: &'a [u8],
    pub collateral: &'a Collateral,
    /// The block that it names.
    pub anchor_height: u64,
}

pub fn check_sizes(quote: &[u8], collateral: &Collateral) -> Result<(), CodedError> {
    if quote.is_empty() || quote.len() > MAX_QUOTE || collateral.encoded_len() > MAX_COLLATERAL {
        return Err(Error::Invalid("a quote has 1 to 16384 bytes, and at most 131072 that vouch for it").into());
    }
    Ok(())
}

/// Verifies a quote for a claim at the time of the block. What it costs is paid before the work is done.
pub fn verify(ctx: &Context<'_>, shown: &Shown<'_>, claim: &Claim<'_>) -> Result<Proven, CodedError> {
    let now = ctx.time().unix();
    let anchor = recent_anchor(ctx, shown.anchor_height, now)?;
    let proven = if shown.tee == Tee::Simulated {
        simulated(ctx, shown.quote)?
    } else {
        ctx.gas().consume(quote::gas(shown.tee), "quote")?;
        quote::verify(shown.tee, shown.quote, shown.collateral, now, &Policy::production()).map_err(Error::Quote)?
    };
    if proven.report_data != report_data(ctx.chain_id(), claim, &anchor.hash) {
        return Err(Error::ReportData.into());
    }
    require_listed(ctx, shown.tee, &proven, now)?;
    floors::require(ctx, shown.tee, &proven.tcb)?;
    Ok(proven)
}

fn recent_anchor(ctx: &Context<'_>, height: u64, now: u64) -> Result<Anchor, CodedError> {
    let age = params::load(ctx)?.quote_age_seconds;
    let anchor = ANCHORS.get(ctx, &height)?.filter(|anchor| now <= anchor.time.saturating_add(age));
    Ok(anchor.ok_or(Error::Anchor(height, age))?)
}

fn simulated<R: Read + ?Sized>(state: &R, quote: &[u8]) -> Result<Proven, CodedError> {
    if !SIMULATED.get_or_default(state)? {
        return Err(Error::Simulated.into());
    }
    let read = Simulated::read(quote).ok_or(Error::Quote(Refused::Malformed("it is no simulated quote")))?;
    Ok(Proven {
        measurement: read.measurement.to_vec(),
        signer: Vec::new(),
        report_data: read.report_data,
        svn: read.svn.into(),
        tcb: vec![read.tcb],
        status: "Simulated".into(),
    })
}

fn require_listed<R: Read + ?Sized>(state: &R, tee: Tee, proven: &Proven, now: u64) -> Result<(), CodedError> {
    let listed = MEASUREMENTS.get(state, &proven.measurement)?.filter(|listed| listed.tee() == tee);
    let listed = listed.filter(|listed| measurements::in_force(listed, now));
    let listed = listed.ok_or_else(|| Error::Unlisted(data_encoding::HEXLOWER.encode(&proven.measurement)))?;
    if proven.svn < listed.min_svn {
        return Err(Error::OldCode(proven.svn, listed.min_svn).into());
    }
    Ok(())
}

/// Remembers this block for as long as quotes may name it.
pub fn drop_anchor(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let (height, now) = (ctx.height(), ctx.time().unix());
    let age = params::load(ctx)?.quote_age_seconds;
    for (old, anchor) in ANCHORS.scan().take(ctx, MAX_PRUNED)? {
        if anchor.time.saturating_add(age) >= now {
            break;
        }
        ANCHORS.remove(ctx, &old)?;
    }
    let hash = ctx.block().hash.clone();
    Ok(ANCHORS.set(ctx, &height, &Anchor { height, hash, time: now })?)
}

pub fn hash_of(quote: &[u8]) -> Vec<u8> {
    Sha256::digest(quote).to_vec()
}
