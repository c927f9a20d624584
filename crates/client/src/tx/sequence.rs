//! The next sequence number of an account, kept ahead of what is committed.

use prost::Message;
use ve_base::Address;
use ve_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountInfoRequest, QueryAccountInfoResponse};

use crate::error::ClientError;
use crate::rpc::RpcClient;

#[derive(Debug, Default)]
pub(super) struct Account {
    /// Account number and next sequence; unknown until asked and after doubts.
    known: Option<(u64, u64)>,
}

impl Account {
    pub async fn next(&mut self, rpc: &RpcClient, address: &Address) -> Result<(u64, u64), ClientError> {
        if let Some(known) = self.known {
            return Ok(known);
        }
        let account = load(rpc, address).await?;
        self.known = Some((account.account_number, account.sequence));
        Ok((account.account_number, account.sequence))
    }

    pub fn used(&mut self, sequence: u64) {
        if let Some((_, next)) = &mut self.known {
            *next = sequence.saturating_add(1);
        }
    }

    pub fn set(&mut self, number: u64, sequence: u64) {
        self.known = Some((number, sequence));
    }

    pub fn forget(&mut self) {
        self.known = None;
    }
}

pub(super) async fn load(rpc: &RpcClient, address: &Address) -> Result<BaseAccount, ClientError> {
    let path = "/cosmos.auth.v1beta1.Query/AccountInfo";
    let request = QueryAccountInfoRequest { address: address.to_string() };
    let bytes = rpc.abci_query(path, &request.encode_to_vec(), 0).await?;
    QueryAccountInfoResponse::decode(bytes.as_slice())
        .ok()
        .and_then(|answer| answer.info)
        .ok_or_else(|| ClientError::Malformed { method: path.into(), cause: "no account".into() })
}

/// The sequence that the chain wants, from `account sequence mismatch, expected {E}, got {G}` with code 32.
pub(crate) fn expected(error: &ClientError) -> Option<u64> {
    let (ClientError::Rejected { codespace, code, log, .. } | ClientError::Query { codespace, code, log, .. }) = error
    else {
        return None;
    };
    // Simulation answers through a query, whose code is that of gRPC; the text is normative in both.
    if codespace == "sdk" && *code != 32 && !log.contains("account sequence mismatch") {
        return None;
    }
    let rest = log.split_once("account sequence mismatch, expected ")?.1;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}
