//! What a tenant cannot see or do.

use std::net::TcpListener;

use super::Test;
use super::world::{Site, World, check, value};

pub const TESTS: &[(&str, Test)] = &[
    ("a_tenant_has_no_capabilities_no_new_privileges_and_a_filter", powers),
    ("a_tenant_is_nobody_on_the_host", user_namespace),
    ("a_tenant_cannot_write_the_root_or_kernel_files", writes),
    ("a_tenant_sees_neither_processes_nor_network_of_the_host", views),
    ("dangerous_system_calls_are_refused", system_calls),
    ("a_tenant_cannot_reach_the_host_or_the_outside", egress),
    ("the_daemons_environment_does_not_reach_a_tenant", environment),
    ("a_tenant_runs_as_the_images_user", image_user),
];

fn powers(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let (_, lines) = site.run(&site.spec(&["inspect"]))?;
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        check(value(&lines, set)? == "0000000000000000", format!("{set} is not empty"))?;
    }
    check(value(&lines, "NoNewPrivs")? == "1", "no_new_privs is off")?;
    check(value(&lines, "Seccomp")? == "2", "no filter is installed")
}

fn user_namespace(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let (_, lines) = site.run(&site.spec(&["inspect"]))?;
    let map = value(&lines, "uid_map")?;
    let wanted = format!("0,{},65536", site.config.ids.base);
    check(map == wanted, format!("uid map {map} instead of {wanted}"))
}

fn writes(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let (_, lines) = site.run(&site.spec(&["inspect"]))?;
    for path in ["/x", "/etc/x", "/usr/x", "/proc/sys/kernel/hostname", "/sys/kernel/x"] {
        check(value(&lines, &format!("write {path}"))? == "false", format!("wrote {path}"))?;
    }
    check(value(&lines, "write /proc/sysrq-trigger")? == "false", "wrote sysrq-trigger")?;
    for path in ["/tmp/x", "/var/tmp/x", "/run/x", "/dev/shm/x"] {
        check(value(&lines, &format!("write {path}"))? == "true", format!("cannot write {path}"))?;
    }
    check(value(&lines, "kcore")? == "0", "kernel memory is readable")
}

fn views(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let (_, lines) = site.run(&site.spec(&["inspect"]))?;
    check(value(&lines, "pids")? == "1", format!("sees {}", value(&lines, "pids")?))?;
    check(value(&lines, "interfaces")? == "lo", format!("sees {}", value(&lines, "interfaces")?))?;
    check(value(&lines, "hostname")? == "web-0", "sees another host name")?;
    check(value(&lines, "hostroot")? == "false", "sees files of the host")
}

fn system_calls(world: &World) -> Result<(), String> {
    if cfg!(not(target_arch = "x86_64")) {
        println!("skipped: the numbers in the probe are those of x86-64");
        return Ok(());
    }
    let site = Site::new(world);
    let (_, lines) = site.run(&site.spec(&["inspect"]))?;
    let calls = [
        "mount",
        "umount2",
        "ptrace",
        "keyctl",
        "add_key",
        "unshare",
        "setns",
        "bpf",
        "io_uring_setup",
        "clone_newuser",
        "socket_vsock",
    ];
    for call in calls {
        let result = value(&lines, &format!("syscall {call}"))?;
        check(result == "-1", format!("{call} gives {result} instead of EPERM"))?;
    }
    Ok(())
}

fn egress(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let host = listener.local_addr().map_err(|e| e.to_string())?.to_string();
    let (_, lines) = site.run(&site.spec(&["connect", &host]))?;
    check(value(&lines, "connect")? == "false", "reached a port of the host")?;
    // An address of this machine other than loopback: a network of its own has none.
    let (_, lines) = site.run(&site.spec(&["connect", "127.0.0.53:53"]))?;
    check(value(&lines, "connect")? == "false", "reached a resolver")
}

fn environment(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let mut spec = site.spec(&["inspect"]);
    spec.env.insert("GREETING".into(), "hello".into());
    let (_, lines) = site.run(&spec)?;
    let mut names: Vec<&str> = value(&lines, "env")?.split(',').collect();
    names.sort_unstable();
    check(names == ["GREETING", "HOME", "HOSTNAME", "PATH"], format!("the environment has {names:?}"))
}

fn image_user(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let mut spec = site.spec(&["inspect"]);
    spec.image = "localhost/probe-app:1".into();
    let (_, lines) = site.run(&spec)?;
    let ids = (value(&lines, "Uid")?, value(&lines, "Gid")?);
    check(ids == ("1000", "1001"), format!("runs as {ids:?}"))
}
