//! A chain, and transactions to it that cosmrs signs.

use cosmrs::crypto::secp256k1::SigningKey;
use cosmrs::proto::traits::Name;
use cosmrs::tx::{Body, Fee, Msg, SignDoc, SignerInfo};
use cosmrs::{AccountId, Any, Coin};
use ve_base::keys::ConsensusSecret;
use ve_base::{Amount, OPERATOR_PREFIX};
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_sdk::application::TxResult;
use ve_testkit::chain::{Account, CHAIN_ID, TestChain};

/// 1 VE.
pub const VE: u128 = 1_000_000;
/// Enough for the dearest message.
const GAS: u64 = 2_000_000;
const FEE: u128 = 50_000;

/// Accounts 1 and 2 are validators.
pub fn chain() -> TestChain {
    TestChain::with_genesis(4, |state| {
        for index in [1u8, 2] {
            let new = GenesisValidator {
                account: Account::number(index.into()).address,
                consensus_key: ConsensusSecret::from_seed([index; 32]).public(),
                moniker: format!("validator {index}"),
                self_bond: Amount::from(1_000 * VE),
            };
            add_validator(state, &new).expect("the account can bond");
        }
    })
}

pub fn key(index: u32) -> SigningKey {
    SigningKey::from_slice(&Account::number(index).key.to_bytes()).expect("32 bytes of a key")
}

pub fn account(index: u32) -> AccountId {
    key(index).public_key().account_id("ve").expect("an address")
}

pub fn operator(index: u32) -> AccountId {
    AccountId::new(OPERATOR_PREFIX, &account(index).to_bytes()).expect("an address")
}

pub fn coin(amount: u128) -> Coin {
    Coin::new(amount, "uve").expect("a coin")
}

/// The coin in the generated form.
pub fn bare(amount: u128) -> cosmrs::proto::cosmos::base::v1beta1::Coin {
    coin(amount).into()
}

/// A message of cosmrs' own types, which must survive the way back.
pub fn typed<M: Msg + PartialEq + std::fmt::Debug>(message: M) -> Any {
    let any = message.to_any().expect("it packs");
    assert_eq!(M::from_any(&any).expect("it unpacks"), message);
    any
}

/// A message for which cosmrs has only the generated form.
pub fn generated<M: Name>(message: &M) -> Any {
    Any::from_msg(message).expect("it packs")
}

/// Delivers a message signed by account `signer`; `change` tampers with the bytes afterwards.
pub fn deliver(chain: &mut TestChain, signer: u32, message: Any, change: impl FnOnce(&mut Vec<u8>)) -> TxResult {
    let key = key(signer);
    let state = chain.account(&Account::number(signer).address);
    let fee = Fee::from_amount_and_gas(coin(FEE), GAS);
    let body = Body::new(vec![message], "from cosmrs", 0u16);
    let auth = SignerInfo::single_direct(Some(key.public_key()), state.sequence).auth_info(fee);
    let chain_id = CHAIN_ID.parse().expect("a chain id");
    let document = SignDoc::new(&body, &auth, &chain_id, state.account_number).expect("it encodes");
    let mut raw = document.sign(&key).expect("it signs").to_bytes().expect("it encodes");
    change(&mut raw);
    chain.run(vec![raw]).tx_results.remove(0)
}

pub fn accepted(chain: &mut TestChain, signer: u32, message: Any) {
    let name = message.type_url.clone();
    let result = deliver(chain, signer, message, |_| ());
    assert_eq!((result.code, result.log.as_str()), (0, ""), "{name}");
}
