//! Sets of real `MariaDB` servers, each beside an agent, and the planner that tells them what to be.

mod servers;
mod writers;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use amazoff_operator::control::caller::Caller;
use amazoff_operator::databases::mariadb::ask::Members;
use amazoff_operator::databases::mariadb::plan::{Order, Say, Task, Trouble};
use amazoff_operator::databases::mariadb::record::Member;
use amazoff_operator::databases::mariadb::seen::{Report, Server, Sight};
use sqlx::Executor as _;

use self::servers::{PASSWORD, Set, free_port, make_identities, start_agent};
use self::writers::{Writers, lock, longest_gap};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_primary_is_replaced_and_nothing_acknowledged_is_missing() {
    let set = Set::start().await;
    let writers = Writers::start(&set, 8).await;
    for _ in 0..3 {
        let (before, epoch) = (writers.count(), set.record().epoch);
        set.until("writing", |_| writers.count() > before + 200)
            .await;
        set.signal(set.record().primary, rustix::process::Signal::KILL);
        let took = writers.again_after(Instant::now()).await;
        println!(
            "figure: primary killed, acknowledged again: {} ms",
            took.as_millis()
        );
        set.until("safe in another epoch", |set| {
            set.record().epoch > epoch && set.says() == Say::Safe
        })
        .await;
    }
    let acknowledged = writers.stop().await;
    set.holds_everywhere(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_primary_is_replaced_and_comes_back_as_a_replica() {
    let set = Set::start().await;
    let writers = Writers::start(&set, 8).await;
    set.until("writing", |_| writers.count() > 200).await;
    let (frozen, epoch) = (set.record().primary, set.record().epoch);
    set.signal(frozen, rustix::process::Signal::STOP);
    let took = writers.again_after(Instant::now()).await;
    println!(
        "figure: primary frozen, acknowledged again: {} ms",
        took.as_millis()
    );
    set.until("safe in another epoch", |set| {
        set.record().epoch > epoch && set.says() == Say::Safe
    })
    .await;
    assert_ne!(set.record().primary, frozen);
    let acknowledged = writers.stop().await;
    set.holds_everywhere(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_killed_at_once_come_back_with_everything_acknowledged() {
    let set = Set::start().await;
    let writers = Writers::start(&set, 8).await;
    for _ in 0..3 {
        let before = writers.count();
        set.until("writing", |_| writers.count() > before + 200)
            .await;
        let epoch = set.record().epoch;
        for member in 0..3 {
            set.signal(member, rustix::process::Signal::KILL);
        }
        let took = writers.again_after(Instant::now()).await;
        println!(
            "figure: all killed, acknowledged again: {} ms",
            took.as_millis()
        );
        set.until("safe", |set| set.says() == Say::Safe).await;
        assert_eq!(
            set.record().epoch,
            epoch,
            "who held everything is still the primary"
        );
    }
    let acknowledged = writers.stop().await;
    set.holds_everywhere(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_replica_stops_nobody_and_catches_up() {
    let set = Set::start().await;
    let writers = Writers::start(&set, 8).await;
    for turn in 0..4 {
        let before = writers.count();
        set.until("writing", |_| writers.count() > before + 200)
            .await;
        let others: Vec<Member> = (0..3)
            .filter(|member| *member != set.record().primary)
            .collect();
        set.signal(others[turn % 2], rustix::process::Signal::KILL);
        let now = writers.count();
        set.until("writing on", |_| writers.count() > now + 200)
            .await;
        set.until("safe", |set| set.says() == Say::Safe).await;
    }
    let gap = longest_gap(&lock(&writers.acknowledged));
    println!(
        "figure: replicas killed, longest gap: {} ms",
        gap.as_millis()
    );
    assert_eq!(set.record().epoch, 1);
    let acknowledged = writers.stop().await;
    set.holds_everywhere(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_hands_over_when_it_is_asked_to() {
    let set = Set::start().await;
    let writers = Writers::start(&set, 8).await;
    for _ in 0..4 {
        let before = writers.count();
        set.until("writing", |_| writers.count() > before + 200)
            .await;
        let from = lock(&writers.acknowledged).len();
        let next = (set.record().primary + 1) % 3;
        *lock(&set.switch_to) = Some(next);
        set.until("handed over", |set| {
            set.record().primary == next && set.says() == Say::Safe
        })
        .await;
        let now = writers.count();
        set.until("writing on", |_| writers.count() > now + 50)
            .await;
        let gap = longest_gap(&lock(&writers.acknowledged)[from..]);
        println!("figure: handed over, longest gap: {} ms", gap.as_millis());
    }
    let acknowledged = writers.stop().await;
    set.holds_everywhere(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_that_differs_or_has_lost_its_volume_is_copied_anew() {
    let mut set = Set::start().await;
    let writers = Writers::start(&set, 4).await;
    set.until("writing", |_| writers.count() > 200).await;
    let primary = set.record().primary;
    let (one, other) = ((primary + 1) % 3, (primary + 2) % 3);
    let is_copied = |set: &Set| set.says() == Say::Degraded(Trouble::Copying(one));

    // It lacks a row that the primary changes.
    let known = lock(&writers.acknowledged)[0].0;
    let mut connection = set.administrator(one).await;
    connection
        .execute("SET SESSION sql_log_bin = 0")
        .await
        .expect("set");
    let deleted = sqlx::query("DELETE FROM entry WHERE id = ?").bind(known);
    let deleted = deleted.execute(&mut connection).await.expect("deleted");
    assert_eq!(deleted.rows_affected(), 1);
    let changed = sqlx::query("UPDATE entry SET at = NOW(6) + INTERVAL 1 DAY WHERE id = ?");
    changed
        .bind(known)
        .execute(&mut set.writer().await)
        .await
        .expect("changed");
    set.until("copying who can't go on", is_copied).await;
    set.until("safe", |set| set.says() == Say::Safe).await;

    // It holds what no other does.
    let mut connection = set.administrator(one).await;
    connection
        .execute("INSERT INTO entry (id) VALUES (-1)")
        .await
        .expect("inserted");
    set.until("copying who differs", is_copied).await;
    set.until("safe", |set| set.says() == Say::Safe).await;

    // It has nothing, and the others no longer have all that would have to be applied.
    for member in [primary, other] {
        set.purge_binary_logs(member).await;
    }
    set.lose_volume(one).await;
    set.until("copying who has nothing", is_copied).await;
    set.until("safe", |set| set.says() == Say::Safe).await;

    assert_eq!(set.record().primary, primary);
    let acknowledged = writers.stop().await;
    set.holds_everywhere(&acknowledged).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_start_goes_on_when_whoever_ordered_it_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("replication"), PASSWORD).expect("written");
    let caller = Caller::new(&make_identities(folder.path())).expect("a client");
    let (port, control) = (free_port(), free_port());
    let _agent = start_agent(folder.path(), 0, &[port], &[control]);
    let address = format!("https://127.0.0.1:{control}");
    let mut members = Members::new(BTreeMap::from([(0, address)]), caller);
    let order = Order {
        version: 1,
        epoch: 1,
        member: 0,
        task: Task::StartAsReplica,
        why: "a test wants it".into(),
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    let mut is_ordered = false;
    loop {
        let sights = members.look(3, &BTreeSet::new()).await;
        match &sights[&0] {
            Sight::Answers(Report {
                server: Server::Up(_),
                ..
            }) => return,
            Sight::Answers(Report {
                server: Server::Down,
                ..
            }) if !is_ordered => {
                // Long enough for the order to be heard, too short for a server to start.
                let sent = members.send(std::slice::from_ref(&order));
                let gone = tokio::time::timeout(Duration::from_millis(50), sent).await;
                is_ordered = gone.is_err();
            }
            sight => assert!(Instant::now() < deadline, "it is {sight:?}"),
        }
    }
}
