//! The modules of this crate on state in memory, with hooks of the test's choice.

use std::sync::Arc;

use ve_base::{Address, BlockTime, CodedError, Coins};
use ve_chain_core::auth::Auth;
use ve_chain_core::authz::Authz;
use ve_chain_core::bank::Bank;
use ve_chain_core::distribution::{Distribution, DistributionHooks};
use ve_chain_core::staking::Staking;
use ve_chain_core::staking::hooks::StakingHooks;
use ve_sdk::context::{BlockInfo, Context, Mode, QueryContext, State};
use ve_sdk::gas::GasMeter;
use ve_sdk::hooks::Hooks;
use ve_sdk::{Module, Permission, Registrar, Registry};
use ve_store::MemoryState;

/// A module that may mint and burn, as mint and escrow do, and one that may not.
struct Coiner;

impl Module for Coiner {
    fn name(&self) -> &'static str {
        "coiner"
    }

    fn register(&self, _: &mut Registrar) {}

    fn accounts(&self) -> &'static [(&'static str, &'static [Permission])] {
        &[("coiner", &[Permission::Mint, Permission::Burn]), ("holder", &[])]
    }

    fn default_genesis(&self) -> serde_json::Value {
        serde_json::Value::Null
    }

    fn init_genesis(
        &self,
        _: &mut Context<'_>,
        _: &serde_json::Value,
    ) -> Result<Vec<ve_sdk::application::ValidatorUpdate>, CodedError> {
        Ok(Vec::new())
    }

    fn export_genesis(&self, _: &QueryContext<'_>) -> Result<serde_json::Value, CodedError> {
        Ok(serde_json::Value::Null)
    }
}

pub struct World {
    pub modules: Vec<Box<dyn Module>>,
    pub registry: Registry,
    pub state: State,
    pub block: BlockInfo,
    committed: MemoryState,
}

impl World {
    #[allow(dead_code, reason = "each test file uses one of the two")]
    pub fn new(hooks: Hooks) -> Self {
        Self::of(vec![Box::new(Auth), Box::new(Bank), Box::new(Staking), Box::new(Authz), Box::new(Coiner)], hooks)
    }

    /// With distribution, which follows all changes of stake.
    #[allow(dead_code, reason = "each test file uses one of the two")]
    pub fn earning() -> Self {
        let mut hooks = Hooks::default();
        hooks.add::<dyn StakingHooks>(Arc::new(DistributionHooks));
        let modules: Vec<Box<dyn Module>> =
            vec![Box::new(Auth), Box::new(Bank), Box::new(Distribution), Box::new(Staking), Box::new(Coiner)];
        Self::of(modules, hooks)
    }

    pub fn of(modules: Vec<Box<dyn Module>>, hooks: Hooks) -> Self {
        let registry = Registry::build(&modules, hooks).expect("no clash");
        let block = BlockInfo {
            chain_id: "ve-test-1".into(),
            height: 7,
            time: BlockTime { seconds: 1_750_000_000, nanos: 0 },
            ..BlockInfo::default()
        };
        let mut world = Self {
            modules,
            registry,
            state: State::new(Arc::new(MemoryState::new())),
            block,
            committed: MemoryState::new(),
        };
        let (state, block, registry) = (&mut world.state, &world.block, &world.registry);
        for module in &world.modules {
            let mut ctx = Context::new(state, block, registry, GasMeter::unlimited(), Mode::Genesis);
            module.init_genesis(&mut ctx, &module.default_genesis()).expect("defaults are valid");
        }
        world
    }

    pub fn ctx(&mut self) -> Context<'_> {
        Context::new(&mut self.state, &self.block, &self.registry, GasMeter::unlimited(), Mode::Deliver)
    }

    #[allow(dead_code, reason = "not every test file needs it")]
    /// Mints `coins` and hands them to `owner`.
    pub fn endow(&mut self, owner: &Address, coins: &str) {
        let coins = coins_of(coins);
        let mut ctx = self.ctx();
        ve_chain_core::bank::mint(&mut ctx, "coiner", &coins).expect("it may mint");
        ve_chain_core::bank::send_from_module(&mut ctx, "coiner", owner, &coins).expect("it has them");
    }

    /// Makes the writes so far the state below those to come, so that long runs do not walk over what they removed.
    #[allow(dead_code, reason = "only long runs need it")]
    pub fn commit(&mut self) {
        let state = std::mem::replace(&mut self.state, State::new(Arc::new(MemoryState::new())));
        self.committed.apply(state.into_changes());
        self.state = State::new(Arc::new(self.committed.clone()));
    }

    #[allow(dead_code, reason = "not every test file needs it")]
    /// Panics at the first invariant that does not hold.
    pub fn check(&self) {
        let ctx = QueryContext::new(&self.state, &self.block, &self.registry);
        for (module, invariant) in self.registry.invariants() {
            (invariant.check)(&ctx).unwrap_or_else(|violation| panic!("{module}/{}: {violation}", invariant.name));
        }
    }

    #[allow(dead_code, reason = "not every test file needs it")]
    /// Checks and executes one message as a transaction would, without admission.
    pub fn execute<M: prost::Message + prost::Name>(&mut self, message: &M) -> Result<(), CodedError> {
        let any = prost_types::Any { type_url: ve_sdk::type_url::<M>(), value: message.encode_to_vec() };
        let mut ctx = self.ctx();
        let registry = ctx.registry();
        registry.message(&any.type_url).expect("it is registered").check(&any.value)?;
        ctx.atomic(|ctx| ve_sdk::executor::run_message(ctx, &any)).map(|_| ())
    }
}

#[allow(dead_code, reason = "not every test file needs it")]
pub fn address(index: u8) -> Address {
    Address::from([index; 20])
}

#[allow(dead_code, reason = "not every test file needs it")]
/// `1abc,2uve`.
pub fn coins_of(text: &str) -> Coins {
    Coins::new(text.split(',').map(|coin| coin.parse().expect("a coin")).collect()).expect("sorted")
}
