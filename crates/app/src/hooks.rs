//! Which module answers the hooks of which lower module.

use ve_sdk::hooks::Hooks;

pub fn hooks() -> Hooks {
    Hooks::default()
}
