//! Errors of the module; codes never change.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the log has {1} entries, there is no entry {0}; ask for the head first")]
    NotFound(u64, u64),
    #[error("a tree of {0} entries cannot be proven; give sizes from 1 to {1}, the smaller first")]
    Size(u64, u64),
    #[error("an audit entry names its actor, module, action and resource in at most 256 printable bytes each")]
    Act,
    #[error("parameters refused: {0}")]
    Params(String),
    #[error("genesis of the audit log refused: {0}")]
    Genesis(String),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "audit"
    }

    fn code(&self) -> u32 {
        match self {
            Self::NotFound(..) => 2,
            Self::Size(..) => 3,
            Self::Act => 4,
            Self::Params(_) => 5,
            Self::Genesis(_) => 6,
        }
    }
}
