//! The market with its lower modules over memory, driven message by message and second by second.
#![allow(dead_code)]

use std::sync::Arc;

use ve_base::keys::{SecretKey, hd};
use ve_base::{Address, Amount, BlockTime, CodedError, Coin, Coins, Dec, preimage};
use ve_chain_core::{auth::Auth, bank, bank::Bank, distribution::Distribution};
use ve_chain_finance::escrow::{self, Escrow, EscrowHooks};
use ve_chain_finance::take::Take;
use ve_chain_identity::attester::{Attesters, BOND_ACCOUNT};
use ve_chain_market::cert::Cert;
use ve_chain_market::deployment::{Market, MarketHooks};
use ve_chain_market::provider::{ProviderHooks, Providers};
use ve_proto::cosmos::base::v1beta1::DecCoin;
use ve_proto::ve::market::v1::*;
use ve_proto::ve::provider::v1::*;
use ve_proto::{Message, Name};
use ve_sdk::context::{Committed, State};
use ve_sdk::gas::GasMeter;
use ve_sdk::hooks::Hooks;
use ve_sdk::{BlockInfo, Context, Event, Mode, Module, QueryContext, Registry, type_url};
use ve_store::{MemoryState, Overlay};

const PHRASE: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
pub const ENDOWMENT: u64 = 10_000_000_000;

pub fn modules() -> Vec<Box<dyn Module>> {
    vec![
        Box::new(Auth),
        Box::new(Bank),
        Box::new(Distribution),
        Box::new(Attesters),
        Box::new(Take),
        Box::new(Escrow),
        Box::new(Providers),
        Box::new(Cert),
        Box::new(Market),
    ]
}

pub struct World {
    pub state: State,
    pub block: BlockInfo,
    pub registry: Registry,
    pub events: Vec<Event>,
    keys: Vec<SecretKey>,
}

fn registry() -> Registry {
    let mut hooks = Hooks::default();
    hooks.add::<dyn EscrowHooks>(Arc::new(MarketHooks));
    hooks.add::<dyn ProviderHooks>(Arc::new(MarketHooks));
    Registry::build(&modules(), hooks).expect("modules fit together")
}

impl World {
    /// Accounts 0 to 5, each with [`ENDOWMENT`]; account 1 is an active provider in the region `eu`.
    pub fn new() -> Self {
        let mut world = Self::empty();
        let genesis: Vec<(&str, serde_json::Value)> =
            modules().iter().map(|module| (module.name(), module.default_genesis())).collect();
        world.import(&genesis);
        for number in 0..6 {
            let address = world.address(number);
            let coins = Coins::native(Amount::from(ENDOWMENT));
            world.run(|ctx| endow(ctx, &address, &coins));
        }
        world.make_provider(1);
        world
    }

    pub fn empty() -> Self {
        let base: Committed = Arc::new(MemoryState::default());
        let block = BlockInfo {
            chain_id: "ve-test-1".into(),
            height: 1,
            time: BlockTime { seconds: 1_780_000_000, nanos: 0 },
            ..BlockInfo::default()
        };
        let keys = (0..6).map(|index| hd::derive(PHRASE, 0, index).expect("valid")).collect();
        Self { state: Overlay::new(base), block, registry: registry(), events: Vec::new(), keys }
    }

    pub fn import(&mut self, genesis: &[(&str, serde_json::Value)]) {
        for module in modules() {
            let (_, value) = genesis.iter().find(|(name, _)| *name == module.name()).expect("each module");
            self.run(|ctx| module.init_genesis(ctx, value)).expect("genesis");
        }
    }

    pub fn export(&self) -> Vec<(&'static str, serde_json::Value)> {
        let ctx = self.query();
        modules().iter().map(|module| (module.name(), module.export_genesis(&ctx).expect("exports"))).collect()
    }

    pub fn address(&self, number: usize) -> Address {
        self.keys[number].public_key().address()
    }

    pub fn name(&self, number: usize) -> String {
        self.address(number).to_string()
    }

    pub fn query(&self) -> QueryContext<'_> {
        QueryContext::new(&self.state, &self.block, &self.registry)
    }

    pub fn run<T>(&mut self, body: impl FnOnce(&mut Context<'_>) -> T) -> T {
        let mut ctx = Context::new(&mut self.state, &self.block, &self.registry, GasMeter::unlimited(), Mode::Deliver);
        let value = body(&mut ctx);
        self.events.extend(ctx.take_events());
        value
    }

    /// Sends one message; a refused one leaves nothing behind.
    pub fn send<M: Message + Name>(&mut self, message: &M) -> Result<(), CodedError> {
        let bytes = message.encode_to_vec();
        let registry = registry();
        let entry = registry.message(&type_url::<M>()).expect("registered");
        entry.check(&bytes)?;
        let result = self.run(|ctx| ctx.atomic(|ctx| entry.execute(ctx, &bytes)));
        self.check();
        result.map(|_| ())
    }

    pub fn refused<M: Message + Name>(&mut self, message: &M) -> (String, u32) {
        let error = self.send(message).expect_err("refused");
        (error.codespace.to_owned(), error.code)
    }

    pub fn check(&self) {
        for (module, invariant) in self.registry.invariants() {
            (invariant.check)(&self.query()).unwrap_or_else(|why| panic!("{module}/{}: {why}", invariant.name));
        }
    }

    /// Ends the block and begins one `seconds` later.
    pub fn wait(&mut self, seconds: i64) {
        self.block.height += 1;
        self.block.time.seconds += seconds;
        for module in modules() {
            self.run(|ctx| module.end_block(ctx)).expect("end of block");
        }
        self.check();
        // A block's transient counters.
        let transient: Vec<Vec<u8>> =
            ve_store::Read::range(&self.state, &[0], Some(&[1]), false).map(|entry| entry.expect("memory").0).collect();
        for key in transient {
            ve_store::Write::delete(&mut self.state, &key).expect("memory");
        }
    }

    pub fn balance(&self, address: &Address) -> u64 {
        bank::balance(&self.state, address, "uve").expect("reads").to_u64().expect("small")
    }

    pub fn make_provider(&mut self, number: usize) {
        let owner = self.name(number);
        self.send(&MsgCreateProvider {
            owner: owner.clone(),
            host_uri: "https://provider.example:8443".into(),
            attributes: vec![Attribute { key: "region".into(), value: "eu".into() }],
            info: None,
        })
        .expect("registers");
        self.send(&self.key_message(number, "daemon")).expect("adds a key");
        self.send(&MsgBondProvider { owner, amount: Some(Coin::native(Amount::from(1_000_000_000u64)).to_proto()) })
            .expect("bonds");
    }

    pub fn key_message(&self, number: usize, id: &str) -> MsgAddProviderKey {
        let key = &self.keys[number];
        let ve_base::keys::PublicKey::Secp256k1(public) = key.public_key() else { panic!("secp256k1") };
        let mut message = MsgAddProviderKey {
            owner: self.name(number),
            key_id: id.into(),
            algorithm: KeyAlgorithm::Secp256k1.into(),
            public_key: public.to_vec(),
            usages: vec![KeyUsage::Callback.into(), KeyUsage::Heartbeat.into()],
            ..MsgAddProviderKey::default()
        };
        message.proof = key.sign(&preimage::provider_key("ve-test-1", &message)).to_vec();
        message
    }

    /// Account 0 asks for one replica at `limit` uve per block with a deposit.
    pub fn deploy(&mut self, dseq: u64, limit: &str, deposit: u64) -> OrderId {
        let message = self.deployment(dseq, limit, deposit);
        self.send(&message).expect("deploys");
        OrderId { owner: self.name(0), dseq, gseq: 1, oseq: 1 }
    }

    pub fn deployment(&self, dseq: u64, limit: &str, deposit: u64) -> MsgCreateDeployment {
        let spec = GroupSpec {
            name: "web".into(),
            requirements: Some(Requirements {
                signed_by: None,
                attributes: vec![Attribute { key: "region".into(), value: "eu".into() }],
            }),
            resources: vec![ResourceUnit { resources: Some(replica()), count: 1, price: Some(price(limit)) }],
            reclamation_min_window: 0,
        };
        MsgCreateDeployment {
            owner: self.name(0),
            dseq,
            groups: vec![spec],
            hash: vec![7; 32],
            deposit: Some(Coin::native(Amount::from(deposit)).to_proto()),
            ..MsgCreateDeployment::default()
        }
    }

    pub fn bid_message(&self, number: usize, order: &OrderId, amount: &str) -> MsgCreateBid {
        MsgCreateBid {
            provider: self.name(number),
            order: Some(order.clone()),
            price: Some(price(amount)),
            resources_offer: vec![ResourceOffer { resources: Some(replica()), count: 1 }],
            reclamation_window: 0,
            deposit: Some(Coin::native(Amount::from(500_000u64)).to_proto()),
        }
    }

    pub fn bid(&mut self, number: usize, order: &OrderId, amount: &str) -> BidId {
        self.send(&self.bid_message(number, order, amount)).expect("bids");
        bid_id(order, &self.name(number), 1)
    }

    pub fn accept(&mut self, bid: &BidId, amount: &str) {
        let message = MsgAcceptBid { owner: bid.owner.clone(), bid: Some(bid.clone()), price: Some(price(amount)) };
        self.send(&message).expect("accepts");
    }

    /// A deployment with a lease at `amount` uve per block, delivered at once.
    pub fn lease(&mut self, dseq: u64, amount: &str, deposit: u64) -> BidId {
        let order = self.deploy(dseq, amount, deposit);
        let bid = self.bid(1, &order, amount);
        self.accept(&bid, amount);
        let report = self.report(&bid, 1, 1, ResourceState::Provisioning);
        self.send(&report).expect("reports");
        let report = self.report(&bid, 2, 1, ResourceState::Active);
        self.send(&report).expect("reports");
        bid
    }

    pub fn report(&self, lease: &BidId, seq: u64, op_id: u64, state: ResourceState) -> MsgReportResource {
        let mut message = MsgReportResource {
            relayer: self.name(5),
            lease: Some(lease.clone()),
            seq,
            op_id,
            kind: ReportKind::Status.into(),
            observed_state: state.into(),
            spec_rev: 1,
            observed_at: self.block.time.unix(),
            key_id: "daemon".into(),
            ..MsgReportResource::default()
        };
        self.sign(&mut message);
        message
    }

    pub fn sign(&self, message: &mut MsgReportResource) {
        message.signature = self.keys[1].sign(&preimage::resource_report("ve-test-1", message)).to_vec();
    }

    pub fn ask<Q: Message, R: Message + Default>(&self, path: &str, request: &Q) -> R {
        let answer = self.registry.query(path, &self.query(), &request.encode_to_vec()).expect("served");
        R::decode(answer.expect("answers").as_slice()).expect("decodes")
    }

    pub fn lease_now(&self, id: &BidId) -> Lease {
        let request = QueryLeaseRequest {
            owner: id.owner.clone(),
            dseq: id.dseq,
            gseq: id.gseq,
            oseq: id.oseq,
            provider: id.provider.clone(),
            bseq: id.bseq,
        };
        self.ask::<_, QueryLeaseResponse>("/ve.market.v1.Query/Lease", &request).lease.expect("exists")
    }

    pub fn resource_now(&self, id: &BidId) -> Resource {
        let request = QueryResourceRequest {
            owner: id.owner.clone(),
            dseq: id.dseq,
            gseq: id.gseq,
            oseq: id.oseq,
            provider: id.provider.clone(),
            bseq: id.bseq,
        };
        self.ask::<_, QueryResourceResponse>("/ve.market.v1.Query/Resource", &request).resource.expect("exists")
    }

    pub fn heartbeat(&self, number: usize, seq: u64) -> MsgHeartbeat {
        let mut message = MsgHeartbeat {
            relayer: self.name(5),
            provider: self.name(number),
            seq,
            observed_at: self.block.time.unix(),
            key_id: "daemon".into(),
            signature: Vec::new(),
        };
        message.signature = self.keys[number].sign(&preimage::heartbeat("ve-test-1", &message)).to_vec();
        message
    }

    pub fn provider_now(&self, number: usize) -> Provider {
        let request = QueryProviderRequest { owner: self.name(number) };
        self.ask::<_, QueryProviderResponse>("/ve.provider.v1.Query/Provider", &request).provider.expect("exists")
    }

    pub fn bond_now(&self, number: usize) -> QueryBondResponse {
        self.ask("/ve.provider.v1.Query/Bond", &QueryBondRequest { owner: self.name(number) })
    }

    pub fn escrow_now(&self, dseq: u64) -> ve_proto::ve::escrow::v1::Account {
        use ve_proto::ve::escrow::v1::{QueryAccountRequest, QueryAccountResponse};
        let id = Self::account(dseq, &self.name(0)).to_proto();
        let request = QueryAccountRequest { scope: id.scope, xid: id.xid };
        self.ask::<_, QueryAccountResponse>("/ve.escrow.v1.Query/Account", &request).account.expect("exists")
    }

    /// Waits and lets the provider's daemon show that it is alive.
    pub fn wait_alive(&mut self, number: usize, seq: u64, seconds: i64) {
        self.wait(seconds);
        let beat = self.heartbeat(number, seq);
        self.send(&beat).expect("alive");
    }

    pub fn count(&self, kind: &str) -> usize {
        self.events.iter().filter(|event| event.kind == kind).count()
    }

    pub fn account(dseq: u64, owner: &str) -> escrow::AccountId {
        escrow::AccountId::deployment(format!("{owner}/{dseq}"))
    }
}

pub fn bid_id(order: &OrderId, provider: &str, bseq: u32) -> BidId {
    BidId {
        owner: order.owner.clone(),
        dseq: order.dseq,
        gseq: order.gseq,
        oseq: order.oseq,
        provider: provider.into(),
        bseq,
    }
}

pub fn replica() -> Resources {
    Resources { id: 1, cpu: 500, memory: 1 << 29, ..Resources::default() }
}

pub fn price(text: &str) -> DecCoin {
    DecCoin { denom: "uve".into(), amount: text.parse::<Dec>().expect("a decimal").to_mantissa() }
}

/// Coins out of nothing, as a genesis balance.
fn endow(ctx: &mut Context<'_>, address: &Address, coins: &Coins) {
    let coin = coins.iter().next().expect("one coin");
    let balance: ve_store::Map<(Address, String), Amount> = ve_store::Map::new("bank", 2);
    let supply: ve_store::Map<String, Amount> = ve_store::Map::new("bank", 1);
    let has = supply.get(ctx, "uve").expect("reads").unwrap_or_default();
    supply.set(ctx, "uve", &has.checked_add(coin.amount).expect("fits")).expect("writes");
    balance.set(ctx, (address, "uve"), &coin.amount).expect("writes");
}

/// Attesters of domains that governance approved: accounts 3, 4 and 5, the last two of one organisation.
pub fn name_attesters(world: &mut World) {
    let bond = 1_000_000_000u64;
    let attester = |number: usize, organisation: &str| {
        serde_json::json!({
            "address": world.name(number), "name": "attester", "organisation": organisation, "slashed": "0",
            "bond": bond.to_string(), "kinds": ["KIND_DOMAIN"], "state": "ATTESTER_STATE_ACTIVE",
        })
    };
    let mut genesis = Attesters.default_genesis();
    genesis["attesters"] = vec![attester(3, "north"), attester(4, "south"), attester(5, "south")].into();
    world.run(|ctx| {
        endow(ctx, &ve_base::module_address(BOND_ACCOUNT), &Coins::native(Amount::from(3 * bond)));
        Attesters.init_genesis(ctx, &genesis).expect("attesters");
    });
}

/// More coins for one of the accounts.
pub fn endow_more(ctx: &mut Context<'_>, number: u32, amount: u64) {
    let address = hd::derive(PHRASE, 0, number).expect("valid").public_key().address();
    let balance: ve_store::Map<(Address, String), Amount> = ve_store::Map::new("bank", 2);
    let has = balance.get(ctx, (&address, "uve")).expect("reads").unwrap_or_default();
    let sum = has.checked_add(Amount::from(amount)).expect("fits");
    endow(ctx, &address, &Coins::native(sum));
    let supply: ve_store::Map<String, Amount> = ve_store::Map::new("bank", 1);
    let total = supply.get(ctx, "uve").expect("reads").unwrap_or_default();
    supply.set(ctx, "uve", &total.checked_sub(has).expect("fits")).expect("writes");
}

/// As a proposal would change the parameters of escrow.
pub fn change_escrow(ctx: &mut Context<'_>, change: impl FnOnce(&mut ve_proto::ve::escrow::v1::Params)) {
    let item: ve_store::Item<ve_proto::ve::escrow::v1::Params> = ve_store::Item::new("escrow", 0);
    let mut params = item.get(ctx).expect("reads").expect("given at genesis");
    change(&mut params);
    item.set(ctx, &params).expect("writes");
}

impl World {
    /// The id of a lease's payment.
    pub fn payment_id(&self, id: &BidId) -> String {
        format!("{}/{}/{}/{}/{}/{}", id.owner, id.dseq, id.gseq, id.oseq, id.provider, id.bseq)
    }
}
