//! Transactions as files: built on one machine, signed on others, sent by a third. The form is the protobuf JSON of
//! `cosmos.tx.v1beta1.Tx`, as Cosmos tools write it.

use std::collections::BTreeMap;

use prost::Message;
use prost_reflect::{DynamicMessage, SerializeOptions};
use serde_json::Value;
use ve_base::keys::{Multisig, PublicKey, SecretKey};
use ve_base::tx::{SignDoc, Tx as Decoded, decode_tx};
use ve_proto::Any;
use ve_proto::cosmos::crypto::multisig::v1beta1::{CompactBitArray, MultiSignature};
use ve_proto::cosmos::tx::signing::v1beta1::signature_descriptor::Data;
use ve_proto::cosmos::tx::signing::v1beta1::signature_descriptor::data::{Single as SignedSingle, Sum as SignedSum};
use ve_proto::cosmos::tx::signing::v1beta1::{SignMode, SignatureDescriptor, SignatureDescriptors};
use ve_proto::cosmos::tx::v1beta1::mode_info::{Multi, Single, Sum};
use ve_proto::cosmos::tx::v1beta1::{AuthInfo, Fee, ModeInfo, SignerInfo, Tx, TxBody, TxRaw};

const TX: &str = "cosmos.tx.v1beta1.Tx";
const SIGNATURES: &str = "cosmos.tx.signing.v1beta1.SignatureDescriptors";

#[derive(Debug, thiserror::Error)]
pub enum TxFileError {
    #[error("not a transaction: {0}; give what `--generate-only` or `virtengine tx sign` printed")]
    Transaction(String),
    #[error("not a member's signature: {0}; give what `virtengine tx sign --multisig` printed")]
    Signature(String),
    #[error("the transaction cannot be signed: {0}")]
    Sign(String),
    #[error(
        "the signature of {0} does not match: it was made for another transaction, chain, account number or sequence"
    )]
    Mismatch(String),
    #[error("{0} is no member of this multisig")]
    Stranger(String),
    #[error("{got} of {needed} needed members signed; ask others to sign too")]
    TooFew { got: usize, needed: usize },
}

/// What a signature is bound to beside the transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignerData {
    pub chain_id: String,
    pub account_number: u64,
    pub sequence: u64,
}

/// A transaction, signed or not.
#[derive(Clone, Debug, PartialEq)]
pub struct TxFile {
    body: TxBody,
    auth: AuthInfo,
    signatures: Vec<Vec<u8>>,
}

/// A member's part of a multisig's signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberSignature {
    pub key: PublicKey,
    pub sequence: u64,
    pub signature: Vec<u8>,
}

fn json(name: &str, bytes: &[u8]) -> Value {
    let descriptor = ve_proto::descriptors().get_message_by_name(name).expect("the schema has the type");
    let message = DynamicMessage::decode(descriptor, bytes).expect("our own bytes decode");
    let options = SerializeOptions::new().use_proto_field_name(true).skip_default_fields(false);
    message.serialize_with_options(serde_json::value::Serializer, &options).expect("the schema has all nested types")
}

fn bytes(name: &str, text: &str) -> Result<Vec<u8>, String> {
    let descriptor = ve_proto::descriptors().get_message_by_name(name).expect("the schema has the type");
    let mut reader = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor, &mut reader).map_err(|cause| cause.to_string())?;
    reader.end().map_err(|cause| cause.to_string())?;
    Ok(message.encode_to_vec())
}

fn mode(mode: SignMode) -> ModeInfo {
    ModeInfo { sum: Some(Sum::Single(Single { mode: mode as i32 })) }
}

impl TxFile {
    /// An unsigned transaction.
    pub fn new(messages: Vec<Any>, memo: String, fee: Fee) -> Self {
        let body = TxBody { messages, memo, ..TxBody::default() };
        Self { body, auth: AuthInfo { fee: Some(fee), ..AuthInfo::default() }, signatures: Vec::new() }
    }

    pub fn from_json(text: &str) -> Result<Self, TxFileError> {
        let bytes = bytes(TX, text).map_err(TxFileError::Transaction)?;
        let tx = Tx::decode(bytes.as_slice()).map_err(|cause| TxFileError::Transaction(cause.to_string()))?;
        let body = tx.body.filter(|body| !body.messages.is_empty());
        let body = body.ok_or_else(|| TxFileError::Transaction("it has no messages".into()))?;
        Ok(Self { body, auth: tx.auth_info.unwrap_or_default(), signatures: tx.signatures })
    }

    pub fn to_json(&self) -> Value {
        let tx = Tx {
            body: Some(self.body.clone()),
            auth_info: Some(self.auth.clone()),
            signatures: self.signatures.clone(),
        };
        json(TX, &tx.encode_to_vec())
    }

    /// The bytes that a node takes.
    pub fn raw(&self) -> Vec<u8> {
        TxRaw {
            body_bytes: self.body.encode_to_vec(),
            auth_info_bytes: self.auth.encode_to_vec(),
            signatures: self.signatures.clone(),
        }
        .encode_to_vec()
    }

    pub fn messages(&self) -> &[Any] {
        &self.body.messages
    }

    pub fn is_signed(&self) -> bool {
        !self.signatures.is_empty()
    }

    fn decoded(&self) -> Result<Decoded, TxFileError> {
        decode_tx(&self.raw()).map_err(|cause| TxFileError::Sign(cause.to_string()))
    }

    fn amino_bytes(&self, data: &SignerData) -> Result<Vec<u8>, TxFileError> {
        let tx = self.decoded()?;
        let SignerData { chain_id, account_number, sequence } = data;
        let doc = SignDoc { tx: &tx, chain_id, account_number: *account_number, sequence: *sequence };
        doc.amino_bytes().map_err(|cause| TxFileError::Sign(cause.to_string()))
    }

    /// The transaction with the signature of its one signer; an earlier one is replaced.
    pub fn sign(&self, key: &SecretKey, data: &SignerData, amino: bool) -> Result<Self, TxFileError> {
        let mut signed = self.clone();
        let chosen = if amino { SignMode::LegacyAminoJson } else { SignMode::Direct };
        signed.auth.signer_infos = vec![SignerInfo {
            public_key: Some(key.public_key().to_any()),
            mode_info: Some(mode(chosen)),
            sequence: data.sequence,
        }];
        signed.signatures.clear();
        let message = if amino {
            signed.amino_bytes(data)?
        } else {
            let (body, auth) = (signed.body.encode_to_vec(), signed.auth.encode_to_vec());
            ve_base::tx::direct_bytes(&body, &auth, &data.chain_id, data.account_number)
        };
        signed.signatures = vec![key.sign(&message).to_vec()];
        // What this program cannot decode again, no node takes.
        signed.decoded()?;
        Ok(signed)
    }

    /// One member's part; `data` is that of the multisig account.
    pub fn sign_as_member(&self, key: &SecretKey, data: &SignerData) -> Result<MemberSignature, TxFileError> {
        let signature = key.sign(&self.amino_bytes(data)?).to_vec();
        Ok(MemberSignature { key: key.public_key(), sequence: data.sequence, signature })
    }

    /// Puts the members' parts together; each is checked. Parts beyond the threshold are left out, as the network
    /// takes a fee for each.
    pub fn multisign(
        &self,
        multisig: &Multisig,
        parts: &[MemberSignature],
        data: &SignerData,
    ) -> Result<Self, TxFileError> {
        let message = self.amino_bytes(data)?;
        let mut by_member = BTreeMap::new();
        for part in parts {
            let who = || part.key.address().to_string();
            let index = multisig.members().iter().position(|member| *member == part.key);
            let index = index.ok_or_else(|| TxFileError::Stranger(who()))?;
            let fits = part.sequence == data.sequence && part.key.verify(&message, &part.signature).is_ok();
            if !fits {
                return Err(TxFileError::Mismatch(who()));
            }
            by_member.insert(index, part.signature.clone());
        }
        let needed = multisig.threshold();
        if by_member.len() < needed {
            return Err(TxFileError::TooFew { got: by_member.len(), needed });
        }
        let chosen: BTreeMap<usize, Vec<u8>> = by_member.into_iter().take(needed).collect();
        let mut signed = self.clone();
        signed.auth.signer_infos = vec![SignerInfo {
            public_key: Some(PublicKey::Multisig(multisig.clone()).to_any()),
            mode_info: Some(ModeInfo {
                sum: Some(Sum::Multi(Multi {
                    bitarray: Some(bits(multisig.members().len(), chosen.keys().copied())),
                    mode_infos: chosen.iter().map(|_| mode(SignMode::LegacyAminoJson)).collect(),
                })),
            }),
            sequence: data.sequence,
        }];
        let signatures = chosen.into_values().collect();
        signed.signatures = vec![MultiSignature { signatures }.encode_to_vec()];
        Ok(signed)
    }
}

/// One bit for each member, from the most significant on.
fn bits(members: usize, signed: impl Iterator<Item = usize>) -> CompactBitArray {
    let mut elems = vec![0u8; members.div_ceil(8)];
    for index in signed {
        elems[index / 8] |= 0x80 >> (index % 8);
    }
    CompactBitArray { extra_bits_stored: u32::try_from(members % 8).unwrap_or(0), elems }
}

impl MemberSignature {
    pub fn to_json(&self) -> Value {
        let single = SignedSingle { mode: SignMode::LegacyAminoJson as i32, signature: self.signature.clone() };
        let descriptor = SignatureDescriptor {
            public_key: Some(self.key.to_any()),
            data: Some(Data { sum: Some(SignedSum::Single(single)) }),
            sequence: self.sequence,
        };
        json(SIGNATURES, &SignatureDescriptors { signatures: vec![descriptor] }.encode_to_vec())
    }

    /// All signatures of a file.
    pub fn from_json(text: &str) -> Result<Vec<Self>, TxFileError> {
        let wrong = |cause: &str| TxFileError::Signature(cause.to_owned());
        let bytes = bytes(SIGNATURES, text).map_err(TxFileError::Signature)?;
        let list = SignatureDescriptors::decode(bytes.as_slice()).map_err(|cause| wrong(&cause.to_string()))?;
        let one = |descriptor: SignatureDescriptor| {
            let key = descriptor.public_key.ok_or_else(|| wrong("it has no public key"))?;
            let key = PublicKey::from_any(&key).map_err(|cause| wrong(&cause.to_string()))?;
            match descriptor.data.and_then(|data| data.sum) {
                Some(SignedSum::Single(single)) if single.mode == SignMode::LegacyAminoJson as i32 => {
                    Ok(Self { key, sequence: descriptor.sequence, signature: single.signature })
                }
                _ => Err(wrong("it is not in SIGN_MODE_LEGACY_AMINO_JSON")),
            }
        };
        let found: Vec<Self> = list.signatures.into_iter().map(one).collect::<Result<_, _>>()?;
        if found.is_empty() { Err(wrong("it holds none")) } else { Ok(found) }
    }
}
