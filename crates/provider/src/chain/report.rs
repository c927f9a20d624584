//! Signed reports about workloads (marketplace spec section 5).

use prost_types::Any;
use ve_base::preimage;
use ve_client::ClientError;
use ve_client::operation::ResultCode;
use ve_client::tx::any;
use ve_proto::ve::market::v1::{self as market, Action, OperationState, ReportKind, ResourceState as State};

use super::{Chain, REPORT_KEY_ID, bid_id};
use crate::model::LeaseId;

/// The operation that the chain waits for, if any.
pub fn running(resource: &market::Resource) -> Option<&market::Operation> {
    let runs = |state| matches!(state, OperationState::Requested | OperationState::Executing);
    resource.operation.as_ref().filter(|operation| runs(operation.state()))
}

/// Whether the customer asked for it, rather than the chain.
pub fn by_customer(operation: &market::Operation) -> bool {
    matches!(operation.action(), Action::Stop | Action::Start | Action::Restart)
}

/// The states to report, in turn, so that the chain comes from what it knows to what is reached.
fn steps(known: State, reached: State) -> &'static [State] {
    match (known, reached) {
        (known, reached) if known == reached => &[],
        (State::Terminated | State::Failed, _) => &[],
        (State::Terminating, reached) if reached != State::Terminated => &[],
        (State::Pending, State::Active) => &[State::Provisioning, State::Active],
        (State::Pending, State::Failed) => &[State::Provisioning, State::Failed],
        (_, State::Active) => &[State::Active],
        (_, State::Suspended) => &[State::Suspended],
        (_, State::Stopped) => &[State::Stopped],
        (_, State::Terminated) => &[State::Terminated],
        (_, State::Failed) => &[State::Failed],
        (_, State::Provisioning) => &[State::Provisioning],
        _ => &[],
    }
}

impl Chain {
    /// Reports what became of a workload. Takes the steps that the chain's table asks for; what the chain knows
    /// already is not said again, nor is anything that an operation of the customer, still to come, makes untrue.
    pub async fn report(
        &self,
        lease: &LeaseId,
        reached: State,
        endpoints: &[(String, String)],
        now: u64,
    ) -> Result<(), ClientError> {
        let Some(resource) = self.resource(lease).await? else { return Ok(()) };
        match running(&resource) {
            Some(operation) if by_customer(operation) => Ok(()),
            _ => self.tell(lease, &resource, reached, endpoints, now).await,
        }
    }

    /// Whether the chain still waits for this operation: it may be overdue, overtaken, or reported before a crash.
    pub async fn waits_for(&self, lease: &LeaseId, op_id: u64) -> Result<bool, ClientError> {
        let resource = self.resource(lease).await?;
        Ok(resource.as_ref().and_then(running).is_some_and(|operation| operation.op_id == op_id))
    }

    /// Reports that the customer's operation is carried out, unless the chain waits for it no longer.
    pub async fn confirm(
        &self,
        lease: &LeaseId,
        op_id: u64,
        reached: State,
        endpoints: &[(String, String)],
        now: u64,
    ) -> Result<(), ClientError> {
        let Some(resource) = self.resource(lease).await? else { return Ok(()) };
        match running(&resource) {
            Some(operation) if operation.op_id == op_id => self.tell(lease, &resource, reached, endpoints, now).await,
            _ => Ok(()),
        }
    }

    /// Reports that the customer's operation failed, unless the chain waits for it no longer.
    pub async fn refuse(&self, lease: &LeaseId, op_id: u64, code: ResultCode, now: u64) -> Result<(), ClientError> {
        let Some(resource) = self.resource(lease).await? else { return Ok(()) };
        if running(&resource).is_none_or(|operation| operation.op_id != op_id) {
            return Ok(());
        }
        let report = market::MsgReportResource {
            kind: ReportKind::Result as i32,
            result_code: code.code(),
            ..self.draft(lease, &resource, now)
        };
        self.send(vec![self.signed(report)]).await
    }

    async fn tell(
        &self,
        lease: &LeaseId,
        resource: &market::Resource,
        reached: State,
        endpoints: &[(String, String)],
        now: u64,
    ) -> Result<(), ClientError> {
        let draft = self.draft(lease, resource, now);
        let mut messages = Vec::new();
        for (state, seq) in steps(resource.state(), reached).iter().zip(draft.seq..) {
            messages.push(self.signed(market::MsgReportResource {
                seq,
                kind: ReportKind::Status as i32,
                observed_state: *state as i32,
                endpoints: if *state == State::Active { service_endpoints(endpoints) } else { Vec::new() },
                ..draft.clone()
            }));
        }
        if messages.is_empty() { Ok(()) } else { self.send(messages).await }
    }

    /// A report that follows the last one that the chain took.
    fn draft(&self, lease: &LeaseId, resource: &market::Resource, now: u64) -> market::MsgReportResource {
        market::MsgReportResource {
            relayer: self.address.clone(),
            lease: Some(bid_id(lease)),
            seq: resource.last_seq.saturating_add(1),
            op_id: running(resource).map_or(0, |operation| operation.op_id),
            spec_rev: resource.spec_rev,
            observed_at: now.max(resource.last_observed_at),
            key_id: REPORT_KEY_ID.into(),
            ..market::MsgReportResource::default()
        }
    }

    fn signed(&self, report: market::MsgReportResource) -> Any {
        let digest = preimage::resource_report(self.tx.chain_id(), &report);
        any(&market::MsgReportResource { signature: self.report_key.sign(&digest).to_vec(), ..report })
    }
}

fn service_endpoints(endpoints: &[(String, String)]) -> Vec<market::ServiceEndpoint> {
    endpoints
        .iter()
        .map(|(service, url)| market::ServiceEndpoint { service: service.clone(), url: url.clone() })
        .collect()
}
