use super::*;

fn lease(dseq: u64) -> LeaseId {
    format!("ve1owner/{dseq}/1/1/ve1provider/1").parse().expect("a well-formed id")
}

fn open() -> (tempfile::TempDir, Db) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let db = Db::open(&directory.path().join("provider.redb")).expect("an empty store");
    (directory, db)
}

#[test]
fn asking_twice_for_the_same_command_queues_it_once() {
    let (_directory, db) = open();
    let queue = Queue::new(&db);
    let first = queue.push(&lease(1), Action::Provision, 1, 100).unwrap();
    let second = queue.push(&lease(1), Action::Provision, 1, 200).unwrap();
    assert_eq!(first, second);
    assert_eq!(queue.all().unwrap().len(), 1);
    assert_ne!(first, queue.push(&lease(1), Action::Update, 2, 200).unwrap());
}

#[test]
fn commands_of_one_lease_run_in_order_and_leases_do_not_block_each_other() {
    let (_directory, db) = open();
    let queue = Queue::new(&db);
    queue.push(&lease(1), Action::Provision, 1, 100).unwrap();
    queue.push(&lease(1), Action::Update, 2, 100).unwrap();
    queue.push(&lease(2), Action::Provision, 1, 100).unwrap();
    let first = queue.take(100).unwrap().expect("a due command");
    let other = queue.take(100).unwrap().expect("a due command of another lease");
    assert_eq!((first.lease, first.action), (lease(1), Action::Provision));
    assert_eq!((other.lease, other.action), (lease(2), Action::Provision));
    assert_eq!(queue.take(100).unwrap(), None, "the update waits for the provisioning before it");
    queue.finish(first.id, Outcome::Done, 101).unwrap();
    assert_eq!(queue.take(101).unwrap().expect("the update").action, Action::Update);
}

#[test]
fn a_failing_command_backs_off_and_ends_as_a_dead_letter_that_an_operator_can_retry() {
    let (_directory, db) = open();
    let queue = Queue::new(&db);
    let id = queue.push(&lease(1), Action::Provision, 1, 0).unwrap();
    let mut now = 0;
    let mut waits = Vec::new();
    for _ in 0..MAX_ATTEMPTS {
        let command = queue.take(now).unwrap().expect("due");
        queue.finish(command.id, Outcome::Transient("image registry is down".into()), now).unwrap();
        let after = queue.all().unwrap().remove(0);
        waits.push(after.next_at - now);
        assert_eq!(queue.take(after.next_at - 1).unwrap(), None, "not before its time");
        now = after.next_at;
    }
    assert_eq!(waits, [10, 20, 40, 80, 160]);
    assert_eq!(queue.all().unwrap()[0].state, CommandState::DeadLetter);
    assert!(queue.retry(id, now).unwrap());
    assert_eq!(queue.take(now).unwrap().expect("due again").attempts, 1);
    assert!(!queue.retry(id, now).unwrap(), "a live command is not retried");
}

#[test]
fn a_permanent_error_is_not_tried_again() {
    let (_directory, db) = open();
    let queue = Queue::new(&db);
    queue.push(&lease(1), Action::Provision, 1, 0).unwrap();
    let command = queue.take(0).unwrap().expect("due");
    queue.finish(command.id, Outcome::Permanent("the image has no linux/amd64 variant".into()), 1).unwrap();
    assert_eq!(queue.take(u64::MAX / 2).unwrap(), None);
    assert_eq!(queue.all().unwrap()[0].state, CommandState::Failed);
}

#[test]
fn a_command_that_ran_when_the_daemon_died_runs_again_after_a_restart() {
    let (directory, db) = open();
    let path = directory.path().join("provider.redb");
    let queue = Queue::new(&db);
    queue.push(&lease(1), Action::Provision, 1, 0).unwrap();
    let taken = queue.take(0).unwrap().expect("due");
    assert_eq!(queue.take(1).unwrap(), None, "it is running");
    drop(db);
    let db = Db::open(&path).expect("the same store");
    let queue = Queue::new(&db);
    queue.recover(2).unwrap();
    let again = queue.take(2).unwrap().expect("due again");
    assert_eq!((again.id, again.attempts), (taken.id, 1), "a crash is not counted as a failed attempt");
}

#[test]
fn terminating_a_lease_overtakes_what_waits_for_it() {
    let (_directory, db) = open();
    let queue = Queue::new(&db);
    queue.push(&lease(1), Action::Provision, 1, 0).unwrap();
    queue.push(&lease(1), Action::Terminate, 0, 0).unwrap();
    let next = queue.take(0).unwrap().expect("due");
    assert_eq!(next.action, Action::Terminate);
    let provision = queue.find(&lease(1), Action::Provision, 1).unwrap().expect("kept for the record");
    assert_eq!(provision.state, CommandState::Failed);
}

#[test]
fn ended_commands_are_forgotten_after_a_day_but_dead_letters_are_not() {
    let (_directory, db) = open();
    let queue = Queue::new(&db);
    queue.push(&lease(1), Action::Provision, 1, 0).unwrap();
    let done = queue.take(0).unwrap().expect("due");
    queue.finish(done.id, Outcome::Done, 1).unwrap();
    queue.recover(KEEP_ENDED_S).unwrap();
    assert_eq!(queue.all().unwrap().len(), 1);
    queue.recover(KEEP_ENDED_S + 2).unwrap();
    assert!(queue.all().unwrap().is_empty());
}

#[test]
fn a_dropped_dead_letter_is_neither_tried_again_nor_counted_as_one() {
    let (_directory, db) = open();
    let queue = Queue::new(&db);
    let id = queue.push(&lease(1), Action::Provision, 1, 0).unwrap();
    assert!(!queue.drop_letter(id, 0).unwrap(), "a waiting command is not dropped");
    let mut now = 0;
    for _ in 0..MAX_ATTEMPTS {
        queue.take(now).unwrap().expect("due");
        queue.finish(id, Outcome::Transient("image registry is down".into()), now).unwrap();
        now += MAX_BACKOFF_S;
    }
    assert!(queue.drop_letter(id, now).unwrap());
    let dropped = queue.all().unwrap().remove(0);
    assert_eq!(dropped.state, CommandState::Failed);
    assert!(dropped.last_error.expect("a cause").ends_with("image registry is down"));
    assert!(!queue.retry(id, now).unwrap());
    assert_eq!(queue.take(u64::MAX / 2).unwrap(), None);
}

#[test]
fn the_standing_follows_the_newest_attempt_at_the_present_generation() {
    let (_directory, db) = open();
    let queue = Queue::new(&db);
    let standing = |generation| Standing::of(&queue.all().unwrap(), &lease(1), generation);
    assert_eq!(standing(1), Standing::Idle);
    let first = queue.push(&lease(1), Action::Provision, 1, 0).unwrap();
    assert_eq!(standing(1), Standing::Working);
    queue.take(0).unwrap().expect("due");
    queue.finish(first, Outcome::Permanent("no such image".into()), 1).unwrap();
    assert_eq!(standing(1), Standing::GaveUp);
    assert_eq!(standing(2), Standing::Idle, "a new manifest is a new generation");
    let second = queue.push(&lease(1), Action::Update, 2, 2).unwrap();
    queue.take(2).unwrap().expect("due");
    queue.finish(second, Outcome::Done, 3).unwrap();
    assert_eq!(standing(2), Standing::Idle);
}

#[test]
fn a_chain_that_cannot_be_told_uses_up_no_attempts() {
    let (_directory, db) = open();
    let queue = Queue::new(&db);
    queue.push(&lease(1), Action::Stop, 1, 0).unwrap();
    let mut now = 0;
    for _ in 0..MAX_ATTEMPTS * 3 {
        let command = queue.take(now).unwrap().expect("due");
        assert_eq!(command.attempts, 1);
        queue.finish(command.id, Outcome::Unheard("no node answers".into()), now).unwrap();
        now += FIRST_BACKOFF_S;
    }
    let waiting = queue.all().unwrap().remove(0);
    assert_eq!((waiting.state, waiting.last_error.as_deref()), (CommandState::Pending, Some("no node answers")));
}

#[test]
fn operations_of_one_lease_are_told_apart_by_their_numbers_and_kinds() {
    let (_directory, db) = open();
    let queue = Queue::new(&db);
    let first = queue.push(&lease(1), Action::Restart, 4, 0).unwrap();
    assert_eq!(queue.push(&lease(1), Action::Restart, 4, 1).unwrap(), first, "the same operation, seen again");
    assert_ne!(queue.push(&lease(1), Action::Restart, 5, 1).unwrap(), first);
    assert_ne!(queue.push(&lease(1), Action::Suspend, 4, 1).unwrap(), first);
}
