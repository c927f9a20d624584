//! Accounts that send, and their transfers signed before the clock starts.

use std::ops::Range;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::{Message, Name};
use ve_base::Address;
use ve_base::keys::SecretKey;
use ve_base::tx::direct_bytes;
use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::tx::signing::v1beta1::SignMode;
use ve_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use ve_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, TxBody, TxRaw};

use crate::genesis::CHAIN_ID;
use crate::plan::Plan;

/// What a wallet asks for: 1.4 times what the first transfer of an account uses.
const GAS: u64 = 66_000;
/// The default minimum of a node, 0.0025 uve for each gas.
const FEE: u64 = GAS / 400;

pub fn key(index: usize) -> SecretKey {
    let mut bytes = [1; 32];
    bytes[..8].copy_from_slice(&(index as u64 + 1).to_be_bytes());
    SecretKey::from_bytes(bytes).expect("a number below the curve's order")
}

/// An account that only receives.
pub fn bystander(index: usize) -> Address {
    let mut bytes = [9u8; 20];
    bytes[..8].copy_from_slice(&(index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    Address::from(bytes)
}

pub struct Senders {
    /// Number of the first sender's account.
    first_number: u64,
    senders: usize,
    accounts: usize,
}

impl Senders {
    pub fn new(plan: &Plan, validators: u16) -> Self {
        Self { first_number: u64::from(validators), senders: plan.senders(), accounts: plan.accounts }
    }

    /// One transfer of each sender in `range` to accounts spread over all, as base64.
    pub fn sign(&self, range: Range<usize>) -> Vec<String> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = range.len().div_ceil(threads).max(1);
        let parts: Vec<Range<usize>> =
            range.clone().step_by(share).map(|start| start..(start + share).min(range.end)).collect();
        std::thread::scope(|scope| {
            let running: Vec<_> = parts
                .into_iter()
                .map(|part| scope.spawn(move || part.map(|index| self.transfer(index)).collect::<Vec<_>>()))
                .collect();
            running.into_iter().flat_map(|thread| thread.join().expect("signing does not panic")).collect()
        })
    }

    fn recipient(&self, index: usize) -> Address {
        let others = self.accounts - self.senders;
        if others == 0 {
            return key((index + 1) % self.senders).public_key().address();
        }
        bystander(self.senders + index.wrapping_mul(7_919) % others)
    }

    fn transfer(&self, index: usize) -> String {
        let key = key(index);
        let message = MsgSend {
            from_address: key.public_key().address().to_string(),
            to_address: self.recipient(index).to_string(),
            amount: vec![Coin { denom: "uve".into(), amount: "1".into() }],
        };
        let any = prost_types::Any { type_url: MsgSend::type_url(), value: message.encode_to_vec() };
        let body_bytes = TxBody { messages: vec![any], ..TxBody::default() }.encode_to_vec();
        let auth_info_bytes = AuthInfo {
            signer_infos: vec![SignerInfo {
                public_key: Some(key.public_key().to_any()),
                mode_info: Some(ModeInfo { sum: Some(Sum::Single(Single { mode: SignMode::Direct as i32 })) }),
                sequence: 0,
            }],
            fee: Some(Fee {
                amount: vec![Coin { denom: "uve".into(), amount: FEE.to_string() }],
                gas_limit: GAS,
                ..Fee::default()
            }),
            ..AuthInfo::default()
        }
        .encode_to_vec();
        let number = self.first_number + index as u64;
        let signature = key.sign(&direct_bytes(&body_bytes, &auth_info_bytes, CHAIN_ID, number)).to_vec();
        STANDARD.encode(TxRaw { body_bytes, auth_info_bytes, signatures: vec![signature] }.encode_to_vec())
    }
}

/// Bare verifications of transfer-sized messages per second on one core.
pub fn verifications_per_second() -> f64 {
    const COUNT: usize = 5_000;
    let message = [7; 230];
    let signed: Vec<_> = (0..COUNT).map(key).map(|key| (key.public_key(), key.sign(&message))).collect();
    let started = Instant::now();
    for (key, signature) in &signed {
        key.verify(&message, signature).expect("the signature is valid");
    }
    COUNT as f64 / started.elapsed().as_secs_f64()
}
