//! First coins, all at once or little by little.

use serde_json::{Value, json};
use ve_base::{Address, Amount, Coin, Coins, parse_account};

use super::{Target, failed, file};
use crate::cli::{CliError, Context};

#[derive(Debug, clap::Args)]
pub struct AddAccountArgs {
    /// The account's address, or the name of a key
    account: String,
    /// Its coins, such as 1000000uve
    coins: String,
    /// Of them, those that are locked at the beginning
    #[arg(long, value_name = "COINS", requires = "vesting_end")]
    vesting: Option<String>,
    /// Second since 1970 from which locked coins become free, little by little; without it they all do at the end
    #[arg(long, value_name = "SECONDS", requires = "vesting")]
    vesting_start: Option<u64>,
    /// Second since 1970 at which all are free
    #[arg(long, value_name = "SECONDS", requires = "vesting")]
    vesting_end: Option<u64>,
    #[command(flatten)]
    target: Target,
}

fn coins(text: &str) -> Result<Coins, CliError> {
    let list: Result<Vec<Coin>, _> = text.split(',').map(|coin| coin.trim().parse::<Coin>()).collect();
    let coins = list.and_then(Coins::new).map_err(|cause| CliError::Usage(cause.log))?;
    if coins.is_empty() { Err(CliError::Usage("give at least one coin, such as 1uve".into())) } else { Ok(coins) }
}

fn listed(coins: &Coins) -> Value {
    coins.iter().map(|coin| json!({"denom": coin.denom.as_str(), "amount": coin.amount.to_string()})).collect()
}

/// The account as `app_state.auth` has it, still without its number.
fn account(arguments: &AddAccountArgs, address: &Address, all: &Coins) -> Result<Value, CliError> {
    let base = json!({"address": address.to_string()});
    let Some(vesting) = arguments.vesting.as_deref() else {
        return Ok(json!({"@type": "/cosmos.auth.v1beta1.BaseAccount", "address": address.to_string()}));
    };
    let vesting = coins(vesting)?;
    if all.checked_sub(&vesting).is_none() {
        return Err(CliError::Usage(format!("{vesting} are to be locked, the account gets {all}")));
    }
    let end = arguments.vesting_end.unwrap_or_default();
    if arguments.vesting_start.is_some_and(|start| start >= end) {
        return Err(CliError::Usage("--vesting-end must be after --vesting-start".into()));
    }
    let part = json!({"base_account": base, "original_vesting": listed(&vesting), "end_time": end.to_string()});
    Ok(match arguments.vesting_start {
        Some(start) => json!({
            "@type": "/cosmos.vesting.v1beta1.ContinuousVestingAccount",
            "base_vesting_account": part,
            "start_time": start.to_string(),
        }),
        None => json!({"@type": "/cosmos.vesting.v1beta1.DelayedVestingAccount", "base_vesting_account": part}),
    })
}

/// Where the address and the number of an account stand.
fn base_of(account: &mut Value) -> &mut Value {
    if account.get("base_vesting_account").is_some() {
        &mut account["base_vesting_account"]["base_account"]
    } else {
        account
    }
}

/// Sorted by address and numbered in that order: the order of additions shows nowhere.
fn number(accounts: &mut [Value]) {
    accounts.sort_by_cached_key(|account| base_of(&mut account.clone())["address"].to_string());
    for (number, account) in accounts.iter_mut().enumerate() {
        base_of(account)["account_number"] = number.to_string().into();
    }
}

fn list<'a>(document: &'a mut Value, module: &str, name: &str) -> Result<&'a mut Vec<Value>, CliError> {
    let found = document.pointer_mut(&format!("/app_state/{module}/{name}")).and_then(Value::as_array_mut);
    found.ok_or_else(|| failed(format!("the genesis file has no app_state.{module}.{name}; begin with genesis init")))
}

pub fn add(context: &Context, arguments: &AddAccountArgs) -> Result<(), CliError> {
    let path = arguments.target.path(context);
    let mut document = file::read(&path)?;
    let address = parse_account("account", &context.address(&arguments.account)?).map_err(|cause| failed(cause.log))?;
    let text = address.to_string();
    let given = coins(&arguments.coins)?;
    let account = account(arguments, &address, &given)?;
    let accounts = list(&mut document, "auth", "accounts")?;
    if accounts.iter_mut().any(|account| base_of(account)["address"] == text.as_str()) {
        return Err(CliError::Usage(format!("{text} is in the genesis file already")));
    }
    accounts.push(account);
    number(accounts);
    let balances = list(&mut document, "bank", "balances")?;
    balances.push(json!({"address": text, "coins": listed(&given)}));
    balances.sort_by_cached_key(|balance| balance["address"].to_string());
    let supply = supply(balances);
    let sha256 = file::write(&path, &document)?;
    context.output().print(&json!({
        "address": text,
        "coins": given.to_string(),
        "supply": format!("{supply}{}", ve_base::BASE_DENOM),
        "sha256": sha256,
    }));
    Ok(())
}

/// Of the native coin.
pub fn supply(balances: &[Value]) -> Amount {
    let coins = balances.iter().flat_map(|balance| balance["coins"].as_array().into_iter().flatten());
    let native = coins.filter(|coin| coin["denom"] == ve_base::BASE_DENOM);
    let amounts = native.filter_map(|coin| coin["amount"].as_str()?.parse::<Amount>().ok());
    amounts.fold(Amount::ZERO, |sum, amount| sum.checked_add(amount).unwrap_or(sum))
}
