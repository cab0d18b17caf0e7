//! Slow writers, dead writers, and readers that miss nothing.

use std::time::Duration;

use amazoff_catalog::{
    db::{
        journal::{Follower, Journal, JournalError, News, Patience, product_touch},
        products,
    },
    product::{Product, ProductInput, Stamp},
    search::Change,
};
use http::StatusCode;
use serde_json::Value;
use uuid::Uuid;

use crate::world::{World, product};

fn written(id: u128, revision: u64, name: &str) -> Product {
    let input: ProductInput =
        serde_json::from_value(product(&format!("k{id}"), name, name)).expect("a product");
    let at = jiff::Timestamp::UNIX_EPOCH;
    input.into_product(Stamp {
        id: Uuid::from_u128(id),
        revision,
        created_at: at,
        updated_at: at,
    })
}

async fn revisions(follower: &mut Follower) -> Vec<u64> {
    match follower.look().await.expect("the database answers") {
        News::Changes { changes, .. } => changes
            .into_iter()
            .map(|change| match change {
                Change::Product(product) => product.revision,
                Change::Removed(_, revision) => revision,
                Change::Category(category) => category.revision,
            })
            .collect(),
        News::Lost => unreachable!("the records are fresh"),
    }
}

async fn claim(journal: &Journal, id: u128) -> amazoff_catalog::db::journal::Claim {
    let touches = vec![product_touch(Uuid::from_u128(id))];
    let base = journal.begin(&touches).await.expect("free");
    journal
        .claim(base, &touches)
        .await
        .expect("the database answers")
        .expect("no conflict")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_writer_is_neither_waited_for_nor_missed() {
    let world = World::new().await;
    let journal = Journal::new(world.db().await, Patience::default());
    let mut follower = Follower::new(journal.clone(), 0);
    let slow = claim(&journal, 1).await;
    let quick = claim(&journal, 2).await;
    assert_eq!((slow.revision, quick.revision), (1, 2));
    journal
        .settle(quick, &[Change::Product(Box::new(written(2, 2, "B")))])
        .await
        .expect("settled");
    assert_eq!(revisions(&mut follower).await, [2]);
    assert_eq!(follower.holes(), 1);
    assert_eq!(revisions(&mut follower).await, [0; 0]);
    journal
        .settle(slow, &[Change::Product(Box::new(written(1, 1, "A")))])
        .await
        .expect("settled");
    assert_eq!(revisions(&mut follower).await, [1], "the hole is filled");
    assert_eq!(follower.holes(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_of_the_same_come_one_after_the_other() {
    let patience = Patience {
        waiting: Duration::from_millis(50),
        ..Patience::default()
    };
    let world = World::new().await;
    let journal = Journal::new(world.db().await, patience);
    let touches = vec![product_touch(Uuid::from_u128(1))];
    let early = journal.begin(&touches).await.expect("free");
    let first = claim(&journal, 1).await;
    assert!(
        journal
            .claim(early, &touches)
            .await
            .expect("the database answers")
            .is_none(),
        "what was read before is stale"
    );
    assert!(
        matches!(journal.begin(&touches).await, Err(JournalError::Busy)),
        "the first is still writing"
    );
    journal.settle(first, &[]).await.expect("settled");
    assert_eq!(claim(&journal, 1).await.revision, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_writer_left_is_found() {
    let patience = Patience {
        abandoned: Duration::from_millis(100),
        ..Patience::default()
    };
    let world = World::new().await;
    let db = world.db().await;
    let journal = Journal::new(db.clone(), patience);
    let mut follower = Follower::new(journal.clone(), 0);
    let dead = claim(&journal, 1).await;
    products::insert(&db, &[written(1, dead.revision, "A")])
        .await
        .expect("written");
    // It died here, before it settled. Another one goes on meanwhile.
    assert_eq!(revisions(&mut follower).await, [0; 0]);
    let mut found = Vec::new();
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while found.is_empty() && std::time::Instant::now() < deadline {
        found = revisions(&mut follower).await;
    }
    assert_eq!(found, [1]);
    // It only slept, wrote, and is told again under a new revision.
    let mut late = written(1, 1, "A");
    late.name.en = "late".to_owned();
    journal
        .settle(dead, &[Change::Product(Box::new(late))])
        .await
        .expect("settled");
    assert_eq!(revisions(&mut follower).await, [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_is_cut_off_blocks_nobody() {
    let patience = Patience {
        cut_off: Duration::from_millis(10),
        ..Patience::default()
    };
    let world = World::new().await;
    let db = world.db().await;
    let journal = Journal::new(db.clone(), patience);
    let mut follower = Follower::new(journal.clone(), 0);
    let claimed = claim(&journal, 1).await;
    products::insert(&db, &[written(1, claimed.revision, "A")])
        .await
        .expect("written");
    // The client hangs up, and what was to come next never comes.
    drop(claimed);
    assert_eq!(claim(&journal, 1).await.revision, 2);
    let mut seen = revisions(&mut follower).await;
    // Where reading takes longer than the patience, the second write is cut off too, and then the same product is looked at again.
    seen.dedup();
    assert_eq!(seen, [1], "what was written is seen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revisions_have_no_gaps_and_no_doubles() {
    let world = World::new().await;
    let journals: Vec<Journal> = futures::future::join_all(
        (0..4).map(async |_| Journal::new(world.db().await, Patience::default())),
    )
    .await;
    let writers = (0..40_u128).map(|id| {
        let journal = &journals[usize::try_from(id % 4).expect("small")];
        async move {
            let claim = claim_any(journal, id).await;
            let revision = claim.revision;
            journal
                .settle(
                    claim,
                    &[Change::Product(Box::new(written(id, revision, "A")))],
                )
                .await
                .expect("settled");
            revision
        }
    });
    let mut claimed = futures::future::join_all(writers).await;
    claimed.sort_unstable();
    assert_eq!(claimed, (1..=40).collect::<Vec<u64>>());
    let mut follower = Follower::new(journals[0].clone(), 0);
    let mut seen = revisions(&mut follower).await;
    seen.sort_unstable();
    assert_eq!(seen, claimed);
    // A checkpoint was left, so a new replica does not start from the beginning.
    let fresh = Journal::new(world.db().await, Patience::default());
    assert_eq!(fresh.find_start().await.expect("the database answers"), 32);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_who_look_ahead_of_the_reader_do_not_hide_checkpoints_from_it() {
    let world = World::new().await;
    let journal = Journal::new(world.db().await, Patience::default());
    for id in 0..40 {
        let claimed = claim(&journal, id).await;
        journal.settle(claimed, &[]).await.expect("settled");
    }
    let mut follower = Follower::new(journal.clone(), 0);
    assert_eq!(revisions(&mut follower).await, [0; 0]);
    let fresh = Journal::new(world.db().await, Patience::default());
    assert_eq!(fresh.find_start().await.expect("the database answers"), 32);
}

async fn claim_any(journal: &Journal, id: u128) -> amazoff_catalog::db::journal::Claim {
    claim(journal, id).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_fell_far_behind_reads_everything_anew() {
    let world = World::new().await;
    let shop = world.stocked().await;
    for number in 0..200 {
        shop.create(&product(&format!("p{number}"), "Milk", "Lait"))
            .await;
    }
    shop.eventually("all products", |list| list["total"] == 200, "/v1/products")
        .await;
    let mut slow = Follower::new(shop.app.journal.clone(), 0);
    assert!(
        matches!(slow.look().await, Ok(News::Lost)),
        "old records stay"
    );
    let fresh = world.replica().await;
    let list: Value = fresh
        .get("/v1/products")
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(list["total"], 200);
    // Revisions go on, though the records are gone.
    let before = shop
        .app
        .journal
        .find_start()
        .await
        .expect("the database answers");
    assert!(before >= 192, "{before}");
    let next = shop.create(&product("next", "Milk", "Lait")).await;
    assert!(next["revision"].as_u64().expect("a number") > 200);
}
