use ve_proto::ve::veid::v1::{Fault, MemberRecord, Run, RunState, ScoreAttestation, Seat};

use crate::veid::faults::{End, count, is_sentenced, sentenced, verdict};
use crate::veid::sentences::DELAY;

/// A run whose seats answered like this; their members are numbered.
fn run(state: RunState, seats: Vec<Seat>) -> Run {
    let numbered = |(number, seat)| Seat { member: format!("member {number}"), ..seat };
    Run { state: state.into(), seats: seats.into_iter().enumerate().map(numbered).collect(), ..Run::default() }
}

fn opened(digest: u8) -> Seat {
    Seat { commit: vec![1; 32], e_digest: vec![digest; 32], ..Seat::default() }
}

fn attested(score: u32) -> Seat {
    Seat { attestation: Some(ScoreAttestation { score, ..ScoreAttestation::default() }), ..opened(1) }
}

fn failed(seat: Seat) -> Seat {
    Seat { failure: "CANNOT_OPEN".into(), ..seat }
}

fn faults(run: &Run, end: End<'_>) -> Vec<Option<Fault>> {
    run.seats.iter().map(|seat| verdict(run, seat, end).and_then(Result::err)).collect()
}

#[test]
fn nobody_is_silent_when_most_of_the_seats_are() {
    let silent = || Seat::default();
    let bound = || Seat { commit: vec![1; 32], ..Seat::default() };
    let mostly = run(RunState::Extracting, vec![bound(), bound(), bound(), silent(), silent(), silent(), silent()]);
    assert_eq!(faults(&mostly, End::NoQuorum), [None; 7], "the evidence may have stopped them all");
    let few = run(RunState::Extracting, vec![bound(), bound(), bound(), bound(), silent(), silent(), silent()]);
    assert_eq!(faults(&few, End::NoQuorum)[4..], [Some(Fault::Silent); 3]);
}

#[test]
fn who_could_not_open_what_others_scored_is_at_no_fault() {
    let right = ScoreAttestation { score: 60, ..ScoreAttestation::default() };
    let scored = run(RunState::Attesting, vec![attested(60), attested(60), attested(60), failed(Seat::default())]);
    assert_eq!(faults(&scored, End::Scored(&right)), [None; 4]);
    let unread = vec![failed(Seat::default()), failed(Seat::default()), failed(Seat::default()), opened(1)];
    let unread = run(RunState::Extracting, unread);
    assert_eq!(faults(&unread, End::Failed("CANNOT_OPEN")), [None; 4]);
    assert_eq!(verdict(&unread, &unread.seats[3], End::Failed("CANNOT_OPEN")), None, "it is no merit, either");
}

#[test]
fn who_stands_in_the_way_of_most_of_the_seats_owes_its_attestation() {
    let seats =
        vec![attested(60), attested(60), attested(60), attested(60), attested(61), failed(opened(1)), opened(2)];
    let blocked = run(RunState::Attesting, seats);
    let found = faults(&blocked, End::NoQuorum);
    assert_eq!(found[..4], [None; 4]);
    assert_eq!(found[4..], [Some(Fault::Silent), Some(Fault::Silent), Some(Fault::DivergentFeatures)]);
    let divided = run(RunState::Attesting, vec![attested(60), attested(60), attested(61), attested(61)]);
    assert_eq!(faults(&divided, End::NoQuorum), [None; 4], "nobody knows who is right");
}

#[test]
fn one_outage_is_one_fault() {
    let mut record = MemberRecord { epoch: 3, epoch_runs: 50, ..MemberRecord::default() };
    let due = |record: &mut MemberRecord| (0..11).filter(|_| count(record, Fault::Silent)).count();
    assert_eq!(due(&mut record), 1);
    assert_eq!(due(&mut record), 0, "once in an epoch");
    assert_eq!((record.missed, record.silent), (22, 22));
    let mut busy = MemberRecord { epoch: 3, epoch_runs: 1_000, ..MemberRecord::default() };
    assert_eq!(due(&mut busy), 0, "eleven of a thousand are few");
}

#[test]
fn divergent_features_are_punished_at_the_third_and_a_divergent_score_at_once() {
    let mut record = MemberRecord { runs: 10, ..MemberRecord::default() };
    let strikes: Vec<bool> = (0..4).map(|_| count(&mut record, Fault::DivergentFeatures)).collect();
    assert_eq!(strikes, [false, false, true, false]);
    assert!(count(&mut record, Fault::DivergentScore));
}

#[test]
fn one_sentence_of_a_kind_waits_at_a_time() {
    let mut record = MemberRecord::default();
    assert!(sentenced(&mut record, Fault::Mismatch, 1_000));
    assert!(!sentenced(&mut record, Fault::DivergentScore, 1_001), "before it can know of the first");
    assert!(sentenced(&mut record, Fault::WrongScore, 1_002), "of another kind");
    assert_eq!(record.divergent, 2, "each is counted");
    assert!(is_sentenced(&record, 1_000 + DELAY) && !is_sentenced(&record, 1_002 + DELAY));
    assert!(sentenced(&mut record, Fault::DivergentScore, 1_000 + DELAY), "it did not learn");
}
