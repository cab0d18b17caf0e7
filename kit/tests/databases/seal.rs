use std::time::Duration;

use jiff::Timestamp;
use kit::{
    audit,
    clock::Clock,
    mariadb::Migration,
    page::PageQuery,
    seal::{self, Field, Sealer},
    testing::{FerretDb, MariaDb},
};
use serde_json::json;
use uuid::Uuid;

const MIGRATIONS: [Migration; 2] = [
    Migration {
        version: 1,
        name: "person keys",
        sql: seal::MIGRATION,
    },
    Migration {
        version: 2,
        name: "audit",
        sql: audit::MIGRATION,
    },
];

fn sealer() -> Sealer {
    Sealer::from_base64("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").expect("a master key")
}

const FIELD: Field<'static> = Field {
    table: "address",
    column: "line1",
    row: Uuid::from_u128(1),
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_erased_person_is_unreadable_and_rivals_agree_on_one_key() {
    let server = MariaDb::start().await;
    let pool = server.pool(&MIGRATIONS).await;
    let (ann, bob) = (Uuid::from_u128(7), Uuid::from_u128(8));
    let sealing = (0..8).map(|_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let mut transaction = pool.begin().await.expect("begun");
            let key = seal::open_or_create(&sealer(), &mut transaction, ann)
                .await
                .expect("a key");
            transaction.commit().await.expect("committed");
            key.seal(&FIELD, b"1 Main Street").expect("sealed")
        })
    });
    let mut sealed = Vec::new();
    for sealing in sealing.collect::<Vec<_>>() {
        sealed.push(sealing.await.expect("sealed"));
    }
    let mut connection = pool.acquire().await.expect("a connection");
    seal::open_or_create(&sealer(), &mut connection, bob)
        .await
        .expect("another");
    let key = seal::open(&sealer(), &mut connection, ann)
        .await
        .expect("read")
        .expect("hers");
    for sealed in &sealed {
        assert_eq!(
            key.unseal_text(&FIELD, sealed).expect("opened"),
            "1 Main Street"
        );
    }

    assert!(seal::erase(&mut connection, ann).await.expect("erased"));
    assert!(
        !seal::erase(&mut connection, ann)
            .await
            .expect("nothing left")
    );
    assert!(
        seal::open(&sealer(), &mut connection, ann)
            .await
            .expect("read")
            .is_none()
    );
    let new = seal::open_or_create(&sealer(), &mut connection, ann)
        .await
        .expect("a new one");
    for sealed in &sealed {
        assert!(new.unseal(&FIELD, sealed).is_err(), "for good");
    }
    assert!(
        seal::open(&sealer(), &mut connection, bob)
            .await
            .expect("read")
            .is_some()
    );
}

#[tokio::test]
async fn keys_in_mongodb_behave_the_same() {
    let server = FerretDb::start().await;
    let client = mongodb::Client::with_uri_str(server.uri())
        .await
        .expect("an address");
    let (database, ann) = (client.database("test"), Uuid::from_u128(7));
    let key = seal::mongodb::open_or_create(&sealer(), &database, ann)
        .await
        .expect("a key");
    let sealed = key.seal(&FIELD, b"1 Main Street").expect("sealed");
    let key = seal::mongodb::open_or_create(&sealer(), &database, ann)
        .await
        .expect("the same");
    assert_eq!(
        key.unseal(&FIELD, &sealed).expect("opened"),
        b"1 Main Street"
    );
    assert!(seal::mongodb::erase(&database, ann).await.expect("erased"));
    assert!(
        !seal::mongodb::erase(&database, ann)
            .await
            .expect("nothing left")
    );
    assert!(
        seal::mongodb::open(&sealer(), &database, ann)
            .await
            .expect("read")
            .is_none()
    );
    let new = seal::mongodb::open_or_create(&sealer(), &database, ann)
        .await
        .expect("a new one");
    assert!(new.unseal(&FIELD, &sealed).is_err());
}

#[tokio::test]
async fn what_was_done_is_listed_newest_first_by_actor_subject_and_action() {
    let server = MariaDb::start().await;
    let pool = server.pool(&MIGRATIONS).await;
    let clock = Clock::fixed(Timestamp::from_second(1_800_000_000).expect("a time"));
    let mut connection = pool.acquire().await.expect("a connection");
    for (number, (actor, action, subject)) in (0..).zip([
        ("ann", "roles.granted", "bob"),
        ("ann", "roles.granted", "eve"),
        ("bob", "thing.changed", "t-1"),
        ("ann", "thing.changed", "t-1"),
    ]) {
        audit::record(
            &mut connection,
            &clock,
            actor,
            action,
            subject,
            &json!({"number": number}),
        )
        .await
        .expect("recorded");
        clock.advance(Duration::from_secs(1));
    }
    for (actor, subject, action, numbers) in [
        (None, None, None, vec![3, 2, 1, 0]),
        (Some("ann"), None, None, vec![3, 1, 0]),
        (Some("ann"), None, Some("roles.granted"), vec![1, 0]),
        (None, Some("t-1"), None, vec![3, 2]),
        (Some("bob"), Some("t-1"), Some("thing.changed"), vec![2]),
        (None, None, Some("roles.granted"), vec![1, 0]),
        (Some("nobody"), None, None, vec![]),
    ] {
        let filter = audit::Filter {
            actor: actor.map(str::to_owned),
            subject: subject.map(str::to_owned),
            action: action.map(str::to_owned),
        };
        // Page by page.
        let (mut found, mut query) = (
            Vec::new(),
            PageQuery {
                limit: Some(1),
                cursor: None,
            },
        );
        loop {
            let page = audit::list(&mut connection, &filter, &query)
                .await
                .expect("listed");
            found.extend(
                page.items
                    .iter()
                    .map(|entry| entry.details["number"].as_i64().expect("a number")),
            );
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        assert_eq!(found, numbers, "{filter:?}");
    }
}
