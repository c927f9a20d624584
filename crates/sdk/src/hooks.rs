//! Calls upward. A lower module owns a trait; `app` registers the implementations of higher modules here, in a fixed
//! order; the lower module calls each of them through the context.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Default)]
pub struct Hooks {
    by_trait: BTreeMap<TypeId, Box<dyn Any + Send + Sync>>,
}

impl Hooks {
    /// Appends an implementation of the hook trait `T` (a `dyn Trait`).
    pub fn add<T: ?Sized + Send + Sync + 'static>(&mut self, implementation: Arc<T>) {
        let slot = self.by_trait.entry(TypeId::of::<T>()).or_insert_with(|| Box::new(Vec::<Arc<T>>::new()));
        if let Some(list) = slot.downcast_mut::<Vec<Arc<T>>>() {
            list.push(implementation);
        }
    }

    /// As [`Hooks::add`], in the place of all implementations of `T` before.
    pub fn replace<T: ?Sized + Send + Sync + 'static>(&mut self, implementation: Arc<T>) {
        self.by_trait.remove(&TypeId::of::<T>());
        self.add(implementation);
    }

    /// All implementations of `T` in the order of registration; empty when nobody registered.
    pub fn all<T: ?Sized + Send + Sync + 'static>(&self) -> &[Arc<T>] {
        self.by_trait
            .get(&TypeId::of::<T>())
            .and_then(|slot| slot.downcast_ref::<Vec<Arc<T>>>())
            .map_or(&[], Vec::as_slice)
    }
}
