//! A tenant that tries things. Compiled statically by the tests and put into an
//! image; everything it prints is `name=result`.

use std::ffi::{c_int, c_long};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

unsafe extern "C" {
    fn fork() -> c_int;
    fn pause() -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
    fn isatty(fd: c_int) -> c_int;
    fn ioctl(fd: c_int, request: u64, ...) -> c_int;
}

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let number = |i: usize| args.get(i).and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    match args.first().map(String::as_str) {
        Some("serve") => serve(number(1) as u16),
        Some("sleep") => {
            println!("READY");
            thread::sleep(Duration::from_secs(number(1)));
        }
        Some("say") => say(number(1), number(2) as i32),
        Some("alloc") => alloc(number(1)),
        Some("spin") => spin(number(1), number(2)),
        Some("forkbomb") => forkbomb(),
        Some("inspect") => inspect(),
        Some("fill") => fill(number(1)),
        Some("remember") => remember(),
        Some("hole") => {
            fs::File::create("/tmp/hole").unwrap().set_len(number(1) << 20).unwrap();
            fs::write("/tmp/small", "x").unwrap();
            println!("READY");
            thread::sleep(Duration::from_secs(3600));
        }
        Some("connect") => {
            let address: SocketAddr = args[1].parse().unwrap();
            println!("connect={}", TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok());
        }
        Some("conformance") => {
            println!("conformance");
            process::exit(7);
        }
        Some("cat") => {
            std::io::copy(&mut std::io::stdin(), &mut std::io::stdout()).unwrap();
        }
        Some("tty") => tty(),
        other => {
            println!("unknown={other:?}");
            process::exit(2);
        }
    }
}

fn serve(port: u16) {
    let listener = TcpListener::bind(("0.0.0.0", port)).unwrap();
    println!("READY");
    for stream in listener.incoming().flatten() {
        thread::spawn(move || {
            let mut stream = stream;
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let body = env::var("REVISION").unwrap_or_else(|_| "1".into());
            let _ =
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
        });
    }
}

fn say(lines: u64, code: i32) {
    for i in 0..lines {
        println!("out {i}");
        eprintln!("err {i}");
    }
    print!("no newline");
    std::io::stdout().flush().unwrap();
    process::exit(code);
}

fn alloc(mib: u64) {
    let mut held = Vec::new();
    for i in 0..mib {
        held.push(vec![i as u8 | 1; 1 << 20]);
        println!("allocated={}", i + 1);
    }
    println!("survived={}", held.len());
}

fn spin(threads: u64, seconds: u64) {
    let until = Instant::now() + Duration::from_secs(seconds);
    let spinning: Vec<_> =
        (0..threads.max(1)).map(|_| thread::spawn(move || while Instant::now() < until {})).collect();
    for thread in spinning {
        thread.join().unwrap();
    }
    println!("spun");
    thread::sleep(Duration::from_secs(3600));
}

fn forkbomb() {
    let mut made = 0;
    loop {
        match unsafe { fork() } {
            0 => loop {
                unsafe { pause() };
            },
            -1 => break,
            _ => made += 1,
        }
    }
    println!("forks={made}");
    println!("READY");
    thread::sleep(Duration::from_secs(3600));
}

fn inspect() {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    for line in status.lines() {
        let wanted = ["Cap", "NoNewPrivs", "Seccomp:", "Uid", "Gid"];
        if wanted.iter().any(|w| line.starts_with(w)) {
            let (name, value) = line.split_once(':').unwrap();
            println!("{name}={}", value.split_whitespace().next().unwrap_or(""));
        }
    }
    println!(
        "uid_map={}",
        fs::read_to_string("/proc/self/uid_map").unwrap().split_whitespace().collect::<Vec<_>>().join(",")
    );
    for path in ["/x", "/etc/x", "/usr/x", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/sys/kernel/x"] {
        println!("write {path}={}", fs::write(path, "x").is_ok());
    }
    for path in ["/tmp/x", "/var/tmp/x", "/run/x", "/dev/shm/x", "/data/x"] {
        println!("write {path}={}", fs::write(path, "x").is_ok());
    }
    println!("kcore={}", fs::read("/proc/kcore").map(|b| b.len()).unwrap_or(0));
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let pids: Vec<String> =
        pids.map(|e| e.file_name().into_string().unwrap()).filter(|n| n.bytes().all(|b| b.is_ascii_digit())).collect();
    println!("pids={}", pids.join(","));
    let devices = fs::read_to_string("/proc/net/dev").unwrap();
    let devices: Vec<_> = devices.lines().filter_map(|l| l.split_once(':')).map(|(n, _)| n.trim()).collect();
    println!("interfaces={}", devices.join(","));
    println!("hostname={}", fs::read_to_string("/proc/sys/kernel/hostname").unwrap().trim());
    println!("mounts={}", fs::read_to_string("/proc/self/mounts").unwrap().lines().count());
    println!("hostroot={}", fs::metadata("/root/.cargo").is_ok() || fs::metadata("/mnt/rootfs").is_ok());
    println!("env={}", env::vars().map(|(k, _)| k).collect::<Vec<_>>().join(","));
    // x86-64 numbers; the tests run this part there only.
    let calls: [(&str, c_long, [c_long; 3]); 11] = [
        ("mount", 165, [0, 0, 0]),
        ("umount2", 166, [0, 0, 0]),
        ("ptrace", 101, [0, 0, 0]),
        ("keyctl", 250, [0, 0, 0]),
        ("add_key", 248, [0, 0, 0]),
        ("unshare", 272, [0x1000_0000, 0, 0]),
        ("setns", 308, [0, 0, 0]),
        ("bpf", 321, [0, 0, 0]),
        ("io_uring_setup", 425, [1, 0, 0]),
        ("clone_newuser", 56, [0x1000_0011, 0, 0]),
        ("socket_vsock", 41, [40, 1, 0]),
    ];
    for (name, number, [a, b, c]) in calls {
        let result = unsafe { syscall(number, a, b, c) };
        let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(0);
        println!("syscall {name}={}", if result < 0 { -errno } else { result as i32 });
    }
}

fn fill(mib: u64) {
    let mut file = fs::File::create("/tmp/fill").unwrap();
    let block = vec![7; 1 << 20];
    let mut written = 0;
    while written < mib && file.write_all(&block).is_ok() {
        written += 1;
    }
    println!("filled={written}");
}

/// Says what earlier runs left, then leaves something of every kind.
fn remember() {
    let found = fs::read_to_string("/tmp/kept/file").unwrap_or_default();
    println!("found={}", found.len());
    println!("linked={}", fs::read_to_string("/tmp/kept/second").unwrap_or_default().len());
    println!("pointed={}", fs::read_to_string("/var/tmp/pointer").unwrap_or_default().len());
    println!("outside={}", fs::read_link("/tmp/outside").is_ok());
    let mode = fs::metadata("/tmp/kept").map(|facts| std::os::unix::fs::PermissionsExt::mode(&facts.permissions()));
    println!("mode={:o}", mode.unwrap_or(0) & 0o7777);
    fs::create_dir_all("/tmp/kept").unwrap();
    fs::set_permissions("/tmp/kept", std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    fs::write("/tmp/kept/file", format!("{found}x")).unwrap();
    let _ = fs::hard_link("/tmp/kept/file", "/tmp/kept/second");
    let _ = std::os::unix::fs::symlink("/tmp/kept/file", "/var/tmp/pointer");
    let _ = std::os::unix::fs::symlink("/../../etc/shadow", "/tmp/outside");
    let _ = fs::remove_file("/tmp/socket");
    let _socket = std::os::unix::net::UnixListener::bind("/tmp/socket").unwrap();
    println!("READY");
    thread::sleep(Duration::from_secs(3600));
}

fn tty() {
    let mut size = [0u16; 4];
    unsafe { ioctl(0, 0x5413, size.as_mut_ptr()) };
    println!("tty={} rows={} cols={}", unsafe { isatty(1) }, size[0], size[1]);
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    unsafe { ioctl(0, 0x5413, size.as_mut_ptr()) };
    println!("line={} rows={} cols={}", line.trim(), size[0], size[1]);
}
