use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use http::StatusCode;
use jiff::Timestamp;
use kit::{
    Health,
    mariadb::{self, At, MigrateError, Migration, Mode, MySqlPool},
    testing::{MariaDb, wait_for},
};
use sqlx::Connection as _;

const THINGS: Migration = Migration {
    version: 1,
    name: "things",
    sql: "CREATE TABLE IF NOT EXISTS thing (
            id INT NOT NULL PRIMARY KEY, name VARCHAR(20) NOT NULL, room INT NOT NULL DEFAULT 0, at DATETIME(6) NULL,
            CONSTRAINT enough_room CHECK (room >= 0), UNIQUE KEY one_of_a_name (name)
        );
        CREATE TABLE IF NOT EXISTS part (
            thing INT NOT NULL, CONSTRAINT part_of_thing FOREIGN KEY (thing) REFERENCES thing (id)
        );",
};

const ONCE: Migration = Migration {
    version: 2,
    name: "once",
    sql: "INSERT INTO thing (id, name) VALUES (1, 'once')",
};

async fn count(pool: &MySqlPool, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(pool)
        .await
        .expect("counted")
}

#[tokio::test]
async fn a_server_starts_in_a_moment_and_holds_every_connection_to_strict_rules() {
    MariaDb::start().await;
    let began = Instant::now();
    let server = MariaDb::start().await;
    println!("a server starts in {} ms", began.elapsed().as_millis());
    let pool = server.pool(&[THINGS]).await;
    let (zone, isolation, charset): (String, String, String) = sqlx::query_as(
        "SELECT @@session.time_zone, @@session.tx_isolation, @@session.character_set_client",
    )
    .fetch_one(&pool)
    .await
    .expect("settings");
    assert_eq!(
        (&*zone, &*isolation, &*charset),
        ("+00:00", "READ-COMMITTED", "utf8mb4")
    );
    let (idle, open): (u64, u64) =
        sqlx::query_as("SELECT @@session.wait_timeout, @@session.idle_transaction_timeout")
            .fetch_one(&pool)
            .await
            .expect("settings");
    assert_eq!(
        (idle, open),
        (900, 30),
        "what a lost machine holds is given up"
    );
    let too_long = sqlx::query("INSERT INTO thing (id, name) VALUES (1, ?)")
        .bind("x".repeat(21))
        .execute(&pool)
        .await;
    assert!(too_long.is_err(), "nothing is cut silently");
}

#[tokio::test]
async fn instants_come_back_to_the_microsecond() {
    let server = MariaDb::start().await;
    let pool = server.pool(&[THINGS]).await;
    for (id, at) in (0_i32..).zip([
        "1970-01-01T00:00:00Z",
        "2024-02-29T23:59:59.999999Z",
        "2026-11-24T13:20:49.5Z",
        "1969-12-31T23:59:59.000001Z",
        "9999-12-30T22:00:00Z",
    ]) {
        let at: Timestamp = at.parse().expect("an instant");
        sqlx::query("INSERT INTO thing (id, name, at) VALUES (?, ?, ?)")
            .bind(id)
            .bind(id.to_string())
            .bind(At(at))
            .execute(&pool)
            .await
            .expect("written");
        let (read, text): (At, String) =
            sqlx::query_as("SELECT at, CAST(at AS CHAR) FROM thing WHERE id = ? AND at = ?")
                .bind(id)
                .bind(At(at))
                .fetch_one(&pool)
                .await
                .expect("found by its instant");
        assert_eq!(read.0, at, "{text}");
    }
    let none: Option<At> =
        sqlx::query_scalar("SELECT at FROM thing WHERE id = 0 UNION SELECT NULL LIMIT 1, 1")
            .fetch_one(&pool)
            .await
            .expect("read");
    assert_eq!(none, None);
}

#[tokio::test]
async fn a_refused_write_names_its_constraint() {
    let server = MariaDb::start().await;
    let pool = server.pool(&[THINGS]).await;
    for (sql, name) in [
        (
            "INSERT INTO thing (id, name) VALUES (1, 'it''s for key ''x''')",
            None,
        ),
        (
            "INSERT INTO thing (id, name) VALUES (1, 'b')",
            Some("PRIMARY"),
        ),
        (
            "INSERT INTO thing (id, name) VALUES (2, 'it''s for key ''x''')",
            Some("one_of_a_name"),
        ),
        ("UPDATE thing SET room = -1", Some("enough_room")),
        ("INSERT INTO part (thing) VALUES (1)", None),
        ("INSERT INTO part (thing) VALUES (2)", Some("part_of_thing")),
        ("DELETE FROM thing", Some("part_of_thing")),
    ] {
        let outcome = sqlx::query(sql).execute(&pool).await;
        let refused = outcome
            .err()
            .map(|error| mariadb::constraint(&error).expect("a constraint"));
        assert_eq!(refused.as_deref(), name, "{sql}");
    }
}

#[derive(Debug, thiserror::Error)]
enum MoveError {
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

#[tokio::test]
async fn a_transaction_that_lost_a_deadlock_is_run_again() {
    let server = MariaDb::start().await;
    let pool = server.pool(&[THINGS]).await;
    sqlx::query("INSERT INTO thing (id, name) VALUES (1, 'a'), (2, 'b')")
        .execute(&pool)
        .await
        .expect("written");
    let runs = AtomicU32::new(0);
    let barrier = tokio::sync::Barrier::new(2);
    let swap = |first: i32, second: i32| {
        let (pool, runs, barrier) = (&pool, &runs, &barrier);
        async move {
            let is_first_run = runs.fetch_add(1, Ordering::SeqCst) < 2;
            let mut transaction = pool.begin().await?;
            for id in [first, second] {
                sqlx::query("UPDATE thing SET room = room + 1 WHERE id = ?")
                    .bind(id)
                    .execute(&mut *transaction)
                    .await?;
                if is_first_run && id == first {
                    barrier.wait().await;
                }
            }
            transaction.commit().await?;
            Ok::<_, MoveError>(())
        }
    };
    let (one, two) = tokio::join!(
        mariadb::retrying(3, || swap(1, 2)),
        mariadb::retrying(3, || swap(2, 1))
    );
    one.expect("done");
    two.expect("done");
    assert_eq!(runs.load(Ordering::SeqCst), 3, "one of them ran twice");
    assert_eq!(
        count(&pool, "SELECT CAST(SUM(room) AS SIGNED) FROM thing").await,
        4
    );
}

#[tokio::test]
async fn replicas_that_start_together_migrate_once() {
    let server = MariaDb::start().await;
    let replicas = (0..5).map(|_| {
        let pool = mariadb::open(&server.url(), 2).expect("an address");
        tokio::spawn(async move { mariadb::migrate(&pool, &[ONCE, THINGS]).await })
    });
    for replica in replicas.collect::<Vec<_>>() {
        replica.await.expect("no panic").expect("migrated");
    }
}

#[tokio::test]
async fn a_migration_that_was_changed_or_fails_is_named_and_one_cut_in_the_middle_is_finished() {
    let server = MariaDb::start().await;
    let mut administrator = server.administrator().await;
    // What a crash after the first statement leaves.
    sqlx::raw_sql(THINGS.sql.split_inclusive(';').next().expect("one"))
        .execute(&mut administrator)
        .await
        .expect("half of it");
    server.pool(&[THINGS]).await;
    let pool = mariadb::open(&server.url(), 2).expect("an address");
    assert_eq!(count(&pool, "SELECT COUNT(*) FROM part").await, 0);

    let changed = Migration {
        sql: "SELECT 1",
        ..THINGS
    };
    assert!(matches!(
        mariadb::migrate(&pool, &[changed]).await,
        Err(MigrateError::Changed { version: 1, .. })
    ));
    let broken = Migration {
        version: 2,
        name: "broken",
        sql: "CREATE TABLE a (x INT); CREATE NONSENSE;",
    };
    assert!(matches!(
        mariadb::migrate(&pool, &[THINGS, broken]).await,
        Err(MigrateError::Failed { version: 2, .. })
    ));
    assert_eq!(count(&pool, "SELECT COUNT(*) FROM migration").await, 1);
    mariadb::migrate(&pool, &[])
        .await
        .expect("what a newer release did is left alone");
}

#[tokio::test]
async fn who_serves_can_change_no_table_and_waits_until_somebody_else_has() {
    const WIDER: Migration = Migration {
        version: 2,
        name: "wider",
        sql: "ALTER TABLE thing ADD COLUMN IF NOT EXISTS note VARCHAR(20) NULL;",
    };
    let server = MariaDb::start().await;
    let old = server.pool(&[THINGS]).await;
    for statement in [
        "CREATE TABLE other (a INT)",
        "ALTER TABLE thing ADD COLUMN a INT",
        "DROP TABLE thing",
        "TRUNCATE TABLE thing",
        "CREATE INDEX thing_room ON thing (room)",
        "CREATE DATABASE other",
    ] {
        let refused = sqlx::query(statement).execute(&old).await;
        assert!(refused.is_err(), "{statement}");
    }
    assert!(mariadb::migrate(&old, &[THINGS, WIDER]).await.is_err());

    let health = Health::new();
    let new = mariadb::open(&server.serving_url(), 2).expect("an address");
    let both: &[Migration] = &[THINGS, WIDER];
    assert!(matches!(
        mariadb::check(&new, both).await,
        Err(MigrateError::Pending { version: 2, .. })
    ));
    let ready = mariadb::migrate_when_there(new, both, Mode::Await, health.clone());
    let ready = tokio::spawn(ready);
    assert!(!health.is_ready());
    mariadb::migrate_and_end(&server.url(), both)
        .await
        .expect("migrated");
    ready.await.expect("no panic");
    assert!(health.is_ready());

    // The release before, meanwhile and after a rollback.
    mariadb::check(&old, &[THINGS]).await.expect("all it needs");
    sqlx::query("INSERT INTO thing (id, name) VALUES (77, 'old')")
        .execute(&old)
        .await
        .expect("it knows nothing of the new column");
}

#[tokio::test]
async fn a_service_waits_for_its_database_unready_and_answers_503() {
    let mut server = MariaDb::start().await;
    server.kill().await;
    let pool = mariadb::open(&server.url(), 5).expect("an address");
    let health = Health::new();
    let waiting = mariadb::migrate_when_there(pool.clone(), &[THINGS], Mode::Apply, health.clone());
    assert!(!health.is_ready(), "before anything was tried");
    let waiting = tokio::spawn(waiting);
    let error = sqlx::query("SELECT 1")
        .execute(&pool)
        .await
        .expect_err("no server");
    assert_eq!(
        mariadb::unavailable(error).status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert!(mariadb::ping(&pool).await.is_err());
    server.restart().await;
    waiting.await.expect("no panic");
    assert!(health.is_ready());
    assert_eq!(mariadb::ping(&pool).await, Ok(()));
    let too_early = sqlx::query("SELECT 1 FROM made_by_the_next_migration")
        .execute(&pool)
        .await
        .expect_err("no table");
    assert_eq!(
        mariadb::unavailable(too_early).status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    let wrong = sqlx::query("SELECT nonsense")
        .execute(&pool)
        .await
        .expect_err("wrong");
    assert_eq!(
        mariadb::unavailable(wrong).status(),
        StatusCode::INTERNAL_SERVER_ERROR
    );
}

#[tokio::test]
async fn a_pool_leaves_a_server_that_became_read_only() {
    let server = MariaDb::start().await;
    server.pool(&[THINGS]).await;
    let pool = mariadb::open(&server.url(), 1).expect("an address");
    let mut administrator = server.administrator().await;
    let id = || async { count(&pool, "SELECT CAST(CONNECTION_ID() AS SIGNED)").await };
    let before = id().await;
    assert_eq!(id().await, before, "a connection is used again");

    sqlx::raw_sql("SET GLOBAL read_only = 1")
        .execute(&mut administrator)
        .await
        .expect("read-only");
    wait_for("the connection to be left", || async {
        let refused = sqlx::query("INSERT INTO thing (id, name) VALUES (1, 'a')")
            .execute(&pool)
            .await
            .expect_err("read-only");
        assert_eq!(
            mariadb::unavailable(refused).status(),
            StatusCode::SERVICE_UNAVAILABLE
        );
        (id().await != before).then_some(())
    })
    .await;

    sqlx::raw_sql("SET GLOBAL read_only = 0")
        .execute(&mut administrator)
        .await
        .expect("writable");
    let began = Instant::now();
    let after = id().await;
    while began.elapsed() < Duration::from_millis(500) {
        // Time must pass for the pool to look again, and the new connection must survive that.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(id().await, after);
    }
    administrator.close().await.expect("closed");
}
