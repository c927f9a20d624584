//! What to measure, and how it can fail.

use std::fmt;
use std::path::PathBuf;

/// A failure in words for whoever ran the command.
#[derive(Debug)]
pub struct Failure(pub String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// Adds what was being done to an error.
pub trait Doing<T> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Failure>;
}

impl<T, E: fmt::Display> Doing<T> for Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T, Failure> {
        self.map_err(|error| Failure(format!("{}: {error}", what())))
    }
}

#[derive(Clone, Debug)]
pub struct Plan {
    /// The node program.
    pub binary: PathBuf,
    /// Sizes of the networks, one after the other.
    pub validators: Vec<u16>,
    /// Accounts at genesis, all with a balance.
    pub accounts: usize,
    /// Transfers of the full load, each of another account.
    pub transfers: usize,
    /// Transfers per second of the moderate load, and for how long.
    pub rate: usize,
    pub seconds: usize,
    /// Transfers sent and not yet seen in a block during the full load.
    pub in_flight: usize,
    /// Connections of the full load.
    pub connections: usize,
    pub base_port: u16,
    /// The block's gas limit in the genesis file.
    pub block_gas: u64,
    /// The block's quota of transactions in the genesis file.
    pub block_txs: u64,
}

impl Plan {
    /// From `name=value` words.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self, Failure> {
        let mut plan = Self {
            binary: PathBuf::from("target/release/virtengine"),
            validators: vec![1, 4],
            accounts: 1_000_000,
            transfers: 60_000,
            rate: 200,
            seconds: 15,
            in_flight: 10_000,
            connections: 8,
            base_port: 30_000,
            block_gas: 60_000_000,
            block_txs: 5_000,
        };
        for word in words {
            let (name, value) = word.split_once('=').ok_or_else(|| Failure(format!("{word:?} is not name=value")))?;
            plan.set(name, value)?;
        }
        if plan.senders() > plan.accounts {
            return Err(Failure(format!("{} transfers need as many accounts, not {}", plan.senders(), plan.accounts)));
        }
        Ok(plan)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Failure> {
        fn number<T: std::str::FromStr<Err: fmt::Display>>(name: &str, value: &str) -> Result<T, Failure> {
            value.parse().doing(|| format!("{name}={value}"))
        }
        match name {
            "binary" => self.binary = value.into(),
            "validators" => {
                self.validators = value.split(',').map(|count| number(name, count)).collect::<Result<_, _>>()?;
            }
            "accounts" => self.accounts = number(name, value)?,
            "transfers" => self.transfers = number(name, value)?,
            "rate" => self.rate = number(name, value)?,
            "seconds" => self.seconds = number(name, value)?,
            "in-flight" => self.in_flight = number(name, value)?,
            "connections" => self.connections = number(name, value)?,
            "base-port" => self.base_port = number(name, value)?,
            "block-gas" => self.block_gas = number(name, value)?,
            "block-txs" => self.block_txs = number(name, value)?,
            _ => return Err(Failure(format!("no setting is named {name:?}"))),
        }
        Ok(())
    }

    pub fn light_transfers(&self) -> usize {
        self.rate * self.seconds
    }

    /// Accounts that send one transfer each.
    pub fn senders(&self) -> usize {
        self.light_transfers() + self.transfers
    }
}
