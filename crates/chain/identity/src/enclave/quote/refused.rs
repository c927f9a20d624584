//! Why a quote proves nothing: one reason, with a code of its own, for each check.

use crate::x509;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("quotes of this kind are not verified here")]
    Kind,
    #[error("it is malformed: {0}")]
    Malformed(&'static str),
    #[error("it comes from a debug enclave, whose memory others can read")]
    Debug,
    #[error("a certificate is refused: {0}")]
    Certificate(&'static str),
    #[error("its chain ends at a root that is not pinned")]
    Root,
    #[error("a certificate or a list of revoked ones is not valid at the time of the block")]
    CertificateTime,
    #[error("the signature of a certificate or of a list of revoked ones does not fit")]
    CertificateSignature,
    #[error("a certificate was revoked by its issuer")]
    Revoked,
    #[error("a statement of Intel is refused: {0}")]
    Statement(&'static str),
    #[error("a statement of Intel is not valid at the time of the block; fetch a new one")]
    StatementTime,
    #[error("a statement of Intel is not signed by Intel")]
    StatementSignature,
    #[error("the quoting enclave vouches for another key")]
    AttestationKey,
    #[error("its quoting enclave is not Intel's")]
    QuotingEnclave,
    #[error("its quoting enclave is out of date")]
    QuotingEnclaveStatus,
    #[error("the platform did not sign the report of its quoting enclave")]
    PlatformSignature,
    #[error("the certificate or the statement is about another platform")]
    Platform,
    #[error("the platform is not up to date; update its firmware")]
    PlatformStatus,
    #[error("the hardware did not sign it")]
    Signature,
    #[error("it was made too long ago, or in the future")]
    Age,
}

impl Refused {
    /// Codes of the module's errors from 101 on; they never change.
    pub fn code(self) -> u32 {
        match self {
            Self::Kind => 101,
            Self::Malformed(_) => 102,
            Self::Debug => 103,
            Self::Certificate(_) => 104,
            Self::Root => 105,
            Self::CertificateTime => 106,
            Self::CertificateSignature => 107,
            Self::Revoked => 108,
            Self::Statement(_) => 109,
            Self::StatementTime => 110,
            Self::StatementSignature => 111,
            Self::AttestationKey => 112,
            Self::QuotingEnclave => 113,
            Self::QuotingEnclaveStatus => 114,
            Self::PlatformSignature => 115,
            Self::Platform => 116,
            Self::PlatformStatus => 117,
            Self::Signature => 118,
            Self::Age => 119,
        }
    }
}

impl From<x509::Refused> for Refused {
    fn from(refused: x509::Refused) -> Self {
        match refused {
            x509::Refused::Form(why) | x509::Refused::Issuer(why) => Self::Certificate(why),
            x509::Refused::Time => Self::CertificateTime,
            x509::Refused::Signature => Self::CertificateSignature,
            x509::Refused::Revoked => Self::Revoked,
        }
    }
}
