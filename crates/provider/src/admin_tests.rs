use super::*;
use crate::model::LeaseId;
use crate::queue::{Action, CommandState, MAX_ATTEMPTS, Outcome};
use crate::testing::World;

fn lease() -> LeaseId {
    "ve1owner/1/1/1/ve1provider/1".parse().expect("a well-formed id")
}

/// A store with one dead letter and one command that is done.
fn prepare(db: &Db) -> u64 {
    let queue = Queue::new(db);
    let dead = queue.push(&lease(), Action::Provision, 1, 0).unwrap();
    for round in 0..MAX_ATTEMPTS {
        queue.take(u64::from(round) * 1000).unwrap().expect("due");
        queue.finish(dead, Outcome::Transient("no registry".into()), u64::from(round) * 1000).unwrap();
    }
    let done = queue.push(&lease(), Action::Terminate, 0, 0).unwrap();
    queue.take(now()).unwrap().expect("due");
    queue.finish(done, Outcome::Done, now()).unwrap();
    dead
}

async fn listed(home: &Home, all: bool) -> Vec<(u64, CommandState)> {
    match ask(home, &Request::List { all }).await.expect("an answer") {
        Answer::Commands(commands) => commands.into_iter().map(|command| (command.id, command.state)).collect(),
        other => panic!("{other:?}"),
    }
}

async fn exercise(home: &Home, dead: u64) {
    assert_eq!(listed(home, false).await, [(dead, CommandState::DeadLetter)]);
    assert_eq!(listed(home, true).await.len(), 2);
    assert_eq!(ask(home, &Request::Retry { id: dead }).await.expect("done"), Answer::Done);
    let again = ask(home, &Request::Drop { id: dead }).await.expect_err("it is live again");
    assert!(again.to_string().contains("no dead letter"), "{again}");
    assert!(ask(home, &Request::Retry { id: 99 }).await.is_err());
}

#[tokio::test]
async fn the_queue_is_reached_in_the_store_when_no_daemon_runs() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let home = Home(directory.path().to_owned());
    assert!(matches!(ask(&home, &Request::List { all: true }).await, Err(AdminError::NoHome(_))));
    let dead = prepare(&Db::open(&home.database()).expect("a store"));
    exercise(&home, dead).await;
}

#[tokio::test]
async fn the_queue_is_reached_through_the_daemon_while_it_runs() {
    let world = World::new().await;
    let home = Home(world.directory.path().to_owned());
    let dead = prepare(&world.daemon.db);
    let silent = ask(&home, &Request::List { all: true }).await;
    assert!(matches!(silent, Err(AdminError::Silent { .. })), "{silent:?}");
    tokio::spawn(serve(world.daemon.clone(), home.clone()));
    while !home.admin().exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mode = std::fs::metadata(home.admin()).expect("a socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    exercise(&home, dead).await;
}

#[tokio::test]
async fn words_that_are_no_request_are_refused_and_the_next_is_heard() {
    let world = World::new().await;
    let home = Home(world.directory.path().to_owned());
    tokio::spawn(serve(world.daemon.clone(), home.clone()));
    while !home.admin().exists() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut stream = UnixStream::connect(home.admin()).await.expect("listens");
    stream.write_all(b"{\"do\":\"format_disk\"}\n").await.expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).await.expect("an answer");
    assert!(text.contains("not understood"), "{text}");
    assert!(listed(&home, true).await.is_empty());
}

#[test]
fn only_root_and_the_own_user_are_trusted() {
    assert!(trusted(0) && trusted(rustix::process::geteuid().as_raw()));
    assert!(!trusted(rustix::process::geteuid().as_raw() + 1000));
}
