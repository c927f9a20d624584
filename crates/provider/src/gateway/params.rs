use std::collections::BTreeMap;

use axum::extract::Query;
use axum::http::Uri;

use super::GatewayError;
use super::shell::ShellRequest;
use crate::backend::{ExecRequest, LogQuery, TermSize};

/// Words of a command, and bytes of all of them.
const MAX_WORDS: usize = 128;
const MAX_COMMAND: usize = 32 * 1024;

/// A terminal's size until the client sends one.
const DEFAULT_SIZE: TermSize = TermSize { rows: 24, cols: 80 };

/// Parameters of a query string, each at most once.
pub(super) struct Params(BTreeMap<String, String>);

impl Params {
    pub(super) fn parse(uri: &Uri) -> Result<Self, GatewayError> {
        let Query(pairs) =
            Query::<Vec<(String, String)>>::try_from_uri(uri).map_err(|_| bad("the query string is malformed"))?;
        let mut params = BTreeMap::new();
        for (name, value) in pairs {
            if let Some((name, _)) = params.insert(name.clone(), value).map(|old| (name, old)) {
                return Err(bad(format!("{name} is given twice")));
            }
        }
        Ok(Self(params))
    }

    /// The value, unless it is missing or empty.
    pub(super) fn one(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn flag(&self, name: &str, default: bool) -> Result<bool, GatewayError> {
        match self.one(name) {
            None => Ok(default),
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            Some(_) => Err(bad(format!("{name} must be true or false"))),
        }
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, GatewayError> {
        self.one(name).map(|text| text.parse().map_err(|_| bad(format!("{name} must be a number from 0")))).transpose()
    }

    /// `follow`, `tail`, `podIndex` of `/logs`.
    pub(super) fn log_query(&self) -> Result<LogQuery, GatewayError> {
        Ok(LogQuery {
            replica: self.number("podIndex")?,
            tail: self.number("tail")?,
            follow: self.flag("follow", false)?,
        })
    }

    /// `service`, `podIndex`, `tty`, `stdin`, `cmd0…` of `/shell`.
    pub(super) fn shell(&self) -> Result<ShellRequest, GatewayError> {
        let service = service_name(self.one("service").ok_or_else(|| bad("service is missing"))?)?;
        let tty = self.flag("tty", false)?.then_some(DEFAULT_SIZE);
        let replica = self.number("podIndex")?.unwrap_or(0);
        let stdin = self.flag("stdin", false)?;
        let exec = ExecRequest { replica, command: self.command()?, tty };
        Ok(ShellRequest { service, exec, stdin })
    }

    fn command(&self) -> Result<Vec<String>, GatewayError> {
        let command: Vec<String> = (0..).map_while(|i| self.0.get(&format!("cmd{i}")).cloned()).collect();
        let given = self.0.keys().filter(|name| is_word(name)).count();
        if command.first().is_none_or(String::is_empty) {
            return Err(bad("cmd0, the program to run, is missing"));
        }
        if given != command.len() {
            return Err(bad("cmd0, cmd1, … must be numbered without a gap"));
        }
        let bytes: usize = command.iter().map(String::len).sum();
        if command.len() > MAX_WORDS || bytes > MAX_COMMAND {
            return Err(bad("the command is longer than 128 words or 32 KiB"));
        }
        if command.iter().any(|word| word.contains('\0')) {
            return Err(bad("the command contains a zero byte"));
        }
        Ok(command)
    }
}

fn is_word(name: &str) -> bool {
    name.strip_prefix("cmd").is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// A service name of the manifest: `^[a-z]([-a-z0-9]*[a-z0-9])?$`, up to 63 bytes.
pub(super) fn service_name(text: &str) -> Result<String, GatewayError> {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let valid = text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(allowed)
        && !text.ends_with('-');
    if valid { Ok(text.to_owned()) } else { Err(bad(format!("{text:?} is not a service name"))) }
}

fn bad(cause: impl Into<String>) -> GatewayError {
    GatewayError::BadRequest(cause.into())
}
