use super::*;

fn id(dseq: u64) -> LeaseId {
    format!("ve1owner/{dseq}/1/1/ve1provider/1").parse().expect("a well-formed id")
}

fn chain(dseq: u64, wants: ChainWish) -> ChainLease {
    ChainLease { id: id(dseq), created_at: 0, wants, asked: None }
}

fn record(dseq: u64, desired: Desired) -> LeaseRecord {
    let mut record = LeaseRecord::new(id(dseq), "dc".into(), 0);
    record.desired = desired;
    record.manifest = Some("[]".into());
    record.generation = 1;
    record
}

fn runs(dseq: u64) -> Actual {
    Actual { tag: format!("tag{dseq}"), lease: Some(id(dseq)), generation: 1, running: true }
}

fn idle(_: &LeaseRecord) -> Standing {
    Standing::Idle
}

#[test]
fn nothing_is_done_when_chain_store_and_backend_agree() {
    let steps = reconcile(&[chain(1, ChainWish::Run)], &[record(1, Desired::Running)], &[runs(1)], idle, 1000);
    assert!(steps.is_empty());
}

#[test]
fn a_live_lease_whose_workload_is_missing_stopped_or_outdated_is_repaired() {
    let live = [chain(1, ChainWish::Run)];
    let records = [record(1, Desired::Running)];
    let stopped = Actual { running: false, ..runs(1) };
    let outdated = Actual { generation: 0, ..runs(1) };
    for actual in [vec![], vec![stopped], vec![outdated]] {
        assert_eq!(reconcile(&live, &records, &actual, idle, 0), [Step::Repair(id(1))]);
    }
}

#[test]
fn a_lease_with_work_in_the_queue_is_left_to_the_queue() {
    let steps = reconcile(&[chain(1, ChainWish::Run)], &[record(1, Desired::Running)], &[], |_| Standing::Working, 0);
    assert!(steps.is_empty());
}

#[test]
fn a_lease_that_the_daemon_missed_is_recorded_and_one_that_ended_unseen_is_ended() {
    let steps = reconcile(&[chain(1, ChainWish::Run)], &[record(2, Desired::Running)], &[runs(2)], idle, 0);
    assert_eq!(steps, [Step::Record(id(1)), Step::Ended(id(2))]);
}

#[test]
fn a_workload_of_an_ended_lease_is_torn_down_only_after_ten_minutes() {
    let mut ended = record(1, Desired::Gone);
    ended.closed_at = Some(1000);
    let records = [ended];
    assert!(reconcile(&[], &records, &[runs(1)], idle, 1000 + TEARDOWN_AFTER_S - 1).is_empty());
    assert_eq!(reconcile(&[], &records, &[runs(1)], idle, 1000 + TEARDOWN_AFTER_S), [Step::TearDown(id(1))]);
}

#[test]
fn an_unknown_workload_under_our_tag_is_quarantined_and_never_removed() {
    let stranger = Actual { tag: "ve-x".into(), lease: None, generation: 0, running: true };
    assert_eq!(reconcile(&[], &[], &[stranger], idle, 0), [Step::Quarantine("ve-x".into())]);
}

#[test]
fn an_overdrawn_lease_is_suspended_and_resumed_after_a_top_up() {
    let records = [record(1, Desired::Running)];
    assert_eq!(reconcile(&[chain(1, ChainWish::Suspend)], &records, &[runs(1)], idle, 0), [Step::Suspend(id(1))]);
    let suspended = [record(1, Desired::Suspended)];
    let stopped = Actual { running: false, ..runs(1) };
    assert!(reconcile(&[chain(1, ChainWish::Suspend)], &suspended, std::slice::from_ref(&stopped), idle, 0).is_empty());
    assert_eq!(reconcile(&[chain(1, ChainWish::Run)], &suspended, &[stopped], idle, 0), [Step::Resume(id(1))]);
}

#[test]
fn a_lease_without_a_manifest_is_not_repaired() {
    let mut waiting = record(1, Desired::AwaitingManifest);
    waiting.manifest = None;
    assert!(reconcile(&[chain(1, ChainWish::Run)], &[waiting], &[], idle, 0).is_empty());
}

#[test]
fn what_the_queue_gave_up_is_not_repaired_again_but_still_suspended_and_ended() {
    let gave_up = |_: &LeaseRecord| Standing::GaveUp;
    let records = [record(1, Desired::Running)];
    assert!(reconcile(&[chain(1, ChainWish::Run)], &records, &[], gave_up, 0).is_empty());
    let older = Actual { generation: 0, ..runs(1) };
    let suspended = reconcile(&[chain(1, ChainWish::Suspend)], &records, &[older], gave_up, 0);
    assert_eq!(suspended, [Step::Suspend(id(1))]);
    assert_eq!(reconcile(&[], &records, &[], gave_up, 0), [Step::Ended(id(1))]);
}

#[test]
fn a_stopped_lease_is_no_fault_and_is_stopped_again_when_it_runs() {
    let live = [chain(1, ChainWish::Stop)];
    let records = [record(1, Desired::Stopped)];
    let stopped = Actual { running: false, ..runs(1) };
    let outdated = Actual { generation: 0, ..stopped.clone() };
    for actual in [vec![], vec![stopped], vec![outdated]] {
        assert!(reconcile(&live, &records, &actual, idle, 0).is_empty(), "{actual:?}");
    }
    assert_eq!(reconcile(&live, &records, &[runs(1)], idle, 0), [Step::Stop(id(1))]);
}

#[test]
fn what_the_customer_asks_for_comes_before_every_comparison() {
    for (action, desired) in [(Action::Stop, Desired::Running), (Action::Start, Desired::Stopped)] {
        let asked = [ChainLease { asked: Some(Asked { op_id: 3, action }), ..chain(1, ChainWish::Run) }];
        let records = [record(1, desired)];
        assert_eq!(reconcile(&asked, &records, &[], idle, 0), [Step::Operate(id(1), 3, action)]);
        assert!(reconcile(&asked, &records, &[], |_| Standing::Working, 0).is_empty(), "one after the other");
        let gave_up = reconcile(&asked, &records, &[], |_| Standing::GaveUp, 0);
        assert_eq!(gave_up, [Step::Operate(id(1), 3, action)], "a workload that failed can be started by its owner");
    }
}

#[test]
fn a_lease_whose_stop_or_start_the_chain_gave_up_goes_back_to_what_it_was() {
    let stopped = Actual { running: false, ..runs(1) };
    let half_stopped = reconcile(&[chain(1, ChainWish::Run)], &[record(1, Desired::Stopped)], &[stopped], idle, 0);
    assert_eq!(half_stopped, [Step::Resume(id(1))]);
    let half_started = reconcile(&[chain(1, ChainWish::Stop)], &[record(1, Desired::Running)], &[runs(1)], idle, 0);
    assert_eq!(half_started, [Step::Stop(id(1))]);
}

#[test]
fn a_lease_that_ran_dry_while_it_was_being_stopped_is_suspended() {
    let stopped = Actual { running: false, ..runs(1) };
    let steps = reconcile(&[chain(1, ChainWish::Suspend)], &[record(1, Desired::Stopped)], &[stopped], idle, 0);
    assert_eq!(steps, [Step::Suspend(id(1))]);
}
