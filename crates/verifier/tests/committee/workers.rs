use ve_inference::features::id;
use ve_proto::ve::veid::v1::*;
use ve_verifier::worker::{Round, Worker};

use crate::members::*;
use ve_testkit::veid::members as by_hand;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder")
}

#[test]
fn four_workers_verify_an_account_by_themselves() {
    let (chain, folder) = (asked(flawless(), "measured"), folder());
    let mut workers = workers(&chain, &seated(&chain), folder.path());
    work(&chain, &mut workers, 4);
    let made = wallet(&chain);
    assert_eq!((made.state(), made.score_milli), (VerificationState::Verified, 69_000), "the cap of an unproven model");
    assert_eq!(request(&chain).status(), RequestStatus::Final);
    assert!(seated(&chain).iter().all(|member| record_of(&chain, *member).agreed == 1));
}

#[test]
fn a_liar_is_outvoted_and_recorded() {
    let (chain, folder) = (asked(flawless(), "measured"), folder());
    let seats = seated(&chain);
    let liar = seats[2];
    let mut workers: Vec<_> =
        seats.iter().map(|account| worker(link(&chain, *account), folder.path(), *account == liar)).collect();
    work(&chain, &mut workers, 8);
    assert_eq!(wallet(&chain).score_milli, 69_000);
    for member in seats {
        let record = record_of(&chain, member);
        assert_eq!((record.divergent, record.agreed), if member == liar { (1, 0) } else { (0, 1) }, "{member}");
    }
}

#[test]
fn a_member_that_opens_what_it_was_not_bound_to_is_named_by_all_others() {
    let (chain, folder) = (asked(flawless(), "measured"), folder());
    let seats = seated(&chain);
    let (liar, mut honest) = (seats[0], workers(&chain, &seats[1..], folder.path()));
    let features = by_hand::with(&[(id::OCR_CONF_ID, 1)]);
    by_hand::good(by_hand::commit(&mut chain.borrow_mut(), liar, features));
    honest.iter_mut().for_each(|worker| assert_eq!(round(worker).expect("it answers").committed, 1));
    by_hand::good(by_hand::reveal(&mut chain.borrow_mut(), liar, by_hand::flawless()));
    work(&chain, &mut honest, 4);
    assert_eq!(wallet(&chain).state(), VerificationState::Verified);
    assert_eq!(record_of(&chain, liar).divergent, 1);
    assert!(seats[1..].iter().all(|member| record_of(&chain, *member).agreed == 1));
}

#[test]
fn one_dead_worker_delays_and_two_defer_while_blocks_go_on() {
    let (chain, one) = (asked(flawless(), "measured"), folder());
    let mut three = workers(&chain, &seated(&chain)[..3], one.path());
    work(&chain, &mut three, 20);
    assert_eq!(wallet(&chain).state(), VerificationState::Verified);

    let (chain, other) = (asked(flawless(), "measured"), folder());
    let before = chain.borrow().height;
    // Of seven members only two have a worker: every draw of four lacks at least two.
    let mut two = workers(&chain, &seated(&chain)[..2], other.path());
    work(&chain, &mut two, 11);
    assert_eq!(request(&chain).status(), RequestStatus::Deferred);
    work(&chain, &mut two, 60);
    assert_eq!(request(&chain).status(), RequestStatus::Timeout);
    assert_eq!(wallet(&chain).state(), VerificationState::Unverified);
    assert!(chain.borrow().height > before + 100, "no block waited");
}

#[test]
fn evidence_that_nobody_reads_sends_the_owner_back() {
    let (chain, folder) = (asked(b"?".to_vec(), "hologram"), folder());
    work(&chain, &mut workers(&chain, &seated(&chain), folder.path()), 2);
    assert_eq!(request(&chain).reason_codes, ["UNKNOWN_EVIDENCE"]);
    assert_eq!(wallet(&chain).state(), VerificationState::Unverified);
}

#[test]
fn more_than_the_extractors_read_is_not_decoded() {
    let (chain, mut workers, _folders) = off_the_chain(vec![0; 80_000], true);
    work(&chain, &mut workers, 2);
    assert_eq!(request(&chain).reason_codes, ["BUNDLE_INVALID"]);
}

#[test]
fn evidence_that_one_member_cannot_open_harms_neither_it_nor_the_result() {
    // The draw does not depend on the envelope, so that its owner may know whom he harms.
    let seat = request(&asked(flawless(), "measured")).run.expect("a committee was drawn").seats[1].clone();
    let chain = asked_with(flawless(), "measured", true, |envelope, _| {
        let entry = envelope.recipients.iter_mut().find(|entry| entry.key_id == seat.key_id);
        entry.expect("it is a recipient").enc[0] ^= 1;
    });
    let (folder, seats) = (folder(), seated(&chain));
    let mut workers = workers(&chain, &seats, folder.path());
    assert_eq!(round(&mut workers[1]).expect("it answers").failed, 1);
    work(&chain, &mut workers, 8);
    assert_eq!(wallet(&chain).state(), VerificationState::Verified);
    assert!(seats.iter().all(|member| record_of(&chain, *member).silent == 0));
    assert_eq!(record_of(&chain, seats[0]).agreed, 1);
}

/// Workers before evidence that is kept off the chain, here (yet) or not; and their folders.
fn off_the_chain(evidence: Vec<u8>, here: bool) -> (Chained, Vec<Worker<Shared>>, [tempfile::TempDir; 2]) {
    let (folder, artifacts) = (folder(), folder());
    let chain = asked_with(evidence, "measured", false, |envelope, ciphertext| {
        let name = if here { envelope.cid.clone() } else { "late".to_owned() };
        std::fs::write(artifacts.path().join(name), ciphertext).expect("it writes");
    });
    let workers = workers(&chain, &seated(&chain), folder.path()).into_iter();
    let workers = workers.map(|one| one.with_artifacts(Some(artifacts.path().to_owned()))).collect();
    (chain, workers, [folder, artifacts])
}

#[test]
fn evidence_off_the_chain_is_waited_for_and_verified_once_it_is_here() {
    let (chain, mut workers, [_folder, artifacts]) = off_the_chain(flawless(), false);
    assert_eq!(round(&mut workers[0]).expect("it answers"), Round::default(), "it may still come");
    let late = std::fs::read(artifacts.path().join("late")).expect("it was sealed");
    std::fs::write(artifacts.path().join(ve_base::envelope::cid(&late)), late).expect("it writes");
    work(&chain, &mut workers, 4);
    assert_eq!(wallet(&chain).state(), VerificationState::Verified);
}

#[test]
fn evidence_off_the_chain_that_never_comes_sends_the_owner_back() {
    let (chain, mut workers, _folders) = off_the_chain(flawless(), false);
    work(&chain, &mut workers, 5);
    assert_eq!(request(&chain).reason_codes, ["EVIDENCE_MISSING"]);
}

#[test]
fn evidence_off_the_chain_that_was_exchanged_or_is_there_in_part_is_missing() {
    for change in [|_: &[u8]| b"something else".to_vec(), |whole: &[u8]| whole[..whole.len() / 2].to_vec()] {
        let (chain, mut workers, [_folder, artifacts]) = off_the_chain(flawless(), true);
        for entry in std::fs::read_dir(artifacts.path()).expect("the folder") {
            let path = entry.expect("a file").path();
            let whole = std::fs::read(&path).expect("it was sealed");
            std::fs::write(path, change(&whole)).expect("it writes");
        }
        assert_eq!(round(&mut workers[0]).expect("it answers"), Round::default(), "it may still come");
        work(&chain, &mut workers, 5);
        assert_eq!(request(&chain).reason_codes, ["EVIDENCE_MISSING"]);
    }
}

#[test]
fn a_travel_document_alone_is_no_identity() {
    // A passport's zone as travel documents print it, ICAO 9303 part 4.
    let zone = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<\nL898902C36UTO7408122F1204159ZE184226B<<<<<10";
    let (chain, folder) = (asked(zone.as_bytes().to_vec(), "mrz"), folder());
    work(&chain, &mut workers(&chain, &seated(&chain), folder.path()), 4);
    let left = wallet(&chain);
    assert_eq!((left.state(), left.score_milli), (VerificationState::Rejected, 0));
    assert!(request(&chain).reason_codes.contains(&"MISSING_SELFIE".to_owned()));
}
