use std::sync::Arc;

use serde_json::Value;

use super::*;
use crate::backend::BackendError;
use crate::bids::BidEngine;
use crate::testing::World;

const WEB: &str = include_str!("../daemon/tests/web.yaml");

async fn served(daemon: Arc<Daemon>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("bound");
    let startup = Arc::new(Startup::default());
    startup.runs(daemon);
    tokio::spawn(serve(startup, listener));
    format!("http://{at}")
}

async fn get(base: &str, path: &str) -> (u16, String) {
    let response = reqwest::get(format!("{base}{path}")).await.expect("an answer");
    (response.status().as_u16(), response.text().await.expect("text"))
}

async fn metric(base: &str, name: &str) -> Option<String> {
    let (status, text) = get(base, "/metrics").await;
    assert_eq!(status, 200);
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned))
}

async fn not_ready(base: &str, part: &str) -> String {
    let (status, text) = get(base, "/readyz").await;
    assert_eq!(status, 503, "{text}");
    let health: Value = serde_json::from_str(&text).expect("JSON");
    health[part].as_str().unwrap_or_else(|| panic!("{part} is named: {text}")).to_owned()
}

#[tokio::test]
async fn the_numbers_are_those_of_the_work_that_was_done() {
    let (world, mut bids) = (World::new().await, BidEngine::default());
    let base = served(world.daemon.clone()).await;
    assert_eq!(metric(&base, "ve_provider_bids_total").await.as_deref(), Some("0"));
    for dseq in 1..=2 {
        world.node.book().order(dseq, WEB);
    }
    world.node.book().order(3, &WEB.replace("500m", "64"));
    world.daemon.pass(&mut bids).await.expect("a pass");
    world.node.book().accept(1);
    world.daemon.pass(&mut bids).await.expect("a pass");
    for (name, value) in [
        ("ve_provider_bids_total", "2"),
        ("ve_provider_bids_held", "1"),
        ("ve_provider_orders_declined_total{reason=\"size\"}", "1"),
        ("ve_provider_orders_declined{reason=\"size\"}", "1"),
        ("ve_provider_leases{state=\"awaiting_manifest\"}", "1"),
        ("ve_provider_queue_depth", "0"),
        ("ve_provider_passes_total", "2"),
        ("ve_provider_balance_uve", "10000000"),
    ] {
        assert_eq!(metric(&base, name).await.as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn the_daemon_is_ready_only_while_chain_backend_and_certificate_are_well() {
    let world = World::new().await;
    let base = served(world.daemon.clone()).await;
    assert_eq!(get(&base, "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(not_ready(&base, "chain").await, "no block was seen yet");
    let counters = &world.daemon.counters;
    counters.heard(7, 7, now());
    assert_eq!(get(&base, "/readyz").await.0, 200);
    counters.heard(7, 7, now() - 31);
    assert!(not_ready(&base, "chain").await.contains("31 s") || not_ready(&base, "chain").await.contains("32 s"));
    counters.heard(7, 38, now());
    assert_eq!(not_ready(&base, "chain").await, "31 blocks are still to be handled");
    counters.heard(38, 38, now());
    *world.backend.broken.lock().unwrap() = Some(BackendError::transient("out of reach"));
    assert!(not_ready(&base, "backend").await.contains("out of reach"));
    *world.backend.broken.lock().unwrap() = None;
    counters.certificate_ends.set(now() - 1);
    assert!(not_ready(&base, "certificate").await.contains("expired"));
    counters.certificate_ends.set(now() + 60);
    assert_eq!(get(&base, "/readyz").await.0, 200);
    assert_eq!(get(&base, "/healthz").await.0, 200, "alive all along");
}

#[tokio::test]
async fn the_address_answers_before_the_daemon_runs_and_says_what_is_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let startup = Arc::new(Startup::default());
    tokio::spawn(serve(startup.clone(), listener));
    assert_eq!(get(&base, "/healthz").await, (200, "ok\n".to_owned()));
    assert_eq!(not_ready(&base, "backend").await, "being opened");
    assert_eq!(metric(&base, "ve_provider_started").await.as_deref(), Some("0"));
    startup.waits_for_chain("no node answers at http://127.0.0.1:9/");
    assert_eq!(not_ready(&base, "chain").await, "waiting for a node: no node answers at http://127.0.0.1:9/");
    assert_eq!(startup.health().await.backend, None, "that is done");
    let world = World::new().await;
    startup.runs(world.daemon.clone());
    assert_eq!(not_ready(&base, "chain").await, "no block was seen yet");
    world.daemon.counters.heard(1, 1, now());
    assert_eq!(get(&base, "/readyz").await.0, 200);
    assert_eq!(metric(&base, "ve_provider_started").await.as_deref(), Some("1"));
}

#[tokio::test]
async fn a_daemon_whose_node_died_hears_nothing_and_is_not_ready() {
    let world = World::new().await;
    let base = served(world.daemon.clone()).await;
    world.node.die();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let daemon = world.daemon.clone();
    let running = tokio::spawn(async move { daemon.run(stopped).await });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(not_ready(&base, "chain").await, "no block was seen yet");
    stop.send_replace(true);
    running.await.expect("no panic").expect("it waits for the chain rather than failing");
}
