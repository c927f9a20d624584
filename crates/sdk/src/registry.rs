//! What the modules registered: message handlers by type URL, query handlers by path, module accounts, hooks.

use std::collections::{BTreeMap, BTreeSet};

use prost::{Message, Name};
use prost_types::Any;
use ve_base::{Address, CodedError, errors};

use crate::context::{Context, QueryContext};
use crate::hooks::Hooks;
use crate::module::{Invariant, Module, Permission};
use crate::signers::SignerFields;

type Check = Box<dyn Fn(&[u8]) -> Result<(), CodedError> + Send + Sync>;
type Execute = Box<dyn Fn(&mut Context<'_>, &[u8]) -> Result<Any, CodedError> + Send + Sync>;
type QueryHandler = Box<dyn Fn(&QueryContext<'_>, &[u8]) -> Result<Vec<u8>, CodedError> + Send + Sync>;
type Inner = Box<dyn Fn(&[u8]) -> Result<Vec<Any>, CodedError> + Send + Sync>;

/// How one message type is handled.
pub struct MessageEntry {
    pub module: &'static str,
    pub signers: SignerFields,
    check: Check,
    execute: Execute,
    inner: Option<Inner>,
}

impl MessageEntry {
    /// Stateless validation of the encoded message.
    pub fn check(&self, bytes: &[u8]) -> Result<(), CodedError> {
        (self.check)(bytes)
    }

    /// Executes the encoded message; the response is packed for `TxMsgData`.
    pub fn execute(&self, ctx: &mut Context<'_>, bytes: &[u8]) -> Result<Any, CodedError> {
        (self.execute)(ctx, bytes)
    }

    /// Messages that this message carries and would execute.
    pub fn inner(&self, bytes: &[u8]) -> Result<Vec<Any>, CodedError> {
        self.inner.as_ref().map_or(Ok(Vec::new()), |inner| inner(bytes))
    }
}

#[derive(Default)]
pub struct Registry {
    messages: BTreeMap<String, MessageEntry>,
    queries: BTreeMap<&'static str, (&'static str, QueryHandler)>,
    accounts: BTreeMap<&'static str, &'static [Permission]>,
    account_names: BTreeMap<Address, &'static str>,
    invariants: Vec<(&'static str, Invariant)>,
    money_critical: BTreeSet<&'static str>,
    versions: BTreeMap<&'static str, u64>,
    hooks: Hooks,
}

impl Registry {
    /// Collects every module's registrations. Fails with a text for the developer on a clash or a bad descriptor.
    pub fn build(modules: &[Box<dyn Module>], hooks: Hooks) -> Result<Self, String> {
        let mut registrar = Registrar { registry: Self { hooks, ..Self::default() }, module: "", problems: Vec::new() };
        for module in modules {
            registrar.module = module.name();
            module.register(&mut registrar);
            registrar.registry.versions.insert(module.name(), module.version());
            if module.money_critical() {
                registrar.registry.money_critical.insert(module.name());
            }
            for (name, permissions) in module.accounts() {
                let registry = &mut registrar.registry;
                if registry.accounts.insert(name, permissions).is_some() {
                    registrar.problems.push(format!("module account {name} is declared twice"));
                }
                registry.account_names.insert(ve_base::module_address(name), name);
            }
            registrar.registry.invariants.extend(module.invariants().into_iter().map(|i| (module.name(), i)));
        }
        if registrar.problems.is_empty() { Ok(registrar.registry) } else { Err(registrar.problems.join("; ")) }
    }

    pub fn message(&self, type_url: &str) -> Option<&MessageEntry> {
        self.messages.get(type_url)
    }

    /// Every module with the version of its state in this release.
    pub fn module_versions(&self) -> &BTreeMap<&'static str, u64> {
        &self.versions
    }

    /// Whether the message replaces parameters of a module that is [`Module::money_critical`].
    pub fn is_money_critical(&self, type_url: &str) -> bool {
        type_url.ends_with(".MsgUpdateParams")
            && self.message(type_url).is_some_and(|entry| self.money_critical.contains(entry.module))
    }

    pub fn message_types(&self) -> impl Iterator<Item = &str> {
        self.messages.keys().map(String::as_str)
    }

    pub fn query_paths(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.queries.keys().copied()
    }

    /// Answers `/{package.Service}/{Method}`; `None` when no module serves the path.
    pub fn query(&self, path: &str, ctx: &QueryContext<'_>, data: &[u8]) -> Option<Result<Vec<u8>, CodedError>> {
        self.queries.get(path).map(|(_, handler)| handler(ctx, data))
    }

    pub fn hooks(&self) -> &Hooks {
        &self.hooks
    }

    pub fn invariants(&self) -> &[(&'static str, Invariant)] {
        &self.invariants
    }

    /// Permissions of the module account `name`, `None` when no module declared it.
    pub fn permissions(&self, name: &str) -> Option<&'static [Permission]> {
        self.accounts.get(name).copied()
    }

    /// Name of the module account with this address.
    pub fn module_account(&self, address: &Address) -> Option<&'static str> {
        self.account_names.get(address).copied()
    }

    pub fn module_accounts(&self) -> impl Iterator<Item = (&'static str, &'static [Permission])> + '_ {
        self.accounts.iter().map(|(name, permissions)| (*name, *permissions))
    }
}

pub struct Registrar {
    registry: Registry,
    module: &'static str,
    problems: Vec<String>,
}

impl Registrar {
    /// Registers a message with its stateless check and its execution.
    pub fn msg<M, R, E1, E2>(
        &mut self,
        check: impl Fn(&M) -> Result<(), E1> + Send + Sync + 'static,
        execute: impl Fn(&mut Context<'_>, &M) -> Result<R, E2> + Send + Sync + 'static,
    ) where
        M: Message + Name + Default,
        R: Message + Name,
        E1: Into<CodedError>,
        E2: Into<CodedError>,
    {
        self.insert::<M>(
            Box::new(move |bytes| check(&decode::<M>(bytes)?).map_err(Into::into)),
            Box::new(move |ctx, bytes| {
                let response = execute(ctx, &decode::<M>(bytes)?).map_err(Into::into)?;
                Ok(Any { type_url: type_url::<R>(), value: response.encode_to_vec() })
            }),
            None,
        );
    }

    /// As [`Registrar::msg`] for a message that carries others: admission treats each of them as if it stood alone.
    pub fn wrapping_msg<M, R, E1, E2>(
        &mut self,
        check: impl Fn(&M) -> Result<(), E1> + Send + Sync + 'static,
        execute: impl Fn(&mut Context<'_>, &M) -> Result<R, E2> + Send + Sync + 'static,
        inner: impl Fn(&M) -> Vec<Any> + Send + Sync + 'static,
    ) where
        M: Message + Name + Default,
        R: Message + Name,
        E1: Into<CodedError>,
        E2: Into<CodedError>,
    {
        self.insert::<M>(
            Box::new(move |bytes| check(&decode::<M>(bytes)?).map_err(Into::into)),
            Box::new(move |ctx, bytes| {
                let response = execute(ctx, &decode::<M>(bytes)?).map_err(Into::into)?;
                Ok(Any { type_url: type_url::<R>(), value: response.encode_to_vec() })
            }),
            Some(Box::new(move |bytes| Ok(inner(&decode::<M>(bytes)?)))),
        );
    }

    /// Registers a query under its gRPC path.
    pub fn query<Q, R, E>(
        &mut self,
        path: &'static str,
        handler: impl Fn(&QueryContext<'_>, &Q) -> Result<R, E> + Send + Sync + 'static,
    ) where
        Q: Message + Default,
        R: Message,
        E: Into<CodedError>,
    {
        let wrapped: QueryHandler = Box::new(move |ctx, bytes| {
            handler(ctx, &decode::<Q>(bytes)?).map(|response| response.encode_to_vec()).map_err(Into::into)
        });
        if self.registry.queries.insert(path, (self.module, wrapped)).is_some() {
            self.problems.push(format!("query {path} is registered twice"));
        }
    }

    fn insert<M: Name>(&mut self, check: Check, execute: Execute, inner: Option<Inner>) {
        let url = type_url::<M>();
        let signers = match ve_proto::descriptors().get_message_by_name(&M::full_name()) {
            Some(descriptor) => SignerFields::from_descriptor(&descriptor),
            None => Err(format!("{url} has no descriptor")),
        };
        match signers {
            Ok(signers) => {
                let entry = MessageEntry { module: self.module, signers, check, execute, inner };
                if self.registry.messages.insert(url.clone(), entry).is_some() {
                    self.problems.push(format!("message {url} is registered twice"));
                }
            }
            Err(problem) => self.problems.push(problem),
        }
    }
}

/// `/package.Name`, the form of Cosmos transactions.
pub fn type_url<M: Name>() -> String {
    format!("/{}", M::full_name())
}

fn decode<M: Message + Default>(bytes: &[u8]) -> Result<M, CodedError> {
    M::decode(bytes)
        .map_err(|_| errors::sdk::Error::TxDecode(format!("bytes are not a {}", std::any::type_name::<M>())).into())
}
