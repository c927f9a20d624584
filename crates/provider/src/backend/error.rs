use std::fmt;

/// Result of a backend call.
pub type Result<T, E = BackendError> = std::result::Result<T, E>;

/// What a caller may do about an error (marketplace §14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// May succeed when retried unchanged.
    Transient,
    /// Capacity or a limit is used up; retry when something is freed.
    Quota,
    /// Credentials are missing or refused.
    Auth,
    /// The request can never succeed as it is.
    Invalid,
    /// The thing named is not there.
    NotFound,
    /// It contradicts something that exists.
    Conflict,
}

impl ErrorClass {
    /// Stable lower-case code for logs, metrics and the wire.
    pub fn code(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Quota => "quota",
            Self::Auth => "auth",
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
        }
    }

    /// Whether the lifecycle queue may retry (marketplace §13.4: permanent errors
    /// skip retries).
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::Quota)
    }
}

/// An error of a backend: its class, the cause, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendError {
    /// What the caller may do.
    pub class: ErrorClass,
    /// Cause and remedy, readable by the operator. Never a secret.
    pub message: String,
}

impl BackendError {
    /// An error of `class` with a message that names cause and remedy.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into() }
    }

    /// [`ErrorClass::Transient`].
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Transient, message)
    }

    /// [`ErrorClass::Quota`].
    pub fn quota(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Quota, message)
    }

    /// [`ErrorClass::Auth`].
    pub fn auth(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Auth, message)
    }

    /// [`ErrorClass::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Invalid, message)
    }

    /// [`ErrorClass::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::NotFound, message)
    }

    /// [`ErrorClass::Conflict`].
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Conflict, message)
    }

    /// A local I/O failure, named by what was being done.
    pub(crate) fn io(doing: impl fmt::Display, err: std::io::Error) -> Self {
        Self::transient(format!("{doing}: {err}"))
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.class.code(), self.message)
    }
}

impl std::error::Error for BackendError {}
