//! Errors of the module, with the codes of the Cosmos SDK where it has them; codes from 40 are this chain's own rules.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("proposal {0} doesn't exist: unknown proposal")]
    Unknown(u64),
    #[error("proposal {0} is not open for this: inactive proposal")]
    Inactive(u64),
    #[error("{0}: invalid vote option")]
    Vote(String),
    #[error("give the proposal messages or metadata: no messages proposed")]
    NoMessages,
    #[error(
        "{0} is no content of a proposal; propose a /cosmos.gov.v1beta1.TextProposal, or messages with /cosmos.gov.v1.MsgSubmitProposal: no handler exists for proposal type"
    )]
    Content(String),
    #[error("a proposal carries at most {0} messages: invalid proposal message")]
    TooManyMessages(usize),
    #[error(
        "{0} must have the governance authority {1} as its only signer: expected gov account as only signer for proposal message"
    )]
    Signer(String, String),
    #[error("metadata has {0} bytes, at most {1}: metadata too long")]
    MetadataTooLong(usize, usize),
    #[error("the deposit is {0}, at least {1} is needed: minimum deposit is too small")]
    DepositTooSmall(String, String),
    #[error("only the proposer {0} cancels this proposal: invalid proposer")]
    Proposer(String),
    #[error("voting on proposal {0} has ended: voting period already ended")]
    VotingEnded(u64),
    #[error("{0}: invalid proposal")]
    Proposal(String),
    #[error("deposits are paid in {0}, got {1}: wrong deposit denom")]
    DepositDenom(String, String),
    #[error("{0} proposals are in their voting period, at most {0}; deposit again when one has ended")]
    TooManyActive(usize),
    #[error("{0} changes money-critical parameters, which no expedited proposal does; submit a regular one")]
    CriticalExpedited(String),
    #[error(
        "{0} changes money-critical parameters; attach the report of a simulation as simulation-report:sha256:<64 hex digits> in the metadata"
    )]
    NoReport(String),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "gov"
    }

    fn code(&self) -> u32 {
        match self {
            Self::Unknown(_) => 2,
            Self::Inactive(_) => 3,
            Self::Vote(_) => 7,
            Self::Content(_) => 9,
            Self::NoMessages => 11,
            Self::TooManyMessages(_) => 12,
            Self::Signer(..) => 13,
            Self::MetadataTooLong(..) => 15,
            Self::DepositTooSmall(..) => 16,
            Self::Proposer(_) => 18,
            Self::VotingEnded(_) => 20,
            Self::Proposal(_) => 21,
            Self::DepositDenom(..) => 23,
            Self::TooManyActive(_) => 40,
            Self::CriticalExpedited(_) => 41,
            Self::NoReport(_) => 42,
        }
    }
}
