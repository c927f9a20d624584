//! The container backend against the kernel of this machine. Needs root and
//! namespaces; where they are missing each test says `skipped: reason`.
//!
//! Own harness: the test executable is also the keeper and the daemon that gets
//! killed, both of which must start single-threaded.

mod adoption;
mod images;
mod isolation;
mod lifecycle;
mod limits;
mod registry;
mod world;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use ve_provider::backend::container::{SHIM_COMMAND, shim_main};

type Test = fn(&world::World) -> Result<(), String>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some(SHIM_COMMAND) => return shim_main(&args[1..]),
        Some(adoption::DAEMON) => return adoption::daemon(&args[1..]),
        _ => {}
    }
    let arguments = Arguments::from_args();
    let groups: [&[(&str, Test)]; 6] =
        [isolation::TESTS, limits::TESTS, lifecycle::TESTS, adoption::TESTS, images::TESTS, registry::TESTS];
    let trials = groups
        .iter()
        .flat_map(|g| g.iter())
        .map(|(name, test)| {
            let (name, test) = (*name, *test);
            Trial::test(name, move || run(name, test))
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn run(name: &str, test: Test) -> Result<(), Failed> {
    match world::world() {
        Ok(world) => test(world).map_err(Failed::from),
        // A machine that cannot isolate must refuse, and it just did.
        Err(reason) => {
            println!("skipped: {name}: {reason}");
            Ok(())
        }
    }
}
