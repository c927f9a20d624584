//! What a signer signs, and whether the signature is right.

use prost::Message;
use ve_proto::cosmos::crypto::multisig::v1beta1::CompactBitArray;
use ve_proto::cosmos::tx::signing::v1beta1::SignMode;
use ve_proto::cosmos::tx::v1beta1::mode_info::{Multi, Sum};
use ve_proto::cosmos::tx::v1beta1::{ModeInfo, SignDoc as ProtoSignDoc, SignerInfo};

use super::{Tx, amino_json};
use crate::address::Address;
use crate::errors::sdk::Error;
use crate::keys::{Multisig, PublicKey};

/// A transaction in the eyes of one of its signers.
pub struct SignDoc<'a> {
    pub tx: &'a Tx,
    pub chain_id: &'a str,
    pub account_number: u64,
    pub sequence: u64,
}

pub struct Signer<'a> {
    pub address: &'a Address,
    pub info: &'a SignerInfo,
    pub key: &'a PublicKey,
}

impl SignDoc<'_> {
    /// SIGN_MODE_DIRECT: the protobuf `SignDoc`.
    pub fn direct_bytes(&self) -> Vec<u8> {
        direct_bytes(&self.tx.body_bytes, &self.tx.auth_info_bytes, self.chain_id, self.account_number)
    }

    /// SIGN_MODE_LEGACY_AMINO_JSON: what hardware wallets show and sign.
    pub fn amino_bytes(&self) -> Result<Vec<u8>, Error> {
        amino_json::sign_bytes(self)
    }

    pub fn verify(&self, signer: &Signer<'_>, signature: &[u8]) -> Result<(), Error> {
        let mode = signer.info.mode_info.as_ref().and_then(|info| info.sum.as_ref());
        match (mode, signer.key) {
            (Some(Sum::Multi(multi)), PublicKey::Multisig(key)) => self.verify_multi(multi, key, signature),
            (Some(Sum::Single(_)), PublicKey::Multisig(_)) | (Some(Sum::Multi(_)), _) => {
                Err(Error::Unauthorized(format!("the mode info of {} does not fit its key", signer.address)))
            }
            (Some(Sum::Single(single)), key) => key.verify(&self.bytes(single.mode)?, signature),
            (None, _) => Err(Error::Unauthorized(format!("{} gives no sign mode", signer.address))),
        }
    }

    fn verify_multi(&self, multi: &Multi, key: &Multisig, signature: &[u8]) -> Result<(), Error> {
        let none = CompactBitArray::default();
        let signed = key.signed_by(multi.bitarray.as_ref().unwrap_or(&none), signature)?;
        if signed.len() != multi.mode_infos.len() {
            return Err(Error::Unauthorized(format!(
                "multisig: {} sign modes for {} signatures",
                multi.mode_infos.len(),
                signed.len()
            )));
        }
        for ((index, member, signature), mode) in signed.into_iter().zip(&multi.mode_infos) {
            self.verify_member(member, mode, &signature)
                .map_err(|cause| Error::Unauthorized(format!("multisig member {index}: {cause}")))?;
        }
        Ok(())
    }

    /// Members sign amino JSON: the protobuf document contains the other members' modes and cannot be known ahead.
    fn verify_member(&self, member: &PublicKey, mode: &ModeInfo, signature: &[u8]) -> Result<(), Error> {
        match mode.sum.as_ref() {
            Some(Sum::Single(single)) if single.mode == SignMode::LegacyAminoJson as i32 => {
                member.verify(&self.amino_bytes()?, signature)
            }
            _ => Err(Error::Unauthorized("members of a multisig sign with SIGN_MODE_LEGACY_AMINO_JSON".into())),
        }
    }

    fn bytes(&self, mode: i32) -> Result<Vec<u8>, Error> {
        match SignMode::try_from(mode) {
            Ok(SignMode::Direct) => Ok(self.direct_bytes()),
            Ok(SignMode::LegacyAminoJson) => self.amino_bytes(),
            _ => Err(Error::Unauthorized(format!(
                "sign mode {mode} is not supported; use SIGN_MODE_DIRECT or SIGN_MODE_LEGACY_AMINO_JSON"
            ))),
        }
    }
}

/// The bytes of a protobuf `SignDoc`.
pub fn direct_bytes(body_bytes: &[u8], auth_info_bytes: &[u8], chain_id: &str, account_number: u64) -> Vec<u8> {
    ProtoSignDoc {
        body_bytes: body_bytes.to_vec(),
        auth_info_bytes: auth_info_bytes.to_vec(),
        chain_id: chain_id.to_owned(),
        account_number,
    }
    .encode_to_vec()
}
