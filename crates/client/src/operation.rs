//! Operations on a leased workload (marketplace spec section 5): asking for one, waiting for its end, and what the code
//! means with which a provider reports that one failed.

use std::fmt;
use std::time::{Duration, Instant};

use prost::Message as _;
use ve_proto::cosmos::base::abci::v1beta1::TxMsgData;
use ve_proto::ve::market::v1::{
    Action, BidId, MsgRequestOperation, MsgRequestOperationResponse, Operation, OperationState, QueryOperationRequest,
    QueryOperationResponse,
};

use crate::error::ClientError;
use crate::rpc::RpcClient;
use crate::tx::{TxClient, any};

const POLL: Duration = Duration::from_millis(300);

/// Why an operation failed, as the number in `result_code` of a report. 0 is success and never reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultCode {
    /// It did not work in the time and attempts that the provider gives it.
    Unavailable = 1,
    /// What it needs is in use.
    Capacity = 2,
    /// A registry or the machine below refuses the provider.
    Access = 3,
    /// The manifest, image or program cannot run.
    Invalid = 4,
    /// What it is about is not on the provider's machine any more.
    Missing = 5,
    /// Something that exists contradicts it.
    Conflict = 6,
    /// A fault of the provider's daemon.
    Internal = 7,
}

impl ResultCode {
    pub const ALL: [Self; 7] =
        [Self::Unavailable, Self::Capacity, Self::Access, Self::Invalid, Self::Missing, Self::Conflict, Self::Internal];

    /// As it stands in a report.
    pub fn code(self) -> u32 {
        self as u32
    }

    /// `None` for a code that this release does not know.
    pub fn of(code: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.code() == code)
    }
}

impl fmt::Display for ResultCode {
    /// Cause and remedy for the customer.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "the provider did not manage it in time; try again",
            Self::Capacity => "the provider's machine is full; try again later",
            Self::Access => "an image registry refuses the provider; check the credentials in the manifest",
            Self::Invalid => "the workload does not run as it is; see its logs and events, then send a better manifest",
            Self::Missing => "the provider does not have the workload any more; close the lease",
            Self::Conflict => "it contradicts what the provider runs; see the events of the lease",
            Self::Internal => "a fault of the provider; try again, or close the lease",
        })
    }
}

/// Asks the provider of a lease for an operation; returns its number. The same key again within a day asks for nothing
/// new.
///
/// # Errors
/// The chain's refusal, e.g. while another operation runs; every error of sending.
pub async fn request(tx: &TxClient, lease: &BidId, action: Action, idem_key: [u8; 32]) -> Result<u64, ClientError> {
    let message = MsgRequestOperation {
        owner: tx.address().to_string(),
        lease: Some(lease.clone()),
        action: action as i32,
        idem_key: idem_key.to_vec(),
    };
    let committed = tx.send(vec![any(&message)]).await?;
    let malformed =
        || ClientError::Malformed { method: "broadcast_tx_sync".into(), cause: "no number of the operation".into() };
    let data = TxMsgData::decode(committed.result.data.as_slice()).map_err(|_| malformed())?;
    let response = data.msg_responses.first().ok_or_else(malformed)?;
    let response = MsgRequestOperationResponse::decode(response.value.as_slice()).map_err(|_| malformed())?;
    Ok(response.op_id)
}

/// The operation as the chain has it now.
pub async fn get(rpc: &RpcClient, lease: &BidId, op_id: u64) -> Result<Operation, ClientError> {
    let BidId { owner, dseq, gseq, oseq, provider, bseq } = lease.clone();
    let request = QueryOperationRequest { owner, dseq, gseq, oseq, provider, bseq, op_id };
    let path = "/ve.market.v1.Query/Operation";
    let answer: QueryOperationResponse = rpc.query(path, &request).await?;
    let missing = || ClientError::Malformed { method: path.into(), cause: "no operation".into() };
    answer.operation.ok_or_else(missing)
}

/// Waits until the operation has ended, however; `None` when it has not by then.
pub async fn wait(
    rpc: &RpcClient,
    lease: &BidId,
    op_id: u64,
    limit: Duration,
) -> Result<Option<Operation>, ClientError> {
    let started = Instant::now();
    loop {
        match get(rpc, lease, op_id).await {
            Ok(operation) if is_over(operation.state()) => return Ok(Some(operation)),
            Ok(_) => {}
            // A node that is being restarted; the operation does not depend on it.
            Err(error) if error.is_transient() => tracing::debug!(%error, "asking for an operation again"),
            Err(error) => return Err(error),
        }
        if started.elapsed() >= limit {
            return Ok(None);
        }
        tokio::time::sleep(POLL).await;
    }
}

fn is_over(state: OperationState) -> bool {
    !matches!(state, OperationState::Requested | OperationState::Executing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_told_apart_and_unknown_ones_are_not_guessed() {
        for known in ResultCode::ALL {
            assert_eq!(ResultCode::of(known.code()), Some(known));
            assert!(known.to_string().contains(';'), "a cause and a remedy: {known}");
        }
        assert_eq!(ResultCode::of(0), None, "success is no failure");
        assert_eq!(ResultCode::of(8), None);
    }

    #[test]
    fn an_operation_is_over_in_every_state_but_the_two_in_which_it_runs() {
        assert!(!is_over(OperationState::Requested) && !is_over(OperationState::Executing));
        for state in [OperationState::Succeeded, OperationState::RolledBack, OperationState::Expired] {
            assert!(is_over(state), "{state:?}");
        }
    }
}
