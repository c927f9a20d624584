use ve_proto::ve::market::v1::{
    Endpoint, EndpointKind, Gpu, GroupSpec, Requirements, ResourceUnit, Resources as Wire, Volume,
};
use ve_proto::ve::provider::v1::Attribute;

use super::*;

const MIB: u64 = 1 << 20;

/// What the embedded container backend can do.
fn nothing_special() -> Capabilities {
    Capabilities {
        egress: false,
        service_links: false,
        persistent_storage: false,
        gpu: false,
        udp: false,
        leased_ip: false,
        host_names: false,
        max_endpoints: 64,
        max_replicas: 32,
        least: Resources { cpu_mcore: 10, memory_bytes: 4 * MIB, storage_bytes: 0 },
        architecture: "amd64",
    }
}

fn everything() -> Capabilities {
    Capabilities {
        egress: true,
        service_links: true,
        persistent_storage: true,
        gpu: true,
        udp: true,
        leased_ip: true,
        host_names: true,
        ..nothing_special()
    }
}

const TOTAL: Resources = Resources { cpu_mcore: 4000, memory_bytes: 4096 * MIB, storage_bytes: 10_240 * MIB };

fn attribute(key: &str, value: &str) -> Attribute {
    Attribute { key: key.into(), value: value.into() }
}

fn group(change: impl FnOnce(&mut Wire)) -> GroupSpec {
    let mut resources = Wire {
        id: 1,
        cpu: 500,
        memory: 512 * MIB,
        storage: vec![Volume { name: "default".into(), size: 1024 * MIB, attributes: Vec::new() }],
        endpoints: vec![Endpoint { kind: EndpointKind::SharedHttp as i32, sequence: 0 }],
        ..Wire::default()
    };
    change(&mut resources);
    let unit = ResourceUnit { resources: Some(resources), count: 2, price: None };
    GroupSpec { name: "dc".into(), resources: vec![unit], ..GroupSpec::default() }
}

fn requiring(key: &str, value: &str) -> GroupSpec {
    let requirements = Requirements { attributes: vec![attribute(key, value)], ..Requirements::default() };
    GroupSpec { requirements: Some(requirements), ..group(|_| {}) }
}

fn reason(can: &Capabilities, group: &GroupSpec) -> Option<Reason> {
    check(can, TOTAL, group).err().map(|decline| decline.reason)
}

#[test]
fn a_plain_group_fits_and_its_needs_are_the_sum_over_replicas() {
    assert_eq!(check(&nothing_special(), TOTAL, &group(|_| {})), Ok(()));
    let sum = Resources { cpu_mcore: 1000, memory_bytes: 1024 * MIB, storage_bytes: 2048 * MIB };
    assert_eq!(needs(&group(|_| {})), Some(sum));
}

#[test]
fn what_the_backend_lacks_is_declined_and_what_it_has_is_not() {
    let gpu = group(|unit| unit.gpu = Some(Gpu { units: 1, attributes: Vec::new() }));
    let kept = group(|unit| unit.storage[0].attributes.push(attribute("persistent", "true")));
    let address = group(|unit| unit.endpoints[0].kind = EndpointKind::LeasedIp as i32);
    for (group, lacking) in [(gpu, Reason::Gpu), (kept, Reason::PersistentStorage), (address, Reason::LeasedIp)] {
        assert_eq!(reason(&nothing_special(), &group), Some(lacking));
        assert_eq!(reason(&everything(), &group), None);
    }
    let arm = group(|unit| unit.cpu_attributes.push(attribute("arch", "arm64")));
    assert_eq!(reason(&everything(), &arm), Some(Reason::Architecture));
}

#[test]
fn a_registered_attribute_is_not_believed_against_the_backend() {
    for (key, value, lacking) in [
        ("feat-persistent-storage", "true", Reason::PersistentStorage),
        ("capabilities/storage/1/class", "beta2", Reason::PersistentStorage),
        ("capabilities/gpu/vendor/nvidia/model/*", "true", Reason::Gpu),
        ("feat-endpoint-ip", "true", Reason::LeasedIp),
        ("network-speed-up", "1000", Reason::Egress),
    ] {
        assert_eq!(reason(&nothing_special(), &requiring(key, value)), Some(lacking), "{key}");
        assert_eq!(reason(&everything(), &requiring(key, value)), None, "{key}");
    }
    assert_eq!(reason(&everything(), &requiring("capabilities/cpu/arch", "arm64")), Some(Reason::Architecture));
    assert_eq!(reason(&everything(), &requiring("tee/type", "sev-snp")), Some(Reason::Enclave));
    assert_eq!(reason(&nothing_special(), &requiring("feat-persistent-storage", "false")), None);
    assert_eq!(reason(&nothing_special(), &requiring("region", "eu")), None);
}

#[test]
fn a_group_that_can_never_be_placed_is_declined_by_its_size() {
    let huge = group(|unit| unit.memory = u64::MAX / 2);
    let beyond = group(|unit| unit.cpu = 2001);
    let tiny = group(|unit| unit.memory = MIB);
    let mut many = group(|_| {});
    many.resources[0].count = 33;
    for group in [huge, beyond, tiny, many] {
        assert_eq!(reason(&everything(), &group), Some(Reason::Size));
    }
    let mut ports = group(|_| {});
    let endpoint = Endpoint { kind: EndpointKind::RandomPort as i32, sequence: 0 };
    ports.resources[0].resources.as_mut().expect("resources").endpoints = vec![endpoint; 65];
    assert_eq!(reason(&everything(), &ports), Some(Reason::Endpoints));
}

#[test]
fn only_what_can_change_is_looked_at_again() {
    assert!(Reason::Capacity.may_pass() && Reason::Balance.may_pass());
    assert!(!Reason::Gpu.may_pass() && !Reason::Price.may_pass());
}

fn manifest(expose: &str, params: &str) -> ve_client::manifest::Manifest {
    let file = include_str!("../daemon/tests/web.yaml");
    let file = file.replace("        as: 80\n", &format!("        as: 80\n{expose}"));
    let file = file.replace("    expose:", &format!("{params}    expose:"));
    ve_client::manifest::manifest(&ve_client::sdl::parse(&file).expect("a sound file"))
}

#[test]
fn a_manifest_that_asks_for_more_than_the_backend_does_is_refused_with_the_remedy() {
    for (expose, params, remedy) in [
        ("        accept: [example.org]\n", "", "leave out `accept`"),
        ("        proto: UDP\n", "", "use TCP"),
        ("", "    params: { tee: cpu }\n", "leave out `tee`"),
    ] {
        let manifest = manifest(expose, params);
        let refused = check_manifest(&nothing_special(), &manifest.0[0]).expect_err(remedy);
        assert!(refused.starts_with("service web: ") && refused.contains(remedy), "{refused}");
    }
    assert_eq!(check_manifest(&nothing_special(), &manifest("", "").0[0]), Ok(()));
    assert_eq!(check_manifest(&everything(), &manifest("        accept: [example.org]\n", "").0[0]), Ok(()));
}
