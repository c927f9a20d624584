use super::WEB;
use crate::bids::BidEngine;
use crate::fit::Reason;
use crate::testing::{Death, World};

#[tokio::test]
async fn an_order_that_fits_gets_one_bid_however_often_it_is_seen() {
    let world = World::new().await;
    world.node.book().order(1, WEB);
    let mut bids = BidEngine::default();
    for _ in 0..3 {
        world.work(&mut bids).await;
    }
    // A daemon that starts anew asks the chain for its bids first.
    let world = world.restart().await;
    world.work(&mut BidEngine::default()).await;
    assert_eq!(world.node.book().bids.len(), 1);
}

#[tokio::test]
async fn bids_never_promise_more_than_is_free_and_the_next_goes_out_when_one_is_lost() {
    let world = World::new().await;
    let mut bids = BidEngine::default();
    // Two CPUs hold four times half a CPU.
    for dseq in 1..=6 {
        world.node.book().order(dseq, WEB);
    }
    world.work(&mut bids).await;
    assert_eq!(world.node.book().bids.len(), 4);
    assert_eq!(world.daemon.declined.open(), [(Reason::Capacity.name(), 2)].into());
    {
        let mut book = world.node.book();
        book.bids.remove(0);
        book.orders.remove(0);
    }
    world.work(&mut bids).await;
    assert_eq!(world.node.book().bids.len(), 4);
    assert_eq!(world.daemon.declined.open(), [(Reason::Capacity.name(), 1)].into());
}

#[tokio::test]
async fn what_is_leased_and_not_yet_placed_is_not_promised_again() {
    let world = World::new().await;
    let mut bids = BidEngine::default();
    for dseq in 1..=4 {
        world.node.book().order(dseq, WEB);
    }
    world.work(&mut bids).await;
    (1..=4).for_each(|dseq| world.node.book().accept(dseq));
    world.node.book().order(5, WEB);
    world.work(&mut bids).await;
    assert_eq!(world.node.book().bids.len(), 4, "no manifest has come, yet the capacity is leased");
    let world = world.restart().await;
    world.work(&mut BidEngine::default()).await;
    assert_eq!(world.node.book().bids.len(), 4, "nor after a restart");
}

#[tokio::test]
async fn an_order_beyond_the_backend_gets_no_bid_and_its_reason_is_counted() {
    let world = World::new().await;
    let keeps = WEB.replace(
        "- size: 64Mi",
        "- size: 64Mi\n            name: data\n            attributes: { persistent: true, class: beta2 }",
    );
    let keeps = keeps.replace("    expose:", "    params: { storage: { data: { mount: /data } } }\n    expose:");
    world.node.book().order(1, &keeps);
    world.node.book().order(2, &WEB.replace("500m", "4"));
    let mut bids = BidEngine::default();
    world.work(&mut bids).await;
    world.work(&mut bids).await;
    assert!(world.node.book().bids.is_empty());
    let counted = [(Reason::PersistentStorage.name(), 1), (Reason::Size.name(), 1)].into();
    assert_eq!(world.daemon.declined.open(), counted);
    assert_eq!(world.daemon.declined.totals(), counted, "each is counted once");
}

#[tokio::test]
async fn an_account_that_cannot_pay_two_deposits_bids_after_it_was_filled() {
    let world = World::new().await;
    world.node.book().order(1, WEB);
    world.node.book().balance = 999_999;
    let mut bids = BidEngine::default();
    world.work(&mut bids).await;
    assert!(world.node.book().bids.is_empty());
    assert_eq!(world.daemon.declined.open(), [(Reason::Balance.name(), 1)].into());
    world.node.book().balance = 1_000_000;
    world.work(&mut bids).await;
    assert_eq!(world.node.book().bids.len(), 1);
    assert!(world.daemon.declined.open().is_empty());
}

#[tokio::test]
async fn a_bid_is_sent_once_more_when_the_node_died_over_it_and_never_counts_twice() {
    for death in [Death::Before, Death::After] {
        let world = World::new().await;
        world.node.book().order(1, WEB);
        let mut bids = BidEngine::default();
        world.node.die_over_transaction(death);
        world.daemon.pass(&mut bids).await.expect_err("the node is gone");
        world.node.revive();
        world.work(&mut bids).await;
        world.work(&mut bids).await;
        assert_eq!(world.node.book().bids.len(), 1);
        // Two CPUs hold three more of half a CPU: the one that was in doubt is held once.
        for dseq in 2..=5 {
            world.node.book().order(dseq, WEB);
        }
        world.work(&mut bids).await;
        assert_eq!(world.node.book().bids.len(), 4);
    }
}
