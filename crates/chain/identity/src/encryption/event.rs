//! Events: one per change of a key.

use ve_proto::ve::encryption::v1::RecipientKey;
use ve_sdk::{Context, Event};

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
