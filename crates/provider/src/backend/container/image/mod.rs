//! Images: where they come from, how they are checked, unpacked and kept.

mod config;
mod extension;
pub mod layout;
mod registry;
mod store;
mod unpack;

use std::io;

pub use config::{ImageConfig, ImageUser};
pub use store::{ImageLimits, ImageStore, PreparedImage};
pub use unpack::{IdShift, UnpackLimits, Unpacker};

use crate::backend::{BackendError, ErrorClass};

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The reference is not one that this provider accepts.
    #[error("image {reference:?} cannot be used: {why}")]
    Reference {
        /// As the customer wrote it.
        reference: String,
        /// Why, and what would be accepted.
        why: String,
    },
    /// The image's content breaks a rule or a limit.
    #[error("image refused: {0}")]
    Refused(String),
    /// The image is not where it was looked for.
    #[error("image not found: {0}")]
    NotFound(String),
    /// The registry refuses the credentials.
    #[error("registry refuses access: {0}; check the credentials of the service")]
    Auth(String),
    /// The registry did not answer as it should.
    #[error("registry: {0}")]
    Registry(String),
    /// Local I/O.
    #[error("{0}: {1}")]
    Io(String, #[source] io::Error),
}

impl From<ImageError> for BackendError {
    fn from(e: ImageError) -> Self {
        let class = match &e {
            ImageError::Reference { .. } | ImageError::Refused(_) | ImageError::NotFound(_) => ErrorClass::Invalid,
            ImageError::Auth(_) => ErrorClass::Auth,
            ImageError::Registry(_) | ImageError::Io(..) => ErrorClass::Transient,
        };
        Self::new(class, e.to_string())
    }
}
