//! Intel's statements about platforms and quoting enclaves (PCS API v4): signed JSON with an end of validity.

use ring::signature::ECDSA_P256_SHA256_FIXED;
use serde::Deserialize;

use super::{Refused, time};
use crate::x509::{self, Certificate};

const MAX_JSON: usize = 64 << 10;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TcbInfo {
    id: String,
    version: u32,
    issue_date: String,
    next_update: String,
    pub fmspc: String,
    pub pce_id: String,
    pub tcb_evaluation_data_number: u32,
    tcb_levels: Vec<PlatformLevel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PlatformLevel {
    tcb: PlatformTcb,
    tcb_status: String,
}

#[derive(Deserialize)]
struct PlatformTcb {
    sgxtcbcomponents: Vec<Component>,
    pcesvn: u32,
}

#[derive(Deserialize)]
struct Component {
    svn: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct QeIdentity {
    id: String,
    version: u32,
    issue_date: String,
    next_update: String,
    pub tcb_evaluation_data_number: u32,
    pub miscselect: String,
    pub miscselect_mask: String,
    pub attributes: String,
    pub attributes_mask: String,
    pub mrsigner: String,
    pub isvprodid: u32,
    tcb_levels: Vec<EnclaveLevel>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnclaveLevel {
    tcb: EnclaveTcb,
    tcb_status: String,
}

#[derive(Deserialize)]
struct EnclaveTcb {
    isvsvn: u32,
}

fn read<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Refused> {
    if json.len() > MAX_JSON {
        return Err(Refused::Statement("it has more than 64 KiB"));
    }
    serde_json::from_slice(json).map_err(|_| Refused::Statement("it is no JSON of the form of version 4"))
}

fn check_time(issued: &str, next: &str, now: u64) -> Result<(), Refused> {
    let fresh = (time::parse(issued)?..=time::parse(next)?).contains(&now);
    if fresh { Ok(()) } else { Err(Refused::StatementTime) }
}

/// The signer signed exactly these bytes.
pub fn check_signed(json: &[u8], given: &[u8], signer: &Certificate) -> Result<(), Refused> {
    x509::verify(signer, &ECDSA_P256_SHA256_FIXED, json, given).map_err(|_| Refused::StatementSignature)
}

impl TcbInfo {
    pub fn read(json: &[u8], now: u64) -> Result<Self, Refused> {
        let info: Self = read(json)?;
        if info.id != "SGX" || info.version != 3 {
            return Err(Refused::Statement("it is not about SGX platforms"));
        }
        check_time(&info.issue_date, &info.next_update, now)?;
        Ok(info)
    }

    /// State of a platform: that of the first level which it reaches in every part.
    pub fn status(&self, components: &[u32], pcesvn: u32) -> Result<&str, Refused> {
        let reached = |level: &&PlatformLevel| {
            let parts = &level.tcb.sgxtcbcomponents;
            parts.len() == components.len()
                && parts.iter().zip(components).all(|(needed, has)| *has >= needed.svn)
                && pcesvn >= level.tcb.pcesvn
        };
        let level = self.tcb_levels.iter().find(reached);
        level.map(|level| level.tcb_status.as_str()).ok_or(Refused::PlatformStatus)
    }
}

impl QeIdentity {
    pub fn read(json: &[u8], now: u64) -> Result<Self, Refused> {
        let identity: Self = read(json)?;
        if identity.id != "QE" || identity.version != 2 {
            return Err(Refused::Statement("it is not about the quoting enclave"));
        }
        check_time(&identity.issue_date, &identity.next_update, now)?;
        Ok(identity)
    }

    pub fn status(&self, isvsvn: u32) -> Result<&str, Refused> {
        let level = self.tcb_levels.iter().find(|level| isvsvn >= level.tcb.isvsvn);
        level.map(|level| level.tcb_status.as_str()).ok_or(Refused::QuotingEnclaveStatus)
    }
}
