//! Accounts: reading, creating, and what admission changes in them.

use prost::{Message, Name};
use prost_types::Any;
use ve_base::keys::PublicKey;
use ve_base::{Address, CodedError, errors::sdk::Error};
use ve_proto::cosmos::auth::v1beta1::{BaseAccount, ModuleAccount};
use ve_sdk::{Context, Permission, type_url};
use ve_store::Read;

use super::keys::{ACCOUNTS, BY_NUMBER, NEXT_NUMBER};
use crate::vesting::VestingAccount;

/// An account of any supported type. The base part is what transactions need.
#[derive(Clone, Debug, PartialEq)]
pub enum Account {
    Base(BaseAccount),
    Module(ModuleAccount),
    Vesting(VestingAccount),
}

impl Account {
    pub fn from_any(any: &Any) -> Result<Self, CodedError> {
        let corrupt = |_| Error::InvalidRequest(format!("account of type {} does not decode", any.type_url));
        if any.type_url == type_url::<BaseAccount>() {
            Ok(Self::Base(BaseAccount::decode(any.value.as_slice()).map_err(corrupt)?))
        } else if any.type_url == type_url::<ModuleAccount>() {
            Ok(Self::Module(ModuleAccount::decode(any.value.as_slice()).map_err(corrupt)?))
        } else {
            let unknown = || Error::InvalidRequest(format!("unknown account type {}", any.type_url));
            Ok(Self::Vesting(VestingAccount::from_any(any)?.ok_or_else(unknown)?))
        }
    }

    pub fn to_any(&self) -> Any {
        fn pack<M: Message + Name>(message: &M) -> Any {
            Any { type_url: type_url::<M>(), value: message.encode_to_vec() }
        }
        match self {
            Self::Base(account) => pack(account),
            Self::Module(account) => pack(account),
            Self::Vesting(account) => account.to_any(),
        }
    }

    pub fn base(&self) -> BaseAccount {
        match self {
            Self::Base(account) => account.clone(),
            Self::Module(account) => account.base_account.clone().unwrap_or_default(),
            Self::Vesting(account) => account.base(),
        }
    }

    /// The base part of an account that can sign; module accounts cannot.
    pub fn base_mut(&mut self) -> Option<&mut BaseAccount> {
        match self {
            Self::Base(account) => Some(account),
            Self::Vesting(account) => Some(account.base_mut()),
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

/// The account signs with another key from now on; its address stays. Who may ask for that is for the caller to know.
pub fn replace_key(ctx: &mut Context<'_>, address: &Address, key: &PublicKey) -> Result<(), CodedError> {
    let mut account = require(ctx, address)?;
    let refused = || Error::Unauthorized(format!("{address} is a module account and has no key"));
    account.base_mut().ok_or_else(refused)?.pub_key = Some(key.to_any());
    save(ctx, address, &account)
}

/// The account if some of its coins may be locked.
pub fn vesting<R: Read + ?Sized>(state: &R, address: &Address) -> Result<Option<VestingAccount>, CodedError> {
    match ACCOUNTS.get(state, address)? {
        Some(any) if VestingAccount::is_one(&any.type_url) => VestingAccount::from_any(&any),
        _ => Ok(None),
    }
}

/// Every account some of whose coins may be locked.
pub fn all_vesting<R: Read + ?Sized>(
    state: &R,
) -> impl Iterator<Item = Result<(Address, VestingAccount), CodedError>> + use<'_, R> {
    ACCOUNTS.iter(state).filter_map(|entry| match entry {
        Ok((_, any)) if !VestingAccount::is_one(&any.type_url) => None,
        Ok((address, any)) => VestingAccount::from_any(&any).transpose().map(|found| Ok((address, found?))),
        Err(error) => Some(Err(error.into())),
    })
}

/// Creates a vesting account at an address that has no account.
pub fn create_vesting(
    ctx: &mut Context<'_>,
    address: &Address,
    make: impl FnOnce(BaseAccount) -> VestingAccount,
) -> Result<(), CodedError> {
    let number = next_number(ctx, address)?;
    let base = BaseAccount { address: address.to_string(), account_number: number, ..BaseAccount::default() };
    save(ctx, address, &Account::Vesting(make(base)))
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
