//! Events: one per change of a key. What owners do is in the audit log, too.

use ve_base::CodedError;
use ve_proto::ve::audit::v1::Outcome;
use ve_proto::ve::encryption::v1::RecipientKey;
use ve_sdk::{Context, Event};

use crate::audit;

pub fn key(ctx: &mut Context<'_>, what: &'static str, key: &RecipientKey) {
    let id = format!("{}:v{}", key.fingerprint, key.version);
    ctx.emit(
        Event::new(what)
            .with("owner", &key.owner)
            .with("key_id", id)
            .with("state", key.state().as_str_name())
            .with("expires_at", key.expires_at),
    );
}

/// As [`key`] for what its owner did.
pub fn logged(ctx: &mut Context<'_>, what: &'static str, changed: &RecipientKey) -> Result<(), CodedError> {
    key(ctx, what, changed);
    let act = audit::Act {
        actor: &changed.owner,
        module: "encryption",
        action: what,
        resource_id: &super::registry::id_of(changed),
        outcome: Outcome::Done,
        ..audit::Act::default()
    };
    audit::record(ctx, &act).map(|_| ())
}
