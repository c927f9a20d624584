//! Version 2 against a directory that has the kernel's files: what is read and written where. That the kernel then holds
//! the limits is shown by the container tests, on the version that the machine has.

use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::*;

/// A mount point of version 2 with one group in it.
fn fixture() -> (TempDir, Cgroup, PathBuf) {
    let root = tempfile::tempdir().expect("a temporary directory");
    fs::write(root.path().join("cgroup.controllers"), "cpuset cpu io memory hugetlb pids rdma\n").expect("written");
    let hierarchy = Hierarchy::v2(root.path().to_owned()).expect("all controllers");
    let group = hierarchy.group("/virtengine/abc/w-0");
    let dir = root.path().join("virtengine/abc/w-0");
    fs::create_dir_all(&dir).expect("made");
    (root, group, dir)
}

#[test]
fn a_hierarchy_that_lacks_a_controller_is_refused_by_its_name() {
    let root = tempfile::tempdir().expect("a temporary directory");
    for (listed, missing) in [("cpu pids", "memory"), ("memory pids", "cpu"), ("cpu memory", "pids"), ("", "cpu")] {
        fs::write(root.path().join("cgroup.controllers"), listed).expect("written");
        let why = Hierarchy::v2(root.path().to_owned()).expect_err("incomplete");
        assert!(why.contains(&format!("the {missing} controller")) && why.contains("Delegate=yes"), "{why}");
    }
    assert!(Hierarchy::v2(root.path().join("absent")).is_err());
}

#[test]
fn groups_are_made_removed_and_found() {
    let (root, group, dir) = fixture();
    let Hierarchy::V2(_) = &group.hierarchy else { panic!("version 2") };
    assert!(group.hierarchy.check_writable().is_ok());
    assert!(group.exists());
    assert!(group.remove() && !dir.exists() && !group.exists());
    assert!(group.remove(), "twice is once");
    let above = group.hierarchy.group("/virtengine/abc");
    above.remove_if_empty();
    assert!(!root.path().join("virtengine/abc").exists());
}

#[test]
fn consumption_is_read_from_the_files_of_version_2() {
    let (_root, group, dir) = fixture();
    assert_eq!(group.usage(), Usage::default(), "nothing is there yet");
    for (file, text) in [
        ("cpu.stat", "usage_usec 1500000\nuser_usec 1000000\nsystem_usec 500000\n"),
        ("memory.current", "67108864\n"),
        ("memory.events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\n"),
        ("pids.current", "7\n"),
    ] {
        fs::write(dir.join(file), text).expect("written");
    }
    let usage = Usage { cpu_ns: 1_500_000_000, memory_bytes: 64 << 20, pids: 7, oom_kills: 2 };
    assert_eq!(group.usage(), usage);
}

#[test]
fn swap_is_limited_where_groups_can_limit_it() {
    let (root, group, dir) = fixture();
    assert!(!group.hierarchy.limits_swap());
    fs::write(dir.join("memory.swap.max"), "max").expect("written");
    assert!(!group.hierarchy.limits_swap(), "children of the root tell, not their children");
    fs::write(root.path().join("virtengine/memory.swap.max"), "max").expect("written");
    assert!(group.hierarchy.limits_swap());
}

#[test]
fn the_kernel_is_told_to_kill_the_whole_group_and_waited_for() {
    let (_root, group, dir) = fixture();
    fs::write(dir.join("cgroup.procs"), "2147483000\n").expect("written");
    let kernel = std::thread::spawn(move || {
        while fs::read_to_string(dir.join("cgroup.kill")).unwrap_or_default() != "1" {
            thread::sleep(Duration::from_millis(5));
        }
        fs::write(dir.join("cgroup.procs"), "").expect("written");
    });
    assert!(group.kill());
    kernel.join().expect("it was told");
}

#[test]
fn without_kill_the_group_is_frozen_and_each_process_killed() {
    let (_root, group, dir) = fixture();
    // Writing fails, as to a file that an older kernel does not have.
    fs::create_dir(dir.join("cgroup.kill")).expect("made");
    let mut child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().expect("sleep");
    fs::write(dir.join("cgroup.procs"), format!("{}\n", child.id())).expect("written");
    let reaped = thread::spawn(move || {
        let status = child.wait().expect("a child");
        fs::write(dir.join("cgroup.procs"), "").expect("written");
        status
    });
    let freezer = group.dir("").join("cgroup.freeze");
    assert!(group.kill());
    let status = reaped.join().expect("no panic");
    assert_eq!(fs::read_to_string(freezer).expect("it was used"), "0", "thawed again");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
}
