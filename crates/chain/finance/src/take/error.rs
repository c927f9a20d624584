//! Errors of the module; codes never change.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("commission parameters refused: {0}")]
    Params(String),
    #[error("commission of {0} cannot be computed: the amount is too large; settle it in parts")]
    Overflow(String),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "take"
    }

    fn code(&self) -> u32 {
        match self {
            Self::Params(_) => 2,
            Self::Overflow(_) => 3,
        }
    }
}
