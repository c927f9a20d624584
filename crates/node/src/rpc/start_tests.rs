use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
};

use super::{
    start::{Listen, StartError, start},
    test_node,
};

fn any_port() -> Option<SocketAddr> {
    Some(SocketAddr::from(([127, 0, 0, 1], 0)))
}

async fn fetch(address: Option<SocketAddr>, path: &str) -> String {
    let mut stream = TcpStream::connect(address.expect("bound")).await.expect("connects");
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("reads");
    text
}

#[tokio::test]
async fn all_ports_answer_and_stop_together() {
    let (_dir, _node, backend, _services) = test_node::start();
    let (stop, stopped) = watch::channel(false);
    let listen = Listen { comet: any_port(), grpc: any_port(), rest: any_port() };
    let running = start(backend, &listen, &stopped).await.expect("starts");
    assert!(fetch(running.bound.comet, "/health").await.contains("\"result\":{}"));
    assert!(fetch(running.bound.rest, "/openapi.json").await.contains("VirtEngine REST API"));
    assert!(fetch(running.bound.grpc, "/").await.starts_with("HTTP/1.1 "));
    stop.send(true).expect("somebody listens");
    tokio::time::timeout(Duration::from_secs(10), running.stopped()).await.expect("stops in time");
}

#[tokio::test]
async fn a_taken_port_is_named_and_an_absent_interface_is_left_out() {
    let (_dir, _node, backend, _services) = test_node::start();
    let (_stop, stopped) = watch::channel(false);
    let only = Listen { comet: any_port(), grpc: None, rest: None };
    let running = start(backend.clone(), &only, &stopped).await.expect("starts");
    assert!(running.bound.grpc.is_none() && running.bound.rest.is_none());
    let taken = Listen { comet: None, grpc: None, rest: running.bound.comet };
    let refused = start(backend, &taken, &stopped).await.map(|_| ()).expect_err("the port is taken");
    assert!(matches!(refused, StartError::Listen { interface: "REST", .. }), "{refused}");
}
