use ve_base::keys::{PublicKey, SecretKey};
use ve_base::{Address, CodedError, capture};
use ve_proto::ve::veid::v1::*;
use ve_sdk::Context;

use super::with_context;
use crate::veid::keys::WALLETS;
use crate::veid::msg::{create_wallet, rebind_wallet};
use crate::veid::params;

const CHAIN: &str = "ve-test-1";

fn secret(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32]).expect("a valid secret")
}

fn key(of: &SecretKey) -> SigningKey {
    let PublicKey::Secp256k1(bytes) = of.public_key() else { panic!("secp256k1") };
    SigningKey { algorithm: KeyAlgorithm::Secp256k1.into(), public_key: bytes.to_vec() }
}

fn owner() -> Address {
    Address::from([5; 20])
}

/// From the first key to another one.
fn rebinding(to: &SecretKey) -> MsgRebindWallet {
    let (owner, new_key) = (owner().to_string(), key(to));
    MsgRebindWallet {
        new_signature: to.sign(&capture::wallet_binding(CHAIN, &owner)).to_vec(),
        old_signature: secret(1).sign(&capture::wallet_rebinding(CHAIN, &owner, &new_key)).to_vec(),
        new_key: Some(new_key),
        owner,
    }
}

/// Runs `body` beside a wallet that is bound to the first key.
fn bound<T>(body: impl FnOnce(&mut Context<'_>) -> Result<T, CodedError>) -> Result<T, CodedError> {
    with_context(|ctx| {
        ctx.unmetered(|ctx| {
            // Blocks of this test follow each other at once.
            params::store(ctx, &Params { operation_pause_seconds: 0, ..params::default() })?;
            let owner = owner().to_string();
            let binding_signature = secret(1).sign(&capture::wallet_binding(CHAIN, &owner)).to_vec();
            let create = MsgCreateWallet { owner, binding_key: Some(key(&secret(1))), binding_signature };
            create_wallet::execute(ctx, &create)?;
            body(ctx)
        })
    })
}

fn refusal(message: &MsgRebindWallet) -> Option<u32> {
    bound(|ctx| rebind_wallet::execute(ctx, message)).err().map(|error| error.code)
}

#[test]
fn a_wallet_is_rebound_when_the_old_and_the_new_key_agree() {
    let good = rebinding(&secret(2));
    bound(|ctx| {
        rebind_wallet::execute(ctx, &good)?;
        assert_eq!(WALLETS.require(ctx, &owner())?.binding_key, Some(key(&secret(2))));
        let again = rebind_wallet::execute(ctx, &good);
        assert_eq!(again.map_err(|error| error.code), Err(20), "it is bound to this key already");
        Ok(())
    })
    .expect("both keys agree");
    let without_old = MsgRebindWallet { old_signature: good.new_signature.clone(), ..good.clone() };
    assert_eq!(refusal(&without_old), Some(20));
    let without_new = MsgRebindWallet { new_signature: good.old_signature.clone(), ..good.clone() };
    assert_eq!(refusal(&without_new), Some(20));
    let other_key = MsgRebindWallet { new_key: Some(key(&secret(3))), ..good };
    assert_eq!(refusal(&other_key), Some(20), "signatures for one key do not serve another");
}

#[test]
fn a_key_off_its_curve_binds_nothing() {
    let mut broken = rebinding(&secret(2));
    broken.new_key.get_or_insert_default().public_key = vec![0xff; 33];
    assert!(rebind_wallet::check(&broken).is_err());
    broken.new_key = None;
    assert!(rebind_wallet::check(&broken).is_err());
}
