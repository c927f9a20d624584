//! Images from customers are not trusted.

use std::path::Path;

use serde_json::json;
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};
use ve_provider::backend::container::ContainerConfig;
use ve_provider::backend::{ErrorClass, Place};

use super::Test;
use super::world::{MIB, Site, World, check, value};

pub const TESTS: &[(&str, Test)] = &[
    ("layers_that_attack_are_refused_and_leave_nothing", attacks),
    ("bombs_are_refused", bombs),
    ("changed_content_is_refused", changed),
    ("whiteouts_hide_what_lower_layers_had", whiteouts),
    ("links_are_resolved_inside_the_image", links),
    ("references_outside_of_what_is_allowed_are_refused", references),
];

/// A layer from entries.
struct Layer(tar::Builder<Vec<u8>>);

impl Layer {
    fn new() -> Self {
        Self(tar::Builder::new(Vec::new()))
    }

    /// Writes the name as it is; the library would refuse or clean it.
    fn entry(mut self, path: &str, kind: EntryType, link: &str, content: &[u8]) -> Self {
        let mut header = Header::new_gnu();
        header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
        header.as_mut_bytes()[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_device_major(1).expect("fits");
        header.set_device_minor(3).expect("fits");
        header.set_cksum();
        self.0.append(&header, content).expect("memory");
        self
    }

    fn file(self, path: &str, content: &[u8]) -> Self {
        self.entry(path, EntryType::Regular, "", content)
    }

    fn bytes(self) -> Vec<u8> {
        self.0.into_inner().expect("memory")
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// Writes a layout of uncompressed or gzip layers; `spoil` may change the blobs.
fn write_layout(dir: &Path, layers: &[Vec<u8>], gzip: bool, spoil: impl Fn(&mut Vec<u8>)) {
    let blobs = dir.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).expect("a directory");
    let put = |bytes: &[u8]| {
        let name = digest(bytes);
        let mut stored = bytes.to_vec();
        spoil(&mut stored);
        std::fs::write(blobs.join(&name[7..]), stored).expect("a blob");
        json!({"digest": name, "size": bytes.len()})
    };
    let diff_ids: Vec<String> = layers.iter().map(|l| digest(l)).collect();
    let mut descriptors = Vec::new();
    for layer in layers {
        let packed = if gzip { compress(layer) } else { layer.clone() };
        let mut descriptor = put(&packed);
        let suffix = if gzip { "+gzip" } else { "" };
        descriptor["mediaType"] = format!("application/vnd.oci.image.layer.v1.tar{suffix}").into();
        descriptors.push(descriptor);
    }
    let config = json!({
        "architecture": if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" },
        "os": "linux",
        "config": {"Entrypoint": ["/probe"]},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
    });
    let plain = |value: &serde_json::Value, media: &str| {
        let bytes = value.to_string().into_bytes();
        std::fs::write(blobs.join(&digest(&bytes)[7..]), &bytes).expect("a blob");
        json!({"digest": digest(&bytes), "size": bytes.len(), "mediaType": media})
    };
    let config = plain(&config, "application/vnd.oci.image.config.v1+json");
    let manifest = json!({"schemaVersion": 2, "config": config, "layers": descriptors});
    let mut manifest = plain(&manifest, "application/vnd.oci.image.manifest.v1+json");
    manifest["annotations"] = json!({"org.opencontainers.image.ref.name": "1"});
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    std::fs::write(dir.join("index.json"), index.to_string()).expect("an index");
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(bytes).expect("memory");
    gzip.finish().expect("memory")
}

/// Provisions an image of these layers and expects a refusal that names `word`.
fn refused(site: &Site, name: &str, layers: &[Vec<u8>], gzip: bool, word: &str) -> Result<(), String> {
    write_layout(&site.dir.path().join("layouts").join(name), layers, gzip, |_| {});
    let mut spec = site.spec(&["inspect"]);
    spec.image = format!("localhost/{name}:1");
    let result = site.runtime.block_on(site.backend.provision(name, &spec));
    let error = result.err().ok_or(format!("{name}: accepted"))?;
    check(error.class == ErrorClass::Invalid, format!("{name}: {error}"))?;
    check(error.message.contains(word), format!("{name}: {error}"))?;
    let images = site.config.root.join("images");
    for part in ["tmp", "rootfs"] {
        let left = std::fs::read_dir(images.join(part)).map_err(|e| e.to_string())?.count();
        check(left == 0, format!("{name}: something is left in {part}"))?;
    }
    Ok(())
}

fn attacks(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let outside = site.dir.path().join("outside");
    std::fs::create_dir(&outside).map_err(|e| e.to_string())?;
    let target = outside.to_string_lossy().into_owned();
    let cases: Vec<(&str, Layer, &str)> = vec![
        ("dotdot", Layer::new().file("../../escape", b"x"), "leaves the image"),
        ("inner-dotdot", Layer::new().file("a/../../escape", b"x"), "leaves the image"),
        ("device", Layer::new().entry("null", EntryType::Char, "", b""), "device"),
        ("block-device", Layer::new().entry("disk", EntryType::Block, "", b""), "device"),
        ("fifo", Layer::new().entry("pipe", EntryType::Fifo, "", b""), "unsupported type"),
        ("hardlink-out", Layer::new().entry("shadow", EntryType::Link, "../../../etc/shadow", b""), "leaves the image"),
        ("hardlink-absolute", Layer::new().entry("shadow", EntryType::Link, "/etc/shadow-nobody-has", b""), ""),
        (
            "hardlink-to-symlink",
            Layer::new().entry("link", EntryType::Symlink, "/etc/passwd", b"").entry(
                "hard",
                EntryType::Link,
                "link",
                b"",
            ),
            "not a regular file",
        ),
        ("symlink-write", Layer::new().entry("out", EntryType::Symlink, &target, b"").file("out/file", b"x"), ""),
        ("whiteout-dotdot", Layer::new().file("a/.wh...", b""), "whiteout"),
    ];
    for (name, layer, word) in cases {
        refused(&site, name, &[layer.bytes()], false, word)?;
        let count = std::fs::read_dir(&outside).map_err(|e| e.to_string())?.count();
        check(count == 0, format!("{name} wrote outside of the image"))?;
    }
    Ok(())
}

fn bombs(world: &World) -> Result<(), String> {
    let small = |c: &mut ContainerConfig| {
        c.image_limits.unpack.entries = 100;
        c.image_limits.unpack.bytes = 200 * MIB;
    };
    let site = Site::with(world, small);
    let zeros = vec![0; 80 << 20];
    let bomb = Layer::new().file("zeros", &zeros).bytes();
    refused(&site, "ratio", std::slice::from_ref(&bomb), true, "larger than it may be")?;
    let three = [bomb.clone(), bomb.clone(), bomb];
    refused(&site, "size", &three, false, "bytes unpacked")?;
    let many = (0..200).fold(Layer::new(), |l, i| l.file(&format!("f{i}"), b""));
    refused(&site, "count", &[many.bytes()], false, "more than 100 files")?;
    let deep = Layer::new().entry(&"d/".repeat(49), EntryType::Directory, "", b"");
    // 49 levels fit; a GNU long name makes it 500.
    let mut long = Header::new_gnu();
    long.set_entry_type(EntryType::GNULongName);
    let name = "d/".repeat(500);
    long.set_size(name.len() as u64);
    long.set_cksum();
    let mut layer = deep;
    layer.0.append(&long, name.as_bytes()).map_err(|e| e.to_string())?;
    let layer = layer.file("x", b"");
    refused(&site, "depth", &[layer.bytes()], false, "nested deeper")?;
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::XHeader);
    let records = vec![b' '; 3 << 20];
    header.set_size(records.len() as u64);
    header.set_cksum();
    let mut layer = Layer::new();
    layer.0.append(&header, records.as_slice()).map_err(|e| e.to_string())?;
    refused(&site, "extension", &[layer.bytes()], false, "extension header")
}

fn changed(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let layer = Layer::new().file("probe", &world.probe).bytes();
    let dir = site.dir.path().join("layouts/changed");
    // One byte of the program, after everything was signed off.
    write_layout(&dir, &[layer], false, |blob| blob[5000] ^= 1);
    let mut spec = site.spec(&["inspect"]);
    spec.image = "localhost/changed:1".into();
    let result = site.runtime.block_on(site.backend.provision("changed", &spec));
    let error = result.err().ok_or("accepted")?;
    check(error.class == ErrorClass::Invalid && error.message.contains("digest"), error.to_string())
}

fn whiteouts(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let lower =
        Layer::new().file("probe", &world.probe).file("a/one", b"1").file("a/two", b"2").file("b/old", b"3").bytes();
    let upper = Layer::new().file("a/.wh.one", b"").file("b/new", b"4").file("b/.wh..wh..opq", b"").bytes();
    write_layout(&site.dir.path().join("layouts/wh"), &[lower, upper], true, |_| {});
    let mut spec = site.spec(&["say", "1", "0"]);
    spec.image = "localhost/wh:1".into();
    let id = site.provision("wh", &spec)?;
    let digest = site.describe(&id)?.image_digest;
    let root = site.config.root.join("images/rootfs").join(&digest[7..]);
    for (path, there) in [("a/one", false), ("a/two", true), ("b/old", false), ("b/new", true)] {
        check(root.join(path).exists() == there, format!("{path}: {}", !there))?;
    }
    Ok(())
}

fn links(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    // As distributions do it: /bin is a link, and later files are named through it.
    let layer = Layer::new()
        .entry("usr/bin", EntryType::Directory, "", b"")
        .entry("bin", EntryType::Symlink, "/usr/bin", b"")
        .file("bin/probe-real", &world.probe)
        .entry("probe", EntryType::Link, "bin/probe-real", b"")
        .bytes();
    write_layout(&site.dir.path().join("layouts/links"), &[layer], true, |_| {});
    let mut spec = site.spec(&["inspect"]);
    spec.image = "localhost/links:1".into();
    let (status, lines) = site.run(&spec)?;
    check(status.last_exit.is_some_and(|e| e.code == 0), format!("{lines:?}"))?;
    check(value(&lines, "pids")? == "1", "did not run")
}

fn references(world: &World) -> Result<(), String> {
    let site = Site::new(world);
    let bad = [
        "127.0.0.1:5000/x:1",
        "169.254.169.254/latest:1",
        "evil.example/x:1",
        "localhost/../../etc:1",
        "localhost/absent:1",
        "localhost:5000/x:1",
        "UPPER CASE",
    ];
    for reference in bad {
        let mut spec = site.spec(&["inspect"]);
        spec.image = reference.into();
        let result = site.runtime.block_on(site.backend.provision(reference, &spec));
        let error = result.err().ok_or(format!("{reference}: accepted"))?;
        check(error.class == ErrorClass::Invalid, format!("{reference}: {error}"))?;
    }
    Ok(())
}
