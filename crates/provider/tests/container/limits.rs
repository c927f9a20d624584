//! Limits hold when a tenant tries to exceed them.

use std::time::Duration;

use ve_provider::backend::{BackendError, ErrorClass, Inventory, Meter, Place};

use super::Test;
use super::world::{MIB, Site, World, check, value};

pub const TESTS: &[(&str, Test)] = &[
    ("exceeding_the_memory_limit_is_killed_and_reported", memory),
    ("the_cpu_quota_holds", cpu),
    ("a_fork_bomb_is_stopped_by_the_process_limit", fork_bomb),
    ("writable_space_ends_at_its_size", storage),
    ("more_than_the_capacity_is_refused", capacity),
];

fn memory(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let (status, lines) = site.run(&site.spec(&["alloc", "512"]))?;
    let exit = status.last_exit.ok_or("no exit")?;
    check(exit.oom_killed, format!("not reported as out of memory: {exit:?}"))?;
    check(exit.code == 137 && exit.signal == Some(9), format!("{exit:?}"))?;
    let allocated = lines.iter().filter(|l| l.text.starts_with("allocated=")).count();
    // 64 MiB less what the program itself needs.
    check((48..=64).contains(&allocated), format!("got {allocated} of 64 MiB"))
}

fn cpu(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let mut spec = site.spec(&["spin", "4", "4"]);
    spec.resources.cpu_mcore = 300;
    let id = site.provision("cpu", &spec)?;
    let used = || {
        let counters = site.runtime.block_on(site.backend.counters(&id));
        counters.map(|c| c.cpu_mcore_s).map_err(|e| e.to_string())
    };
    std::thread::sleep(Duration::from_millis(500));
    let (before, began) = (used()?, std::time::Instant::now());
    std::thread::sleep(Duration::from_secs(3));
    let (after, seconds) = (used()?, began.elapsed().as_secs_f64());
    let rate = (after - before) as f64 / seconds;
    println!("cpu: quota 300 mcore, four spinning threads used {rate:.0} mcore");
    site.terminate(&id)?;
    // Sampled five times a second, so up to two samples of error over three seconds.
    check(rate < 300.0 * 1.2, format!("{rate:.0} mcore with a quota of 300"))?;
    check(rate > 100.0, format!("only {rate:.0} mcore metered with a quota of 300"))
}

fn fork_bomb(world: &World) -> Result<(), String> {
    let site = Site::with(world, |c| c.pids_limit = 50);
    let id = site.provision("bomb", &site.spec(&["forkbomb"]))?;
    for _ in 0..200 {
        if site.logs(&id)?.iter().any(|l| l.text == "READY") {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let lines = site.logs(&id)?;
    let forks: u32 = value(&lines, "forks")?.parse().map_err(|_| "no number")?;
    check((1..50).contains(&forks), format!("{forks} forks under a limit of 50"))?;
    site.terminate(&id)?;
    check(site.traces().is_empty(), format!("left: {:?}", site.traces()))
}

fn storage(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let (_, lines) = site.run(&site.spec(&["fill", "100"]))?;
    let filled: u64 = value(&lines, "filled")?.parse().map_err(|_| "no number")?;
    check((6..=8).contains(&filled), format!("wrote {filled} MiB into 8"))?;
    let mut none = site.spec(&["inspect"]);
    none.resources.storage_bytes = 0;
    let (_, lines) = site.run(&none)?;
    check(value(&lines, "write /tmp/x")? == "false", "wrote without storage")
}

fn capacity(world: &World) -> Result<(), String> {
    let site = Site::with(world, |c| {
        c.capacity =
            Some(ve_provider::backend::Resources { cpu_mcore: 1000, memory_bytes: 128 * MIB, storage_bytes: 64 * MIB });
    });
    let first = site.provision("1", &site.spec(&["sleep", "600"]))?;
    let second = site.provision("2", &site.spec(&["sleep", "600"]))?;
    let spec = site.spec(&["sleep", "600"]);
    let third = site.runtime.block_on(site.backend.provision("3", &spec));
    let quota = |r: Result<_, BackendError>| matches!(r, Err(e) if e.class == ErrorClass::Quota);
    check(quota(third), "a third one fitted into the room of two")?;
    site.terminate(&first)?;
    let third = site.provision("3", &site.spec(&["sleep", "600"]))?;
    let now = site.runtime.block_on(site.backend.inventory());
    let free = now.map_err(|e| e.to_string())?.free();
    check(free.cpu_mcore == 0 && free.memory_bytes == 0, format!("{free:?}"))?;
    site.terminate(&second)?;
    site.terminate(&third)
}
