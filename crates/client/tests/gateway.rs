//! The gateway client against a TLS server that asks for the customer's certificate.

use std::sync::Arc;

use futures::{SinkExt as _, StreamExt as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use ve_base::keys::hd;
use ve_client::cert::{Identity, MAX_VALIDITY, Role};
use ve_client::gateway::frame::{ExitStatus, Frame};
use ve_client::gateway::{GatewayClient, GatewayError, LeaseRef};

const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
const LEASE: LeaseRef = LeaseRef { dseq: 7, gseq: 1, oseq: 1 };

fn identity(index: u32, role: &Role) -> Identity {
    let owner = hd::derive(WORDS, 0, index).unwrap().public_key().address();
    Identity::generate(&owner, role, MAX_VALIDITY).unwrap()
}

#[derive(Debug)]
struct Exactly(Vec<u8>);

impl ClientCertVerifier for Exactly {
    fn root_hint_subjects(&self) -> &[rustls::DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: rustls::pki_types::UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        let known = end_entity.as_ref() == self.0.as_slice();
        let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        known.then(ClientCertVerified::assertion).ok_or(refused)
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, rustls::Error> {
        let provider = rustls::crypto::ring::default_provider();
        rustls::crypto::verify_tls13_signature(message, cert, signed, &provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

#[derive(Clone)]
enum Serve {
    Http,
    Shell,
    /// A socket on which these messages are sent.
    Messages(Vec<Message>),
}

/// Serves one kind of connection; gives the address.
async fn serve(server: &Identity, customer: &Identity, kind: Serve) -> String {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server.key.to_vec()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(Arc::new(Exactly(customer.certificate.clone())))
        .with_single_cert(vec![CertificateDer::from(server.certificate.clone())], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(tcp).await else { continue };
            if let Serve::Messages(messages) = &kind {
                let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                for message in messages {
                    socket.send(message.clone()).await.unwrap();
                }
                while let Some(Ok(_)) = socket.next().await {}
                continue;
            }
            if matches!(kind, Serve::Shell) {
                let mut socket = tokio_tungstenite::accept_async(stream).await.unwrap();
                while let Some(Ok(Message::Binary(bytes))) = socket.next().await {
                    let reply = match Frame::decode(&bytes).unwrap() {
                        Frame::Stdin(bytes) if bytes.is_empty() => Frame::Result(ExitStatus { exit_code: 3 }),
                        Frame::Stdin(bytes) => Frame::Stdout(bytes),
                        _ => continue,
                    };
                    socket.send(Message::binary(reply.encode())).await.unwrap();
                }
                continue;
            }
            let mut request = vec![0; 64 * 1024];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let asked = |line: &str| request[..read].starts_with(line.as_bytes());
            let (status, body) = match () {
                () if asked("GET /status ") => ("200 OK", "{\"up\":true}"),
                () if asked("POST /lease/7/1/1/restart ") => ("202 Accepted", ""),
                () => ("404 Not Found", "no lease 7/1/1"),
            };
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        }
    });
    format!("https://{address}")
}

fn connect(url: &str, pinned: &Identity, identity: &Identity) -> GatewayClient {
    GatewayClient::with_pinned(url, vec![pinned.certificate.clone()], identity).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_are_who_the_chain_says() {
    let (server, customer) = (identity(1, &Role::Gateway(vec!["localhost".into()])), identity(0, &Role::Client));
    let url = serve(&server, &customer, Serve::Http).await;
    let status = connect(&url, &server, &customer).status().await.unwrap();
    assert_eq!(status["up"], true);
    let refused = connect(&url, &server, &customer).lease_status(&LEASE).await.unwrap_err();
    assert!(matches!(&refused, GatewayError::Refused { status: 404, message, .. } if message == "no lease 7/1/1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_restarted_and_a_strange_one_is_not() {
    let (server, customer) = (identity(1, &Role::Gateway(vec!["localhost".into()])), identity(0, &Role::Client));
    let url = serve(&server, &customer, Serve::Http).await;
    let client = connect(&url, &server, &customer);
    client.restart(&LEASE).await.unwrap();
    let refused = client.restart(&LeaseRef { dseq: 8, ..LEASE }).await.unwrap_err();
    assert!(matches!(refused, GatewayError::Refused { status: 404, .. }), "{refused}");
}

fn closing(code: u16, reason: &str) -> Message {
    Message::Close(Some(CloseFrame { code: code.into(), reason: reason.to_owned().into() }))
}

#[tokio::test(flavor = "multi_thread")]
async fn events_stream_until_the_gateway_ends_them_in_order() {
    let (server, customer) = (identity(1, &Role::Gateway(vec!["localhost".into()])), identity(0, &Role::Client));
    let event = r#"{"kind":"started","message":"web-0"}"#;
    let messages = vec![Message::Ping(vec![1].into()), Message::text(event), closing(1000, "")];
    let url = serve(&server, &customer, Serve::Messages(messages)).await;
    let mut events = connect(&url, &server, &customer).events(&LEASE, false).await.unwrap();
    assert_eq!(events.next().await.unwrap().unwrap()["kind"], "started");
    assert_eq!(events.next().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_cut_off_says_why() {
    let (server, customer) = (identity(1, &Role::Gateway(vec!["localhost".into()])), identity(0, &Role::Client));
    for (code, reason, told) in [
        (1001, "the gateway restarts", "connect again"),
        (1003, "", "this kind of message"),
        (1008, "the session reached its longest duration", "longest duration"),
        (1011, "", "try again"),
        (4001, "", "virtengine lease list"),
        (4002, "no shell here", "no shell here"),
        (4999, "\u{1b}[2Jgone", ": [2Jgone"),
    ] {
        let url = serve(&server, &customer, Serve::Messages(vec![closing(code, reason)])).await;
        let client = connect(&url, &server, &customer);
        let error = client.logs(&LEASE, None, true, None).await.unwrap().next().await.unwrap_err();
        assert!(matches!(error, GatewayError::Closed { code: got, .. } if got == code), "{error:?}");
        let text = error.to_string();
        assert!(text.contains(told) && text.contains(&code.to_string()), "{text}");
        let command = ["/bin/sh".to_owned()];
        let mut shell = client.shell(&LEASE, "web", 0, false, &command).await.unwrap();
        assert!(matches!(shell.next().await, Err(GatewayError::Closed { .. })));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_another_certificate_of_the_same_provider_name_is_refused() {
    let role = Role::Gateway(vec!["localhost".into()]);
    let (server, customer) = (identity(1, &role), identity(0, &Role::Client));
    let url = serve(&server, &customer, Serve::Http).await;
    let on_chain = identity(1, &role);
    let error = connect(&url, &on_chain, &customer).status().await.unwrap_err();
    assert!(matches!(error, GatewayError::Unreachable { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_with_another_certificate_is_refused() {
    let (server, customer) = (identity(1, &Role::Gateway(vec!["localhost".into()])), identity(0, &Role::Client));
    let url = serve(&server, &customer, Serve::Http).await;
    let stranger = identity(2, &Role::Client);
    assert!(connect(&url, &server, &stranger).status().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_carries_input_output_and_the_exit_code() {
    let (server, customer) = (identity(1, &Role::Gateway(vec!["localhost".into()])), identity(0, &Role::Client));
    let url = serve(&server, &customer, Serve::Shell).await;
    let command = ["/bin/cat".to_owned()];
    let mut shell = connect(&url, &server, &customer).shell(&LEASE, "web", 0, false, &command).await.unwrap();
    shell.send(&Frame::Stdin(b"hello".to_vec())).await.unwrap();
    assert_eq!(shell.next().await.unwrap(), Some(Frame::Stdout(b"hello".to_vec())));
    shell.send(&Frame::Stdin(Vec::new())).await.unwrap();
    assert_eq!(shell.next().await.unwrap(), Some(Frame::Result(ExitStatus { exit_code: 3 })));
}

#[test]
fn frames_have_one_encoding_and_garbage_is_no_frame() {
    let resize = Frame::Resize { columns: 80, rows: 24 };
    assert_eq!(resize.encode(), [105, 0, 80, 0, 24]);
    for frame in [resize, Frame::Failure("no shell".into()), Frame::Result(ExitStatus { exit_code: -1 })] {
        assert_eq!(Frame::decode(&frame.encode()), Some(frame));
    }
    for garbage in [&[][..], &[99], &[105, 0], &[102, b'x']] {
        assert_eq!(Frame::decode(garbage), None);
    }
}
