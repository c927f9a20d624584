use std::time::Duration;

use futures::{SinkExt, StreamExt};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use ve_client::gateway::frame::{ExitStatus, Frame};
use ve_client::gateway::{GatewayError, LeaseRef, Shell};

use super::world::{LEASE, Running, address};
use crate::gateway::Limits;

const PROMPT: Duration = Duration::from_secs(5);

async fn next(shell: &mut Shell) -> Result<Option<Frame>, GatewayError> {
    timeout(PROMPT, shell.next()).await.expect("something within 5 s")
}

fn ended(end: Result<Option<Frame>, GatewayError>, expected: u16) {
    assert!(matches!(end, Err(GatewayError::Closed { code, .. }) if code == expected), "{end:?}");
}

fn sh() -> Vec<String> {
    vec!["sh".to_owned(), "-c".to_owned(), "a b&c".to_owned()]
}

#[tokio::test]
async fn a_followed_log_shows_old_lines_and_new_ones() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let client = running.client(&identity);
    let mut log = client.logs(&LEASE, Some("web"), true, Some(1)).await.expect("log");
    let first = log.next().await.expect("stream").expect("line");
    assert_eq!((first.name.as_str(), first.message.as_str()), ("web-0", "old 2"));
    for text in ["new 1", "new 2"] {
        running.world.write_line(text).await;
        let line = timeout(PROMPT, log.next()).await.expect("soon");
        assert_eq!(line.expect("stream").expect("line").message, text);
    }
}

#[tokio::test]
async fn a_log_that_is_not_followed_ends() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let mut log = running.client(&identity).logs(&LEASE, None, false, None).await.expect("log");
    let mut lines = Vec::new();
    while let Some(line) = log.next().await.expect("stream") {
        lines.push(line.message);
    }
    assert_eq!(lines, ["old 1", "old 2"]);
}

#[tokio::test]
async fn lifecycle_events_stream_as_json() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let mut socket = running.socket(&identity, "/lease/7/1/1/kubeevents?follow=false").await;
    loop {
        match timeout(PROMPT, socket.next()).await.expect("soon").expect("open").expect("sound") {
            Message::Text(text) => {
                let event: serde_json::Value = serde_json::from_str(&text).expect("JSON");
                break assert_eq!(event["event"], "started");
            }
            other => assert!(other.is_ping(), "{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_text_message_and_a_message_over_64_kib_end_a_shell() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    for message in [Message::text("ls"), Message::binary(vec![104; 64 * 1024 + 1])] {
        let path = "/lease/7/1/1/shell?service=web&stdin=1&cmd0=sh";
        let mut socket = running.socket(&identity, path).await;
        // A message over the limit may fail already while it is being sent.
        let _ = socket.send(message).await;
        let ended = async {
            while let Some(Ok(message)) = socket.next().await {
                if message.is_close() {
                    return;
                }
            }
        };
        timeout(PROMPT, ended).await.expect("ends");
    }
}

#[tokio::test]
async fn streams_without_a_lease_or_service_close_with_their_code() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let client = running.client(&identity);
    let none = LeaseRef { dseq: 8, ..LEASE };
    let mut log = client.logs(&none, None, true, None).await.expect("upgrade");
    let closed = log.next().await;
    assert!(matches!(closed, Err(GatewayError::Closed { code: 4001, .. })), "{closed:?}");
    let mut shell = client.shell(&none, "web", 0, false, &sh()).await.expect("upgrade");
    let closed = next(&mut shell).await;
    assert!(matches!(closed, Err(GatewayError::Closed { code: 4001, .. })), "{closed:?}");
    let mut shell = client.shell(&LEASE, "db", 0, false, &sh()).await.expect("upgrade");
    let closed = next(&mut shell).await;
    assert!(matches!(closed, Err(GatewayError::Closed { code: 4002, .. })), "{closed:?}");
}

#[tokio::test]
async fn a_shell_without_a_command_or_service_is_not_opened() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let client = running.client(&identity);
    for (service, command) in [("web", vec![]), ("../x", sh()), ("web", vec!["a\0".to_owned()])] {
        let refused = client.shell(&LEASE, service, 0, false, &command).await.err();
        assert!(
            matches!(refused, Some(GatewayError::Refused { status: 400, .. })),
            "{service} {command:?} {refused:?}"
        );
    }
}

#[tokio::test]
async fn shell_frames_round_trip_and_end_with_the_exit_code() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let mut shell = running.client(&identity).shell(&LEASE, "web", 0, false, &sh()).await.expect("shell");
    assert_eq!(next(&mut shell).await.expect("frame"), Some(Frame::Stdout(b"sh -c a b&c".into())));
    let binary: Vec<u8> = (0..=255).collect();
    shell.send(&Frame::Stdin(binary.clone())).await.expect("sent");
    assert_eq!(next(&mut shell).await.expect("frame"), Some(Frame::Stdout(binary)));
    shell.send(&Frame::Resize { columns: 132, rows: 43 }).await.expect("sent");
    assert_eq!(next(&mut shell).await.expect("frame"), Some(Frame::Stderr(b"132x43".into())));
    shell.send(&Frame::Stdin(Vec::new())).await.expect("sent");
    let result = Frame::Result(ExitStatus { exit_code: 7 });
    assert_eq!(next(&mut shell).await.expect("frame"), Some(result));
    assert_eq!(next(&mut shell).await.expect("end"), None);
}

#[tokio::test]
async fn much_input_and_its_echo_pass_at_the_same_time() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let mut shell = running.client(&identity).shell(&LEASE, "web", 0, false, &sh()).await.expect("shell");
    next(&mut shell).await.expect("frame");
    for _ in 0..64 {
        shell.send(&Frame::Stdin(vec![b'x'; 32 * 1024])).await.expect("sent");
    }
    let mut echoed = 0;
    while echoed < 64 * 32 * 1024 {
        let Some(Frame::Stdout(bytes)) = next(&mut shell).await.expect("frame") else { panic!("output only") };
        echoed += bytes.len();
    }
}

#[tokio::test]
async fn a_frame_that_only_the_provider_may_send_ends_the_shell() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let mut shell = running.client(&identity).shell(&LEASE, "web", 0, false, &sh()).await.expect("shell");
    next(&mut shell).await.expect("frame");
    shell.send(&Frame::Stdout(b"x".to_vec())).await.expect("sent");
    ended(next(&mut shell).await, 1003);
}

#[tokio::test]
async fn a_sixth_shell_of_a_lease_is_refused_until_one_ends() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let client = running.client(&identity);
    let mut shells = Vec::new();
    for _ in 0..5 {
        let mut shell = client.shell(&LEASE, "web", 0, true, &sh()).await.expect("shell");
        next(&mut shell).await.expect("frame");
        shells.push(shell);
    }
    let mut sixth = client.shell(&LEASE, "web", 0, true, &sh()).await.expect("upgrade");
    let closed = next(&mut sixth).await;
    assert!(matches!(closed, Err(GatewayError::Closed { code: 4002, .. })), "{closed:?}");
    drop(shells.pop());
    let reopened = async {
        loop {
            let mut shell = client.shell(&LEASE, "web", 0, true, &sh()).await.expect("upgrade");
            if next(&mut shell).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PROMPT, reopened).await.expect("the slot comes back");
}

#[tokio::test]
async fn an_idle_shell_is_closed() {
    let limits = Limits { idle: Duration::from_millis(200), ..Limits::default() };
    let (running, identity) = Running::with_customer(limits).await;
    let mut shell = running.client(&identity).shell(&LEASE, "web", 0, true, &sh()).await.expect("shell");
    next(&mut shell).await.expect("frame");
    ended(next(&mut shell).await, 1008);
}

#[tokio::test]
async fn no_shell_outlasts_the_longest_session() {
    let limits = Limits { session: Duration::from_millis(200), ..Limits::default() };
    let (running, identity) = Running::with_customer(limits).await;
    let mut shell = running.client(&identity).shell(&LEASE, "web", 0, true, &sh()).await.expect("shell");
    next(&mut shell).await.expect("frame");
    ended(next(&mut shell).await, 1008);
}

#[tokio::test]
async fn open_sessions_end_when_the_certificate_is_revoked_or_the_lease_closed() {
    let limits = Limits { recheck: Duration::from_millis(50), ..Limits::default() };
    let (running, identity) = Running::with_customer(limits).await;
    let client = running.client(&identity);
    let mut shell = client.shell(&LEASE, "web", 0, true, &sh()).await.expect("shell");
    next(&mut shell).await.expect("frame");
    running.world.end_lease(&address(1));
    let closed = next(&mut shell).await;
    assert!(matches!(closed, Err(GatewayError::Closed { code: 4001, .. })), "{closed:?}");

    running.world.lend(&address(1));
    let mut log = client.logs(&LEASE, None, true, Some(0)).await.expect("log");
    running.world.revoke(&identity);
    let closed = timeout(PROMPT, log.next()).await.expect("soon");
    assert!(matches!(closed, Err(GatewayError::Closed { code: 4001, .. })), "{closed:?}");
}

#[tokio::test]
async fn stopping_the_gateway_ends_sessions_and_connections() {
    let (mut running, identity) = Running::with_customer(Limits::default()).await;
    let client = running.client(&identity);
    let mut shell = client.shell(&LEASE, "web", 0, true, &sh()).await.expect("shell");
    next(&mut shell).await.expect("frame");
    running.stop.take().expect("running").send(()).expect("listens");
    ended(next(&mut shell).await, 1001);
    timeout(PROMPT, &mut running.task).await.expect("stops").expect("no panic");
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_dropped() {
    let limits = Limits { handshake: Duration::from_millis(200), ..Limits::default() };
    let running = Running::start(limits).await;
    let mut silent = TcpStream::connect(running.at).await.expect("connects");
    let read = timeout(PROMPT, silent.read(&mut [0; 1])).await.expect("dropped");
    assert!(matches!(read, Ok(0) | Err(_)));
}

#[tokio::test]
async fn connections_beyond_the_limit_of_an_address_are_dropped() {
    let limits = Limits { connections_per_address: 2, ..Limits::default() };
    let running = Running::start(limits).await;
    let held = [TcpStream::connect(running.at).await, TcpStream::connect(running.at).await];
    let mut third = TcpStream::connect(running.at).await.expect("connects");
    let read = timeout(PROMPT, third.read(&mut [0; 1])).await.expect("dropped");
    assert!(matches!(read, Ok(0) | Err(_)));
    drop(held);
}
