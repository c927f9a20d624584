use ve_proto::ve::market::v1::{LeaseState, ResourceState};

use crate::backend::BackendError;
use crate::bids::BidEngine;
use crate::lease::Desired;
use crate::queue::{CommandState, Queue};
use crate::testing::{World, key};

fn resource(world: &World) -> ResourceState {
    ResourceState::try_from(world.node.book().resources[0].state).expect("a known state")
}

#[tokio::test]
async fn a_lease_runs_after_its_manifest_and_is_gone_after_its_end() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    let (record, manifest) = world.leased(&mut bids).await;
    assert_eq!(record.desired, Desired::AwaitingManifest);
    assert_eq!(record.needs.expect("known from the chain").cpu_mcore, 500);
    world.daemon.accept_manifest(&record.id, &manifest.to_json(), manifest.hash()).expect("accepted");
    world.work(&mut bids).await;
    assert_eq!(resource(&world), ResourceState::Active);
    world.node.book().set_lease(1, LeaseState::Closed);
    world.work(&mut bids).await;
    assert_eq!(world.record().desired, Desired::Gone);
    assert_eq!(resource(&world), ResourceState::Terminated);
    assert!(world.backend.is_empty());
}

#[tokio::test]
async fn a_workload_that_vanished_is_started_again_once() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    world.backend.lose_everything();
    world.work(&mut bids).await;
    world.work(&mut bids).await;
    assert_eq!(*world.backend.provisioned.lock().unwrap(), ["g1", "g2"]);
    assert_eq!(world.daemon.counters.drift.get(), 1);
}

#[tokio::test]
async fn a_repair_that_fails_for_good_is_not_repeated_for_ever() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    world.backend.lose_everything();
    *world.backend.refuses.lock().unwrap() = Some(BackendError::invalid("the image is gone"));
    for _ in 0..5 {
        world.work(&mut bids).await;
    }
    let failed = Queue::new(&world.daemon.db).all().expect("a queue");
    assert_eq!(failed.iter().filter(|command| command.state == CommandState::Failed).count(), 1);
    assert_eq!(world.record().generation, 2);
}

#[tokio::test]
async fn an_overdrawn_lease_stops_and_runs_again_after_a_top_up() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    world.node.book().set_lease(1, LeaseState::Grace);
    world.work(&mut bids).await;
    assert_eq!(resource(&world), ResourceState::Suspended);
    world.node.book().set_lease(1, LeaseState::Active);
    world.work(&mut bids).await;
    assert_eq!(resource(&world), ResourceState::Active);
    assert_eq!(world.backend.provisioned.lock().unwrap().len(), 1, "resumed, not placed anew");
}

#[tokio::test]
async fn a_node_that_forgets_a_lease_does_not_end_it() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    world.node.book().forgets_leases = true;
    world.work(&mut bids).await;
    assert_eq!(world.record().desired, Desired::Running, "it is in no list, and nobody says that it is closed");
    let lease = world.node.book().leases.remove(0);
    world.work(&mut bids).await;
    assert_eq!(world.record().desired, Desired::Running, "the node does not know it at all");
    assert!(!world.backend.is_empty());
    world.node.book().leases.push(lease);
    world.node.book().set_lease(1, LeaseState::Closed);
    world.work(&mut bids).await;
    assert!(world.backend.is_empty());
}

#[tokio::test]
async fn a_backend_that_does_not_answer_ends_no_lease() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    world.running(&mut bids).await;
    *world.backend.broken.lock().unwrap() = Some(BackendError::transient("the machine is out of reach"));
    assert!(world.daemon.pass(&mut bids).await.is_err());
    assert_eq!(world.record().desired, Desired::Running);
    *world.backend.broken.lock().unwrap() = None;
    world.work(&mut bids).await;
    assert_eq!(*world.backend.provisioned.lock().unwrap(), ["g1"]);
}

#[tokio::test]
async fn a_lease_without_manifest_is_given_back_after_its_time() {
    let (world, mut bids) = (World::with(|config| config.manifest_seconds = 60).await, BidEngine::default());
    world.leased(&mut bids).await;
    world.work(&mut bids).await;
    assert_eq!(world.record().desired, Desired::AwaitingManifest, "there is time left");
    let mut record = world.record();
    record.created_at -= 61;
    crate::lease::update(&world.daemon.db, &record.id, |stored| stored.created_at = record.created_at)
        .expect("written");
    world.work(&mut bids).await;
    world.work(&mut bids).await;
    assert_eq!(world.record().desired, Desired::Gone);
}

#[tokio::test]
async fn signs_of_life_count_up_and_are_signed_by_the_daemons_key() {
    let world = World::new().await;
    assert!(world.daemon.beat().await);
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert!(world.daemon.beat().await);
    let beats = world.node.book().heartbeats.clone();
    assert!(beats[0].seq < beats[1].seq);
    for beat in beats {
        let signed = ve_base::preimage::heartbeat(crate::testing::CHAIN_ID, &beat);
        key(2).public_key().verify(&signed, &beat.signature).expect("the daemon's key");
    }
    world.node.die();
    assert!(!world.daemon.beat().await, "nobody heard it");
}
