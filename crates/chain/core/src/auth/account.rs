//! Accounts: reading, creating, and what admission changes in them.

use prost::{Message, Name};
use prost_types::Any;
use ve_base::{Address, CodedError, errors::sdk::Error};
use ve_proto::cosmos::auth::v1beta1::{BaseAccount, ModuleAccount};
use ve_sdk::{Context, Permission, type_url};
use ve_store::Read;

use super::keys::{ACCOUNTS, BY_NUMBER, NEXT_NUMBER};

/// An account of any supported type. The base part is what transactions need.
#[derive(Clone, Debug, PartialEq)]
pub enum Account {
    Base(BaseAccount),
    Module(ModuleAccount),
}

impl Account {
    pub fn from_any(any: &Any) -> Result<Self, CodedError> {
        let corrupt = |_| Error::InvalidRequest(format!("account of type {} does not decode", any.type_url));
        if any.type_url == type_url::<BaseAccount>() {
            Ok(Self::Base(BaseAccount::decode(any.value.as_slice()).map_err(corrupt)?))
        } else if any.type_url == type_url::<ModuleAccount>() {
            Ok(Self::Module(ModuleAccount::decode(any.value.as_slice()).map_err(corrupt)?))
        } else {
            Err(Error::InvalidRequest(format!("unknown account type {}", any.type_url)).into())
        }
    }

    pub fn to_any(&self) -> Any {
        fn pack<M: Message + Name>(message: &M) -> Any {
            Any { type_url: type_url::<M>(), value: message.encode_to_vec() }
        }
        match self {
            Self::Base(account) => pack(account),
            Self::Module(account) => pack(account),
        }
    }

    pub fn base(&self) -> BaseAccount {
        match self {
            Self::Base(account) => account.clone(),
            Self::Module(account) => account.base_account.clone().unwrap_or_default(),
        }
    }

    /// The base part of an account that can sign; module accounts cannot.
    pub fn base_mut(&mut self) -> Option<&mut BaseAccount> {
        match self {
            Self::Base(account) => Some(account),
            Self::Module(_) => None,
        }
    }
}

pub fn account(state: &dyn Read, address: &Address) -> Result<Option<Account>, CodedError> {
    ACCOUNTS.get(state, address)?.as_ref().map(Account::from_any).transpose()
}

/// The account, or the error whose text CosmJS recognises.
pub fn require(state: &dyn Read, address: &Address) -> Result<Account, CodedError> {
    account(state, address)?.ok_or_else(|| not_found(address).into())
}

pub fn not_found(address: &Address) -> Error {
    Error::UnknownAddress(format!("account {address} not found: key not found"))
}

pub fn exists(state: &dyn Read, address: &Address) -> Result<bool, CodedError> {
    Ok(ACCOUNTS.has(state, address)?)
}

pub fn save(ctx: &mut Context<'_>, address: &Address, account: &Account) -> Result<(), CodedError> {
    Ok(ACCOUNTS.set(ctx, address, &account.to_any())?)
}

/// Creates the plain account of a first-time recipient; a no-op when it exists.
pub fn ensure(ctx: &mut Context<'_>, address: &Address) -> Result<(), CodedError> {
    if exists(ctx, address)? {
        return Ok(());
    }
    let number = next_number(ctx, address)?;
    let account =
        Account::Base(BaseAccount { address: address.to_string(), account_number: number, ..BaseAccount::default() });
    save(ctx, address, &account)
}

/// Creates the account of a module; a no-op when it exists.
pub fn ensure_module(ctx: &mut Context<'_>, name: &str, permissions: &[Permission]) -> Result<(), CodedError> {
    let address = ve_base::module_address(name);
    if exists(ctx, &address)? {
        return Ok(());
    }
    let number = next_number(ctx, &address)?;
    let account = Account::Module(ModuleAccount {
        base_account: Some(BaseAccount {
            address: address.to_string(),
            account_number: number,
            ..BaseAccount::default()
        }),
        name: name.to_owned(),
        permissions: permissions.iter().map(|permission| permission_name(*permission).to_owned()).collect(),
    });
    save(ctx, &address, &account)
}

fn permission_name(permission: Permission) -> &'static str {
    match permission {
        Permission::Mint => "minter",
        Permission::Burn => "burner",
        Permission::Staking => "staking",
    }
}

fn next_number(ctx: &mut Context<'_>, address: &Address) -> Result<u64, CodedError> {
    let number = NEXT_NUMBER.get(ctx)?.unwrap_or(0);
    let next = number.checked_add(1).ok_or_else(|| Error::InvalidRequest("no account number is left".into()))?;
    NEXT_NUMBER.set(ctx, &next)?;
    BY_NUMBER.set(ctx, &number, address)?;
    Ok(number)
}
