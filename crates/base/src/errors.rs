//! Errors that reach clients: a codespace, a stable code, and a text with cause and remedy. The text never enters state.

use std::fmt::Display;

/// What a transaction result or a query carries of an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{log}")]
pub struct CodedError {
    pub codespace: &'static str,
    pub code: u32,
    pub log: String,
}

/// A module's error enum: each variant has one code forever.
pub trait Coded: Display {
    fn codespace(&self) -> &'static str;
    fn code(&self) -> u32;
}

impl<E: Coded> From<E> for CodedError {
    fn from(error: E) -> Self {
        Self { codespace: error.codespace(), code: error.code(), log: error.to_string() }
    }
}

pub mod sdk {
    //! The `sdk` codespace, whose codes wallets and relayers know (platform spec section 1).

    use super::Coded;

    macro_rules! errors {
        ($($(#[$doc:meta])* $name:ident = $code:literal,)*) => {
            #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
            pub enum Error {
                $($(#[$doc])* #[error("{0}")] $name(String),)*
            }

            impl Coded for Error {
                fn codespace(&self) -> &'static str {
                    "sdk"
                }

                fn code(&self) -> u32 {
                    match self {
                        $(Self::$name(_) => $code,)*
                    }
                }
            }
        };
    }

    errors! {
        TxDecode = 2,
        Unauthorized = 4,
        InsufficientFunds = 5,
        UnknownRequest = 6,
        InvalidAddress = 7,
        InvalidPubKey = 8,
        UnknownAddress = 9,
        InvalidCoins = 10,
        OutOfGas = 11,
        MemoTooLarge = 12,
        InsufficientFee = 13,
        TooManySignatures = 14,
        NoSignatures = 15,
        InvalidRequest = 18,
        TxInMempoolCache = 19,
        MempoolIsFull = 20,
        TxTooLarge = 21,
        KeyNotFound = 22,
        InvalidChainId = 28,
        TxTimeoutHeight = 30,
        UnknownExtensionOptions = 31,
        WrongSequence = 32,
        /// The node's storage failed; the node stops.
        Storage = 38,
    }
}

/// Arithmetic that leaves the range of its type fails the transaction.
macro_rules! arithmetic {
    ($($error:ty),*) => {$(
        impl Coded for $error {
            fn codespace(&self) -> &'static str {
                "sdk"
            }

            fn code(&self) -> u32 {
                10
            }
        }
    )*};
}

arithmetic!(crate::amount::AmountError, crate::dec::DecError);
