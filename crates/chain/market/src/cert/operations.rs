//! Random operations for the simulation.

use ve_base::Address;
use ve_proto::ve::cert::v1::{MsgCreateCertificate, MsgRevokeCertificate};
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed};

use super::CERTIFICATES;
use crate::provider::operations::{pick, propose};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/ve.cert.v1.MsgCreateCertificate", weight: 1, generate: noise },
        Operation { message: "/ve.cert.v1.MsgRevokeCertificate", weight: 1, generate: revoke },
    ]
}

/// Random bytes that begin like a certificate.
fn noise(draw: &mut dyn Draw, _ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let mut certificate = vec![0x30, 0x82, 0x01, 0x00];
    (0..32).for_each(|_| certificate.extend_from_slice(&draw.next_u64().to_be_bytes()));
    propose(signer.clone(), &MsgCreateCertificate { owner: signer.to_string(), certificate }, Expect::Refused)
}

fn revoke(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let known: Vec<_> = CERTIFICATES.iter(ctx).take(50).filter_map(Result::ok).map(|(key, _)| key).collect();
    let signer = pick(draw, accounts)?;
    let serial = pick(draw, &known).map_or_else(|| "1".to_owned(), |(_, serial)| serial);
    propose(signer.clone(), &MsgRevokeCertificate { owner: signer.to_string(), serial }, Expect::Either)
}
