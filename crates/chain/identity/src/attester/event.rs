//! Events: one per change of an attester, a signer key or an attestation.

use ve_proto::ve::attester::v1::{Attester, Record, SignerKey};
use ve_sdk::{Context, Event};

pub fn attester(ctx: &mut Context<'_>, what: &'static str, attester: &Attester) {
    ctx.emit(
        Event::new(what)
            .with("attester", &attester.address)
            .with("organisation", &attester.organisation)
            .with("state", attester.state().as_str_name())
            .with("bond", &attester.bond),
    );
}

pub fn key(ctx: &mut Context<'_>, what: &'static str, key: &SignerKey) {
    ctx.emit(
        Event::new(what)
            .with("attester", &key.attester)
            .with("key_id", &key.key_id)
            .with("state", key.state().as_str_name())
            .with("expires_at", key.expires_at),
    );
}

pub fn record(ctx: &mut Context<'_>, what: &'static str, record: &Record) {
    let Some(of) = &record.attestation else { return };
    ctx.emit(
        Event::new(what)
            .with("id", &record.id)
            .with("kind", of.kind().as_str_name())
            .with("issuer", &of.issuer)
            .with("subject", &of.subject)
            .with("expires_at", of.expires_at),
    );
}
