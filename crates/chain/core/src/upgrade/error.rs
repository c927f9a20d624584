//! Errors of the module.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0}: invalid upgrade plan")]
    Plan(String),
    #[error("upgrade with name {0} has already been completed; choose another name")]
    Applied(String),
    #[error("no upgrade is planned: nothing to cancel")]
    NothingPlanned,
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "upgrade"
    }

    fn code(&self) -> u32 {
        match self {
            Self::Plan(_) => 2,
            Self::Applied(_) => 3,
            Self::NothingPlanned => 4,
        }
    }
}
