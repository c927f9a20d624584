//! The daemon's passes and commands against a chain and a backend held in memory.

mod bidding;
mod leases;
mod operations;

use ve_client::manifest::{self, Manifest};
use ve_client::sdl;

use crate::bids::BidEngine;
use crate::lease::{self, LeaseRecord};
use crate::testing::World;

/// One web server of half a CPU and 256 MiB.
const WEB: &str = include_str!("web.yaml");

impl World {
    /// Pass and commands until nothing more is due.
    async fn work(&self, bids: &mut BidEngine) {
        self.daemon.pass(bids).await.expect("a pass");
        while self.daemon.work_once().await.expect("the queue works") {}
    }

    /// Bid, lease and manifest of deployment 1; returns what the daemon holds of the lease.
    async fn leased(&self, bids: &mut BidEngine) -> (LeaseRecord, Manifest) {
        let manifest = self.node.book().order(1, WEB);
        self.work(bids).await;
        self.node.book().accept(1);
        self.work(bids).await;
        let record = lease::all(&self.daemon.db).expect("a store").remove(0);
        (record, manifest)
    }

    async fn running(&self, bids: &mut BidEngine) -> LeaseRecord {
        let (record, manifest) = self.leased(bids).await;
        self.daemon.accept_manifest(&record.id, &manifest.to_json(), manifest.hash()).expect("accepted");
        self.work(bids).await;
        self.record()
    }

    /// The manifest of the deployment file.
    fn manifest(&self) -> Manifest {
        manifest::manifest(&sdl::parse(WEB).expect("a sound file"))
    }

    fn record(&self) -> LeaseRecord {
        lease::all(&self.daemon.db).expect("a store").remove(0)
    }
}
