//! The customer's operations, with the daemon dying at every step.

use ve_proto::ve::market::v1::{self as market, LeaseState, OperationState, ReportKind, ResourceState};

use crate::backend::{BackendError, WorkloadState};
use crate::bids::BidEngine;
use crate::daemon::now;
use crate::gateway::Service as _;
use crate::lease::Desired;
use crate::queue::{Action, CommandState, MAX_ATTEMPTS, Outcome, Queue};
use crate::testing::World;

fn state(world: &World) -> ResourceState {
    world.node.book().resources[0].state()
}

/// State and code of the last operation.
fn operation(world: &World) -> (OperationState, u32) {
    let book = world.node.book();
    let operation = book.resources[0].operation.as_ref().expect("an operation");
    (operation.state(), operation.result_code)
}

async fn ask(world: &World, bids: &mut BidEngine, action: market::Action) {
    world.node.book().ask(action);
    world.work(bids).await;
}

#[tokio::test]
async fn a_workload_is_stopped_started_and_restarted_and_each_is_reported() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    ask(&world, &mut bids, market::Action::Stop).await;
    assert_eq!((state(&world), operation(&world).0), (ResourceState::Stopped, OperationState::Succeeded));
    assert_eq!(world.backend.states(), [WorkloadState::Stopped], "kept, not removed");
    assert_eq!(world.record().desired, Desired::Stopped);

    ask(&world, &mut bids, market::Action::Start).await;
    assert_eq!((state(&world), operation(&world).0), (ResourceState::Active, OperationState::Succeeded));
    assert_eq!(world.backend.states(), [WorkloadState::Running]);

    ask(&world, &mut bids, market::Action::Restart).await;
    assert_eq!((state(&world), operation(&world).0), (ResourceState::Active, OperationState::Succeeded));
    assert_eq!(*world.backend.restarts.lock().unwrap(), ["op3"]);
    assert_eq!(world.backend.provisioned.lock().unwrap().len(), 1, "never placed anew");
    assert_eq!(world.daemon.counters.operations.get(), 3);
    assert_eq!(world.daemon.counters.drift.get(), 0, "none of it was taken for a fault");
    let book = world.node.book();
    let ops: Vec<u64> = book.reports.iter().rev().take(3).map(|report| report.op_id).collect();
    assert_eq!(ops, [3, 2, 1], "each report names its operation");
}

#[tokio::test]
async fn a_stopped_lease_stays_stopped_over_passes_and_restarts_of_the_daemon() {
    let (mut world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    ask(&world, &mut bids, market::Action::Stop).await;
    for _ in 0..2 {
        world.work(&mut bids).await;
        world = world.restart().await;
    }
    world.work(&mut bids).await;
    assert_eq!(world.backend.states(), [WorkloadState::Stopped]);
    assert_eq!(world.daemon.counters.drift.get(), 0);
    let reports = world.node.book().reports.len();
    world.work(&mut bids).await;
    assert_eq!(world.node.book().reports.len(), reports, "what the chain knows is not said again");
}

#[tokio::test]
async fn the_gateway_shows_that_a_lease_is_being_stopped_and_that_it_is() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    let record = world.running(&mut bids).await;
    world.node.book().ask(market::Action::Stop);
    world.daemon.pass(&mut bids).await.expect("a pass");
    let shown = world.daemon.lease_status(&record.id).await.expect("a status");
    assert_eq!((&shown["desired"], &shown["command"]["action"]), (&"running".into(), &"stop".into()), "{shown}");
    world.work(&mut bids).await;
    let shown = world.daemon.lease_status(&record.id).await.expect("a status");
    assert_eq!((&shown["desired"], &shown["command"]), (&"stopped".into(), &serde_json::Value::Null));
    assert_eq!(shown["services"]["web"]["state"], "stopped", "{shown}");
    let events: Vec<&str> = world.daemon.history(&record.id).iter().map(|event| event.kind).collect();
    assert!(events.ends_with(&["operation", "stopped"]), "{events:?}");
}

/// Dies after the command was taken; after it was carried out, before the chain heard of it; after the chain heard of it,
/// before the store did.
#[derive(Clone, Copy, Debug)]
enum Death {
    Before,
    Unheard,
    Unnoted,
}

async fn operate_and_die(death: Death, action: market::Action) {
    let (mut world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    if action == market::Action::Start {
        ask(&world, &mut bids, market::Action::Stop).await;
    }
    world.node.book().ask(action);
    world.daemon.pass(&mut bids).await.expect("a pass");
    let reports = world.node.book().reports.len();
    let command = Queue::new(&world.daemon.db).take(now()).expect("the queue works").expect("the operation is due");
    match death {
        Death::Before => {}
        Death::Unheard => {
            let record = crate::lease::get(&world.daemon.db, &command.lease).expect("read").expect("known");
            // Everything of the operation but its report.
            world.daemon.carry_out(&command, record).await.expect("carried out");
            world.node.die();
            assert!(matches!(world.daemon.execute(&command).await, Outcome::Unheard(_)));
            world.node.revive();
        }
        Death::Unnoted => assert_eq!(world.daemon.execute(&command).await, Outcome::Done),
    }
    world = world.restart().await;
    Queue::new(&world.daemon.db).recover(now()).expect("the queue works");
    world.work(&mut bids).await;
    world.work(&mut bids).await;
    assert_eq!(operation(&world).0, OperationState::Succeeded, "{death:?} {action:?}");
    assert_eq!(world.node.book().reports.len(), reports + 1, "{death:?} {action:?}: reported once");
    let restarts = world.backend.restarts.lock().unwrap().len();
    assert_eq!(restarts, usize::from(action == market::Action::Restart), "{death:?}: restarted once");
    let (wanted, word) = match action {
        market::Action::Stop => (WorkloadState::Stopped, Desired::Stopped),
        _ => (WorkloadState::Running, Desired::Running),
    };
    assert_eq!((world.backend.states(), world.record().desired), (vec![wanted], word), "{death:?} {action:?}");
    let commands = Queue::new(&world.daemon.db).all().expect("a queue");
    assert!(commands.iter().all(|command| command.state == CommandState::Succeeded), "{commands:?}");
}

#[tokio::test]
async fn a_daemon_killed_at_any_step_carries_an_operation_out_once() {
    for death in [Death::Before, Death::Unheard, Death::Unnoted] {
        for action in [market::Action::Stop, market::Action::Start, market::Action::Restart] {
            operate_and_die(death, action).await;
        }
    }
}

#[tokio::test]
async fn an_operation_that_cannot_succeed_is_reported_with_its_code_and_rolled_back() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    ask(&world, &mut bids, market::Action::Stop).await;
    *world.backend.stuck.lock().unwrap() = Some(BackendError::invalid("the image is gone"));
    ask(&world, &mut bids, market::Action::Start).await;
    assert_eq!((state(&world), operation(&world)), (ResourceState::Stopped, (OperationState::RolledBack, 4)));
    assert_eq!(world.record().desired, Desired::Stopped);
    assert_eq!(world.node.book().reports.last().expect("reports").kind(), ReportKind::Result);
    // The next one, with the fault gone, succeeds.
    *world.backend.stuck.lock().unwrap() = None;
    ask(&world, &mut bids, market::Action::Start).await;
    assert_eq!((state(&world), world.backend.states()), (ResourceState::Active, vec![WorkloadState::Running]));
}

#[tokio::test]
async fn a_fault_that_may_pass_is_tried_five_times_before_the_chain_is_told() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    *world.backend.stuck.lock().unwrap() = Some(BackendError::transient("the machine is busy"));
    world.node.book().ask(market::Action::Stop);
    world.daemon.pass(&mut bids).await.expect("a pass");
    let queue = Queue::new(&world.daemon.db);
    let mut later = now();
    for attempt in 1..=MAX_ATTEMPTS {
        assert_eq!(operation(&world).0, OperationState::Requested, "attempt {attempt}: the chain waits");
        let command = queue.take(later).expect("works").expect("due");
        let outcome = world.daemon.execute(&command).await;
        queue.finish(command.id, outcome, later).expect("works");
        later += 3600;
    }
    assert_eq!((state(&world), operation(&world)), (ResourceState::Active, (OperationState::RolledBack, 1)));
    assert_eq!(queue.find(&world.record().id, Action::Stop, 1).unwrap().expect("kept").state, CommandState::Failed);
    assert_eq!(world.record().desired, Desired::Running, "it goes on as before");
}

#[tokio::test]
async fn an_operation_that_the_chain_gave_up_before_it_was_carried_out_does_nothing() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    world.node.book().ask(market::Action::Stop);
    world.daemon.pass(&mut bids).await.expect("a pass");
    world.node.book().roll_back(OperationState::Expired, 0);
    let reports = world.node.book().reports.len();
    world.work(&mut bids).await;
    assert_eq!((world.backend.states(), world.node.book().reports.len()), (vec![WorkloadState::Running], reports));
}

#[tokio::test]
async fn a_manifest_for_a_stopped_lease_waits_for_its_start() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    let record = world.running(&mut bids).await;
    ask(&world, &mut bids, market::Action::Stop).await;
    world.daemon.accept_manifest(&record.id, &world.manifest().to_json(), [7; 32]).expect("accepted");
    world.work(&mut bids).await;
    assert_eq!(world.backend.states(), [WorkloadState::Stopped]);
    assert!(!world.daemon.restart_workload(&record.id).expect("answered"), "nor does the gateway start it");
    ask(&world, &mut bids, market::Action::Start).await;
    assert_eq!(*world.backend.provisioned.lock().unwrap(), ["g1", "g2"]);
    assert_eq!((state(&world), world.backend.states()), (ResourceState::Active, vec![WorkloadState::Running]));
}

#[tokio::test]
async fn a_stopped_lease_that_ends_is_cleared_away() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    ask(&world, &mut bids, market::Action::Stop).await;
    world.node.book().set_lease(1, LeaseState::Closed);
    world.work(&mut bids).await;
    assert!(world.backend.is_empty());
    assert_eq!(state(&world), ResourceState::Terminated);
}

#[tokio::test]
async fn a_stopped_lease_whose_workload_was_lost_is_placed_anew_at_its_start() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    ask(&world, &mut bids, market::Action::Stop).await;
    world.backend.lose_everything();
    world.work(&mut bids).await;
    assert!(world.backend.is_empty(), "no repair of what is not to run");
    ask(&world, &mut bids, market::Action::Start).await;
    assert_eq!(state(&world), ResourceState::Active);
    assert_eq!(world.backend.states(), [WorkloadState::Running]);
}
