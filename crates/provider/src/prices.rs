//! The price list in force: that of the configuration file, read again when the file changes.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::config::{Pricing, ProviderConfig};

pub struct Prices {
    file: Option<PathBuf>,
    state: Mutex<State>,
}

struct State {
    pricing: Arc<Pricing>,
    read: Option<SystemTime>,
}

impl Prices {
    /// Prices that stay as they are.
    pub fn fixed(pricing: Pricing) -> Self {
        Self { file: None, state: Mutex::new(State { pricing: Arc::new(pricing), read: None }) }
    }

    /// Those of `provider.toml` at `file`; `pricing` is what was read from it at the start.
    pub fn watched(file: PathBuf, pricing: Pricing) -> Self {
        let read = modified(&file);
        Self { file: Some(file), state: Mutex::new(State { pricing: Arc::new(pricing), read }) }
    }

    /// The prices, and whether they changed since the last call. A file that cannot be read or is refused leaves the
    /// old prices in force.
    pub fn current(&self) -> (Arc<Pricing>, bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(file) = &self.file else { return (state.pricing.clone(), false) };
        let now = modified(file);
        if now.is_none() || now == state.read {
            return (state.pricing.clone(), false);
        }
        state.read = now;
        match ProviderConfig::load(file) {
            Ok(config) if config.pricing == *state.pricing => (state.pricing.clone(), false),
            Ok(config) => {
                tracing::info!(file = %file.display(), "new prices are in force");
                state.pricing = Arc::new(config.pricing);
                (state.pricing.clone(), true)
            }
            Err(error) => {
                tracing::error!(%error, "the old prices stay in force");
                (state.pricing.clone(), false)
            }
        }
    }
}

fn modified(file: &std::path::Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_changes_the_price_and_a_broken_one_does_not() {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("provider.toml");
        let mut config = ProviderConfig::new("ve-test-1", vec!["http://127.0.0.1:9".into()]);
        // Clocks of file systems are coarse: each version gets a time of its own.
        let write = |config: Option<&ProviderConfig>, second: u64| {
            match config {
                Some(config) => config.save(&file).expect("written"),
                None => std::fs::write(&file, "pricing = 7").expect("written"),
            }
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(second);
            std::fs::File::options().write(true).open(&file).expect("there").set_modified(time).expect("a time");
        };
        write(Some(&config), 1);
        let prices = Prices::watched(file.clone(), config.pricing.clone());
        assert!(!prices.current().1);
        config.pricing.per_cpu = "20".into();
        write(Some(&config), 2);
        let (pricing, changed) = prices.current();
        assert_eq!((pricing.per_cpu.as_str(), changed), ("20", true));
        assert!(!prices.current().1, "told once");
        write(None, 3);
        assert_eq!(prices.current().0.per_cpu, "20");
    }
}
