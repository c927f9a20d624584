use std::fs;
use std::path::{Path, PathBuf};

use prost::Message as _;
use ve_base::keys::ConsensusSecret;
use ve_proto::ve::veid::v1::*;
use ve_testkit::committee::{EPOCH, sealing_key};
use ve_verifier::worker::{Keys, Worker, WorkerError};

use crate::members::*;
use ve_testkit::veid as kit;

fn begun() -> (Chained, tempfile::TempDir, usize) {
    let chain = asked(flawless(), "measured");
    let member = seated(&chain)[0];
    (chain, tempfile::tempdir().expect("a folder"), member)
}

fn commit(link: &Shared) -> Vec<u8> {
    let sent = link.sent.borrow();
    MsgCommitFeatures::decode(sent[0].value.as_slice()).expect("a commitment").commit
}

fn files(folder: &Path, kind: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(folder).expect("the folder").map(|file| file.expect("a file").path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == kind)).collect()
}

#[test]
fn a_killed_worker_binds_itself_to_the_same_features_again() {
    let (chain, folder, member) = begun();
    let first = cut(&chain, member);
    assert!(round(&mut worker(first.clone(), folder.path(), false)).is_err(), "the node is gone");
    // Started again, it would see something else; what it was bound to before holds.
    let second = cut(&chain, member);
    assert!(round(&mut worker(second.clone(), folder.path(), true)).is_err());
    assert_eq!(commit(&first), commit(&second));
}

#[test]
fn workers_that_are_killed_after_every_round_verify_all_the_same() {
    let (chain, folder, _) = begun();
    let seats = seated(&chain);
    for _ in 0..4 {
        work(&chain, &mut workers(&chain, &seats, folder.path()), 1);
    }
    assert_eq!(wallet(&chain).state(), VerificationState::Verified);
    assert!(seats.iter().all(|member| record_of(&chain, *member).agreed == 1));
}

#[test]
fn a_member_whose_disk_is_lost_computes_what_it_is_bound_to_anew() {
    let (chain, folder, member) = begun();
    let (first, second) = (cut(&chain, member), cut(&chain, member));
    assert!(round(&mut worker(first.clone(), folder.path(), false)).is_err());
    let other = tempfile::tempdir().expect("a folder");
    assert!(round(&mut worker(second.clone(), other.path(), false)).is_err());
    assert_eq!(commit(&first), commit(&second));

    let seats = seated(&chain);
    work(&chain, &mut workers(&chain, &seats, folder.path()), 1);
    assert_eq!(request(&chain).run.expect("it goes on").state(), RunState::Revealing);
    fs::remove_dir_all(folder.path().join(member.to_string())).expect("it is lost");
    work(&chain, &mut workers(&chain, &seats, folder.path()), 3);
    assert_eq!(wallet(&chain).state(), VerificationState::Verified);
    assert!(seats.iter().all(|member| record_of(&chain, *member).agreed == 1));
}

#[test]
fn a_lost_disk_and_other_evidence_end_in_silence_instead_of_a_contradiction() {
    let (chain, folder, member) = begun();
    let seats = seated(&chain);
    work(&chain, &mut workers(&chain, &seats, folder.path()), 1);
    fs::remove_dir_all(folder.path().join(member.to_string())).expect("it is lost");
    let link = link(&chain, member);
    let done = round(&mut worker(link.clone(), folder.path(), true)).expect("it answers");
    assert_eq!(done.revealed, 0);
    assert!(link.sent.borrow().is_empty());
}

#[test]
fn a_damaged_checkpoint_is_refused_with_a_remedy_and_nothing_is_sent() {
    let (chain, folder, member) = begun();
    let first = cut(&chain, member);
    assert!(round(&mut worker(first.clone(), folder.path(), false)).is_err());
    let path = files(&folder_of(&first, folder.path()), "run").remove(0);
    let good = fs::read(&path).expect("it reads");
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let long = [&good[..], &vec![0; 70_000]].concat();
    for bad in [flipped(good.len() - 1), flipped(good.len() / 2), good[..40].to_vec(), Vec::new(), long] {
        fs::write(&path, &bad).expect("it writes");
        let link = link(&chain, member);
        let done = round(&mut worker(link.clone(), folder.path(), false)).expect("other runs go on");
        assert_eq!((done.left_out, done.committed), (1, 0));
        assert!(link.sent.borrow().is_empty());
    }
    let told = WorkerError::Damaged(path.clone()).to_string();
    assert!(told.contains("Put back the file or the sealing key"), "{told}");
    fs::write(&path, &good).expect("it writes");
    let mended = cut(&chain, member);
    assert!(round(&mut worker(mended.clone(), folder.path(), true)).is_err());
    assert_eq!(commit(&first), commit(&mended));
}

#[test]
fn a_checkpoint_of_another_run_or_member_does_not_count() {
    let (chain, folder, member) = begun();
    let (own, other) = (cut(&chain, member), cut(&chain, seated(&chain)[1]));
    for link in [&own, &other] {
        assert!(round(&mut worker(link.clone(), folder.path(), false)).is_err());
    }
    let path = |link: &Shared| files(&folder_of(link, folder.path()), "run").remove(0);
    fs::copy(path(&other), path(&own)).expect("it copies");
    let done = round(&mut worker(link(&chain, member), folder.path(), false)).expect("other runs go on");
    assert_eq!(done.left_out, 1);
}

#[test]
fn only_one_worker_has_a_folder() {
    let (chain, folder, member) = begun();
    let first = worker(link(&chain, member), folder.path(), false);
    let again = |keys| worker_with(link(&chain, member), folder.path(), keys);
    let number = u32::try_from(member).expect("few");
    assert!(matches!(again(keys(number)), Err(WorkerError::Busy(_))));
    drop(first);
    assert!(again(keys(number)).is_ok());
}

#[test]
fn nothing_readable_of_the_evidence_is_on_disk() {
    use std::os::unix::fs::PermissionsExt as _;
    let (chain, folder, member) = begun();
    let link = link(&chain, member);
    assert_eq!(round(&mut worker(link.clone(), folder.path(), false)).expect("it answers").committed, 1);
    let folder = folder_of(&link, folder.path());
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert!(files(&folder, "new").is_empty());
    for path in files(&folder, "run") {
        let bytes = fs::read(&path).expect("it reads");
        assert_eq!(mode(&path), 0o600);
        // Features begin with their magic, and repeat 10000.
        assert!(!bytes.windows(3).any(|part| part == b"VF2"));
        assert!(!bytes.windows(4).any(|part| part == [0x27, 0x10, 0x27, 0x10]));
    }
}

#[test]
fn a_worker_without_the_key_of_its_seat_signs_nothing() {
    let (chain, folder, member) = begun();
    let link = link(&chain, member);
    let number = u32::try_from(member).expect("few");
    let other = Keys::new(vec![ConsensusSecret::from_seed([1; 32])], vec![sealing_key(number, EPOCH)], [4; 32]);
    let mut without = worker_with(link.clone(), folder.path(), other.expect("good keys")).expect("the folder opens");
    assert_eq!(round(&mut without).expect("other runs go on").left_out, 1);
    assert!(link.sent.borrow().is_empty());
}

#[test]
fn a_worker_without_the_model_of_the_chain_does_nothing() {
    let (chain, folder, member) = begun();
    let link = link(&chain, member);
    let name = kit::name(&chain.borrow(), member);
    let keys = keys(u32::try_from(member).expect("few"));
    let mut without = Worker::new(link.clone(), name, keys, Vec::new(), folder.path().join("x")).expect("it opens");
    assert!(matches!(round(&mut without), Err(WorkerError::Model { .. })));
    assert!(link.sent.borrow().is_empty());
}
