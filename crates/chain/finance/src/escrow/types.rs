//! Accounts and payments with parsed amounts; state holds their protobuf form.

use std::fmt;

use ve_base::value::{Value, ValueError};
use ve_base::{ACCOUNT_PREFIX, Address, Amount, Dec, Denom};
use ve_proto::ve::escrow::v1 as proto;
pub use ve_proto::ve::escrow::v1::{AccountState, Condition, PaymentState, Scope};
use ve_store::{Key, KeyError};

use super::error::Error;

/// Longest id within a scope in bytes: a bid's id has two addresses and four numbers.
pub const MAX_XID: usize = 256;

/// Which account: what it pays for, and that thing's id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccountId {
    scope: u8,
    xid: String,
}

impl AccountId {
    pub fn deployment(xid: impl ToString) -> Self {
        Self { scope: scope_byte(Scope::Deployment), xid: xid.to_string() }
    }

    pub fn bid(xid: impl ToString) -> Self {
        Self { scope: scope_byte(Scope::Bid), xid: xid.to_string() }
    }

    pub fn scope(&self) -> Scope {
        Scope::try_from(i32::from(self.scope)).unwrap_or_default()
    }

    pub fn xid(&self) -> &str {
        &self.xid
    }

    pub fn new(scope: i32, xid: &str) -> Result<Self, Error> {
        let scope = Scope::try_from(scope).unwrap_or_default();
        if scope == Scope::Unspecified || xid.is_empty() || xid.len() > MAX_XID {
            return Err(Error::Id(xid.chars().take(80).collect()));
        }
        Ok(Self { scope: scope_byte(scope), xid: xid.to_owned() })
    }

    pub fn to_proto(&self) -> proto::AccountId {
        proto::AccountId { scope: i32::from(self.scope), xid: self.xid.clone() }
    }

    pub fn from_proto(id: Option<&proto::AccountId>) -> Result<Self, Error> {
        let id = id.ok_or_else(|| Error::Id(String::new()))?;
        Self::new(id.scope, &id.xid)
    }
}

/// Scopes are numbered far below 256.
fn scope_byte(scope: Scope) -> u8 {
    u8::try_from(i32::from(scope)).unwrap_or_default()
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = self.scope().as_str_name().trim_start_matches("SCOPE_").to_ascii_lowercase();
        write!(f, "{scope}:{}", self.xid)
    }
}

impl Key for AccountId {
    fn write(&self, out: &mut Vec<u8>) {
        self.scope.write(out);
        self.xid.write(out);
    }

    fn read(input: &mut &[u8]) -> Result<Self, KeyError> {
        Ok(Self { scope: u8::read(input)?, xid: String::read(input)? })
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    pub owner: Address,
    pub amount: Amount,
    /// Not yet spent.
    pub remaining: Dec,
    pub height: u64,
}

/// See `ve.escrow.v1.Dispute`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    pub id: u32,
    pub payment: String,
    pub payee: Address,
    pub opener: Address,
    pub amount: Amount,
    pub bond: Amount,
    pub opened_at: u64,
    pub expires_at: u64,
    pub statement_hash: Vec<u8>,
}

/// See `ve.escrow.v1.Account`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub id: AccountId,
    pub owner: Address,
    pub state: AccountState,
    pub denom: Denom,
    pub funds: Dec,
    pub deposited: Dec,
    pub transferred: Dec,
    pub refunded: Dec,
    pub settled_at: u64,
    pub deposits: Vec<Deposit>,
    pub due_at: u64,
    pub updated_height: u64,
    pub held: Dec,
    pub expires_at: u64,
    pub grace_until: u64,
    pub conditions: Vec<Condition>,
    pub disputes: Vec<Dispute>,
    pub last_dispute: u32,
}

impl Account {
    /// Neither closed nor on the way to it.
    pub fn is_live(&self) -> bool {
        matches!(self.state, AccountState::Open | AccountState::Overdrawn)
    }
}

/// See `ve.escrow.v1.Payment`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    pub account: AccountId,
    pub xid: String,
    pub payee: Address,
    /// Per second.
    pub rate: Dec,
    pub balance: Dec,
    pub unsettled: Dec,
    pub withdrawn: Amount,
    pub state: PaymentState,
    pub locked: bool,
}

const MALFORMED: ValueError = ValueError("not an escrow record");

fn address(text: &str) -> Result<Address, ValueError> {
    Address::from_bech32(text, ACCOUNT_PREFIX).map_err(|_| MALFORMED)
}

fn dec(text: &str) -> Result<Dec, ValueError> {
    Dec::from_mantissa(text).map_err(|_| MALFORMED)
}

fn amount(text: &str) -> Result<Amount, ValueError> {
    text.parse().map_err(|_| MALFORMED)
}

impl Dispute {
    fn to_proto(&self) -> proto::Dispute {
        proto::Dispute {
            id: self.id,
            payment: self.payment.clone(),
            payee: self.payee.to_string(),
            opener: self.opener.to_string(),
            amount: self.amount.to_string(),
            bond: self.bond.to_string(),
            opened_at: self.opened_at,
            expires_at: self.expires_at,
            statement_hash: self.statement_hash.clone(),
        }
    }

    fn from_proto(dispute: &proto::Dispute) -> Result<Self, ValueError> {
        Ok(Self {
            id: dispute.id,
            payment: dispute.payment.clone(),
            payee: address(&dispute.payee)?,
            opener: address(&dispute.opener)?,
            amount: amount(&dispute.amount)?,
            bond: amount(&dispute.bond)?,
            opened_at: dispute.opened_at,
            expires_at: dispute.expires_at,
            statement_hash: dispute.statement_hash.clone(),
        })
    }
}

impl Account {
    pub fn to_proto(&self) -> proto::Account {
        let deposits = self.deposits.iter().map(|deposit| proto::Deposit {
            owner: deposit.owner.to_string(),
            amount: deposit.amount.to_string(),
            remaining: deposit.remaining.to_mantissa(),
            height: deposit.height,
        });
        proto::Account {
            id: Some(self.id.to_proto()),
            owner: self.owner.to_string(),
            state: self.state.into(),
            denom: self.denom.to_string(),
            funds: self.funds.to_mantissa(),
            deposited: self.deposited.to_mantissa(),
            transferred: self.transferred.to_mantissa(),
            refunded: self.refunded.to_mantissa(),
            settled_at: self.settled_at,
            deposits: deposits.collect(),
            due_at: self.due_at,
            updated_height: self.updated_height,
            held: self.held.to_mantissa(),
            expires_at: self.expires_at,
            grace_until: self.grace_until,
            conditions: self.conditions.clone(),
            disputes: self.disputes.iter().map(Dispute::to_proto).collect(),
            last_dispute: self.last_dispute,
        }
    }

    pub fn from_proto(account: &proto::Account) -> Result<Self, ValueError> {
        let deposits = account.deposits.iter().map(|deposit| {
            Ok(Deposit {
                owner: address(&deposit.owner)?,
                amount: amount(&deposit.amount)?,
                remaining: dec(&deposit.remaining)?,
                height: deposit.height,
            })
        });
        Ok(Self {
            id: AccountId::from_proto(account.id.as_ref()).map_err(|_| MALFORMED)?,
            owner: address(&account.owner)?,
            state: AccountState::try_from(account.state).map_err(|_| MALFORMED)?,
            denom: account.denom.parse().map_err(|_| MALFORMED)?,
            funds: dec(&account.funds)?,
            deposited: dec(&account.deposited)?,
            transferred: dec(&account.transferred)?,
            refunded: dec(&account.refunded)?,
            settled_at: account.settled_at,
            deposits: deposits.collect::<Result<_, ValueError>>()?,
            due_at: account.due_at,
            updated_height: account.updated_height,
            held: dec(&account.held)?,
            expires_at: account.expires_at,
            grace_until: account.grace_until,
            conditions: account.conditions.clone(),
            disputes: account.disputes.iter().map(Dispute::from_proto).collect::<Result<_, _>>()?,
            last_dispute: account.last_dispute,
        })
    }
}

impl Payment {
    pub fn to_proto(&self) -> proto::Payment {
        proto::Payment {
            account: Some(self.account.to_proto()),
            xid: self.xid.clone(),
            payee: self.payee.to_string(),
            rate: self.rate.to_mantissa(),
            balance: self.balance.to_mantissa(),
            unsettled: self.unsettled.to_mantissa(),
            withdrawn: self.withdrawn.to_string(),
            state: self.state.into(),
            locked: self.locked,
        }
    }

    pub fn from_proto(payment: &proto::Payment) -> Result<Self, ValueError> {
        Ok(Self {
            account: AccountId::from_proto(payment.account.as_ref()).map_err(|_| MALFORMED)?,
            xid: payment.xid.clone(),
            payee: address(&payment.payee)?,
            rate: dec(&payment.rate)?,
            balance: dec(&payment.balance)?,
            unsettled: dec(&payment.unsettled)?,
            withdrawn: amount(&payment.withdrawn)?,
            state: PaymentState::try_from(payment.state).map_err(|_| MALFORMED)?,
            locked: payment.locked,
        })
    }

    pub fn is_closed(&self) -> bool {
        self.state == PaymentState::Closed
    }
}

impl Value for Account {
    fn to_state(&self) -> Vec<u8> {
        self.to_proto().to_state()
    }

    fn from_state(bytes: &[u8]) -> Result<Self, ValueError> {
        Self::from_proto(&proto::Account::from_state(bytes)?)
    }
}

impl Value for Payment {
    fn to_state(&self) -> Vec<u8> {
        self.to_proto().to_state()
    }

    fn from_state(bytes: &[u8]) -> Result<Self, ValueError> {
        Self::from_proto(&proto::Payment::from_state(bytes)?)
    }
}
