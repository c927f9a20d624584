//! Images from a registry, played by a small server that speaks the distribution
//! protocol over the files of a layout.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use ve_provider::backend::{ErrorClass, Place, RegistryCredentials};

use super::Test;
use super::world::{Site, World, check};

pub const TESTS: &[(&str, Test)] = &[
    ("an_image_is_pulled_for_this_platform_and_cached", pull),
    ("a_registry_that_changes_content_is_refused", tampered),
    ("missing_images_and_wrong_passwords_say_so", refused),
];

/// What the server does wrong.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Another byte in every blob.
    Tamper,
    /// Twice as much as promised.
    TooMuch,
}

struct Registry {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

fn serve(layout: PathBuf, fault: Fault) -> Registry {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let requests = Arc::new(Mutex::new(Vec::new()));
    let seen = requests.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (layout, seen) = (layout.clone(), seen.clone());
            std::thread::spawn(move || while answer(&stream, &layout, fault, &seen).is_some() {});
        }
    });
    Registry { address, requests }
}

/// One request; `None` at the end of the connection.
fn answer(stream: &TcpStream, layout: &Path, fault: Fault, seen: &Mutex<Vec<String>>) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut authorized = false;
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).ok()? <= 2 {
            break;
        }
        authorized |= header.to_lowercase().starts_with("authorization: basic");
    }
    seen.lock().expect("no panic").push(path.clone());
    let (status, kind, mut body) = route(&path, authorized, layout);
    if path.contains("/blobs/") {
        match fault {
            Fault::None => {}
            Fault::Tamper => {
                if let Some(byte) = body.last_mut() {
                    *byte ^= 1;
                }
            }
            Fault::TooMuch => body.extend(body.clone()),
        }
    }
    let mut stream = stream;
    let challenge = match status {
        401 => "WWW-Authenticate: Basic realm=\"test\"\r\n",
        _ => "",
    };
    let head =
        format!("HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\n{challenge}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}

fn route(path: &str, authorized: bool, layout: &Path) -> (u16, String, Vec<u8>) {
    let index: Value =
        serde_json::from_slice(&std::fs::read(layout.join("index.json")).expect("an index")).expect("JSON");
    let media = "application/vnd.oci.image.manifest.v1+json".to_owned();
    let blob = |digest: &str| std::fs::read(layout.join("blobs/sha256").join(digest.trim_start_matches("sha256:")));
    let missing = json!({"errors": [{"code": "MANIFEST_UNKNOWN", "message": "unknown"}]});
    let missing = (404, "application/json".to_owned(), missing.to_string().into_bytes());
    if path == "/v2/" {
        return (200, "application/json".into(), b"{}".to_vec());
    }
    if path.starts_with("/v2/private/") && !authorized {
        return (401, "application/json".into(), b"{}".to_vec());
    }
    if path.ends_with("/manifests/1") {
        // An index whose first entry is for a machine that this is not.
        let mut ours = index["manifests"][0].clone();
        let mut other = ours.clone();
        let arch = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
        ours["platform"] = json!({"os": "linux", "architecture": arch});
        other["platform"] = json!({"os": "linux", "architecture": "s390x"});
        other["digest"] = format!("sha256:{}", "0".repeat(64)).into();
        let body = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [other, ours],
        });
        let kind = "application/vnd.oci.image.index.v1+json".to_owned();
        return (200, kind, body.to_string().into_bytes());
    }
    let Some((_, digest)) = path.rsplit_once('/') else {
        return missing;
    };
    match blob(digest) {
        Ok(bytes) if path.contains("/manifests/") => (200, media, bytes),
        Ok(bytes) => (200, "application/octet-stream".into(), bytes),
        Err(_) => missing,
    }
}

fn pull(world: &World) -> Result<(), String> {
    let layouts = Site::new(world);
    let registry = serve(layouts.dir.path().join("layouts/probe"), Fault::None);
    let host = registry.address.to_string();
    let site = Site::with(world, |c| {
        c.registries = vec![host.clone()];
        c.plain_http_registries = vec![host.clone()];
        c.image_layouts = None;
    });
    let mut spec = site.spec(&["say", "1", "0"]);
    spec.image = format!("{host}/team/probe:1");
    let (status, _) = site.run(&spec)?;
    check(status.last_exit.is_some_and(|e| e.code == 0), "did not run")?;
    let blobs = |registry: &Registry| {
        let requests = registry.requests.lock().expect("no panic");
        requests.iter().filter(|r| r.contains("/blobs/")).count()
    };
    let first = blobs(&registry);
    check(first == 2, format!("{first} blobs for a configuration and a layer"))?;
    site.run(&spec)?;
    check(blobs(&registry) == first, "pulled again what is cached")
}

fn tampered(world: &World) -> Result<(), String> {
    for fault in [Fault::Tamper, Fault::TooMuch] {
        let layouts = Site::new(world);
        let registry = serve(layouts.dir.path().join("layouts/probe"), fault);
        let host = registry.address.to_string();
        let site = Site::with(world, |c| {
            c.registries = vec![host.clone()];
            c.plain_http_registries = vec![host.clone()];
        });
        let mut spec = site.spec(&["say", "1", "0"]);
        spec.image = format!("{host}/team/probe:1");
        let result = site.runtime.block_on(site.backend.provision("x", &spec));
        let error = result.err().ok_or("accepted")?;
        check(error.class == ErrorClass::Invalid, error.to_string())?;
    }
    Ok(())
}

fn refused(world: &World) -> Result<(), String> {
    let layouts = Site::new(world);
    let registry = serve(layouts.dir.path().join("layouts/probe"), Fault::None);
    let host = registry.address.to_string();
    let site = Site::with(world, |c| {
        c.registries = vec![host.clone()];
        c.plain_http_registries = vec![host.clone()];
    });
    let mut spec = site.spec(&["say", "1", "0"]);
    spec.image = format!("{host}/private/probe:1");
    let result = site.runtime.block_on(site.backend.provision("x", &spec));
    let error = result.err().ok_or("accepted without a password")?;
    check(error.class == ErrorClass::Auth, error.to_string())?;
    spec.image = format!("{host}/team/probe:absent");
    let result = site.runtime.block_on(site.backend.provision("y", &spec));
    let error = result.err().ok_or("accepted what is not there")?;
    check(error.class == ErrorClass::Invalid, error.to_string())?;
    spec.credentials = Some(RegistryCredentials { username: "user".into(), password: "secret".into() });
    check(!format!("{spec:?}").contains("secret"), "a password can be printed")
}
