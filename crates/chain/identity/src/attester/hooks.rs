//! What higher modules learn of attestations.

use ve_base::CodedError;
use ve_proto::ve::attester::v1::Record;
use ve_sdk::Context;

/// Told about every fact that comes and goes.
pub trait AttestationHooks: Send + Sync {
    fn accepted(&self, ctx: &mut Context<'_>, record: &Record) -> Result<(), CodedError>;

    /// Expired, withdrawn, or signed by a key that was compromised.
    fn dropped(&self, ctx: &mut Context<'_>, record: &Record) -> Result<(), CodedError>;
}
