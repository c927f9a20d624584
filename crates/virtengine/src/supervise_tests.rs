use super::*;

fn releases() -> (tempfile::TempDir, Releases) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let releases = Releases { home: Home::new(directory.path()) };
    std::fs::create_dir_all(releases.home.data()).expect("writable");
    (directory, releases)
}

fn put(releases: &Releases, folder: &str, mode: u32) {
    let path = releases.root().join(folder).join(PROGRAM);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
    std::fs::write(&path, "release").expect("writable");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("own file");
}

fn stopped_for(releases: &Releases, text: &str) -> Result<Option<UpgradeInfo>> {
    std::fs::write(releases.home.data().join("upgrade-info.json"), text).expect("writable");
    releases.needed()
}

#[test]
fn a_home_begins_with_the_release_of_genesis_and_changes_when_the_next_one_is_there() {
    let (_directory, releases) = releases();
    let missing = releases.current().expect_err("no release").to_string();
    assert!(missing.contains("genesis/bin/virtengine"), "{missing}");
    put(&releases, "genesis", 0o755);
    assert_eq!(releases.current().expect("a release"), Path::new("genesis"));
    assert!(releases.needed().expect("reads").is_none());

    let upgrade = stopped_for(&releases, r#"{"name": "v2", "height": 7}"#).expect("reads").expect("an upgrade");
    let missing = releases.change_to(&upgrade).expect_err("no program").to_string();
    assert!(missing.contains("upgrades/v2/bin/virtengine"), "{missing}");
    put(&releases, "upgrades/v2", 0o644);
    assert!(releases.change_to(&upgrade).is_err(), "a file that cannot be run");
    assert_eq!(releases.current().expect("a release"), Path::new("genesis"), "nothing changed");
    put(&releases, "upgrades/v2", 0o755);
    releases.change_to(&upgrade).expect("it is there");
    assert_eq!(releases.current().expect("a release"), Path::new("upgrades/v2"));
}

#[test]
fn a_release_with_another_checksum_than_the_plan_is_not_run() {
    let (_directory, releases) = releases();
    ["genesis", "upgrades/v2"].iter().for_each(|folder| put(&releases, folder, 0o755));
    let sum = hex::encode(Sha256::digest("release"));
    let info = |sum: &str| {
        let url = format!("https://example.org/v2?checksum=sha256:{sum}&x=1");
        serde_json::json!({"binaries": {platform(): url}}).to_string()
    };
    let upgrade = |info: String| UpgradeInfo { name: "v2".into(), height: 7, info };
    let refused = releases.change_to(&upgrade(info(&"0".repeat(64)))).expect_err("another file").to_string();
    assert!(refused.contains(&sum), "{refused}");
    releases.change_to(&upgrade(info(&sum.to_uppercase()))).expect("the file of the plan");
    assert_eq!(checksum("see the forum", "linux/amd64"), None);
    assert_eq!(checksum(r#"{"binaries": {"any": "https://e.org/?checksum=sha256:AB"}}"#, "x/y").as_deref(), Some("ab"));
}

#[test]
fn names_that_are_paths_are_refused() {
    let (_directory, releases) = releases();
    for name in ["../v2", "", ".v2", "a/b"] {
        let text = serde_json::json!({"name": name, "height": 1}).to_string();
        assert!(stopped_for(&releases, &text).is_err(), "{name}");
    }
    assert!(stopped_for(&releases, "{").is_err());
}
