//! Writing the validators of a new network into its genesis file.

use serde_json::{Value, json};
use ve_base::BlockTime;
use ve_base::{Address, Amount, BASE_DENOM, CodedError, Coin, Coins, Dec, OPERATOR_PREFIX, errors::sdk};
use ve_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use ve_proto::cosmos::staking::v1beta1 as pb;

use super::msg::create_validator::{Wanted, parse};
use super::validator::{Rates, Status, Validator};
use super::{genesis, params, pools};

/// A validator of a new network. Its self-bond comes out of its account's genesis balance.
#[derive(Clone, Debug)]
pub struct GenesisValidator {
    /// The account that operates it.
    pub account: Address,
    /// ed25519.
    pub consensus_key: [u8; 32],
    pub moniker: String,
    /// Base units; at least [`super::MIN_SELF_BOND`] to stay in the set.
    pub self_bond: Amount,
}

/// Adds the validator to `app_state.staking` and moves its self-bond in `app_state.bank` from its account to the pool.
/// Refuses what genesis would refuse later, so that the mistake shows where it is made.
pub fn add_validator(app_state: &mut Value, new: &GenesisValidator) -> Result<(), CodedError> {
    if new.self_bond < params::MIN_SELF_BOND {
        return Err(
            super::Error::SelfBondBelowMinimum(new.self_bond.to_string(), params::MIN_SELF_BOND.to_string()).into()
        );
    }
    let params = read(app_state)?.params.unwrap_or_else(params::default);
    let validator = Validator {
        operator: new.account.clone(),
        consensus_key: new.consensus_key,
        jailed: false,
        status: Status::Unbonded,
        tokens: Amount::ZERO,
        shares: Dec::zero(),
        description: pb::Description { moniker: new.moniker.clone(), ..pb::Description::default() },
        unbonding_height: 0,
        unbonding_time: BlockTime::default(),
        rates: Rates {
            rate: Dec::from_mantissa(&params.min_commission_rate)?,
            max_rate: params::max_commission(),
            max_change_rate: params::max_change(),
        },
        rates_changed: BlockTime::default(),
        min_self_delegation: params::MIN_SELF_BOND,
    };
    insert(app_state, validator, new.self_bond)
}

/// As [`add_validator`], from the message by which a participant of a genesis ceremony declares its validator.
pub fn add_created(app_state: &mut Value, msg: &pb::MsgCreateValidator) -> Result<(), CodedError> {
    let Wanted { validator, self_bond } = parse(msg)?;
    let params = read(app_state)?.params.unwrap_or_else(params::default);
    let minimum = Dec::from_mantissa(&params.min_commission_rate)?;
    if validator.rates.rate < minimum {
        return Err(
            super::Error::CommissionBelowMin(format!("{:#}", validator.rates.rate), format!("{minimum:#}")).into()
        );
    }
    insert(app_state, validator, self_bond)
}

fn read(app_state: &Value) -> Result<pb::GenesisState, CodedError> {
    genesis::read(&app_state.get("staking").cloned().unwrap_or_else(genesis::default))
}

fn insert(app_state: &mut Value, mut validator: Validator, self_bond: Amount) -> Result<(), CodedError> {
    let mut state = read(app_state)?;
    for given in &state.validators {
        let given = Validator::from_proto(given)?;
        if given.operator == validator.operator || given.consensus_key == validator.consensus_key {
            let who = given.operator.to_bech32(OPERATOR_PREFIX);
            return Err(invalid(format!("the validator {who} is there already, or another one has its consensus key")));
        }
    }
    let shares = Dec::from_amount(self_bond)?;
    (validator.tokens, validator.shares) = (self_bond, shares);
    state.validators.push(validator.to_proto());
    state.delegations.push(pb::Delegation {
        delegator_address: validator.operator.to_string(),
        validator_address: validator.operator.to_bech32(OPERATOR_PREFIX),
        shares: shares.to_mantissa(),
    });
    move_balance(app_state, &validator.operator, &ve_base::module_address(pools::NOT_BONDED), self_bond)?;
    app_state["staking"] = genesis::write_new(&state)?;
    Ok(())
}

fn invalid(cause: impl Into<String>) -> CodedError {
    sdk::Error::InvalidRequest(cause.into()).into()
}

/// Coins of `owner` in the bank's genesis, by its place in the list.
fn find_balance(app_state: &Value, owner: &Address) -> Result<Option<(usize, Coins)>, CodedError> {
    let entries = app_state["bank"]["balances"].as_array().ok_or_else(|| invalid("bank.balances is not a list"))?;
    let address = owner.to_string();
    let Some(index) = entries.iter().position(|entry| entry["address"] == address.as_str()) else { return Ok(None) };
    let coin = |coin: &Value| {
        let text = |name: &str| coin[name].as_str().unwrap_or_default().to_owned();
        ProtoCoin { denom: text("denom"), amount: text("amount") }
    };
    let coins: Vec<ProtoCoin> =
        entries.get(index).and_then(|entry| entry["coins"].as_array()).into_iter().flatten().map(coin).collect();
    Ok(Some((index, Coins::try_from_proto(&coins)?)))
}

fn move_balance(app_state: &mut Value, from: &Address, to: &Address, amount: Amount) -> Result<(), CodedError> {
    let (from_index, from_coins) =
        find_balance(app_state, from)?.ok_or_else(|| invalid(format!("{from} has no genesis balance to bond")))?;
    let left = from_coins.amount_of(BASE_DENOM).checked_sub(amount).ok_or_else(|| {
        invalid(format!("{from} bonds {amount}{BASE_DENOM}, more than its genesis balance of {from_coins}"))
    })?;
    let target = find_balance(app_state, to)?;
    let bonded = Coins::native(amount);
    let mut kept: Vec<Coin> = from_coins.iter().filter(|coin| coin.denom.as_str() != BASE_DENOM).cloned().collect();
    kept.extend(Coins::native(left).iter().cloned());
    kept.sort_by(|left, right| left.denom.cmp(&right.denom));
    let list = |coins: &Coins| -> Value {
        coins.iter().map(|coin| json!({"denom": coin.denom.as_str(), "amount": coin.amount.to_string()})).collect()
    };
    let balances = &mut app_state["bank"]["balances"];
    balances[from_index]["coins"] = list(&Coins::new(kept)?);
    match target {
        Some((index, coins)) => balances[index]["coins"] = list(&coins.checked_add(&bonded)?),
        None => {
            let entry = json!({"address": to.to_string(), "coins": list(&bonded)});
            balances.as_array_mut().ok_or_else(|| invalid("bank.balances is not a list"))?.push(entry);
        }
    }
    Ok(())
}
