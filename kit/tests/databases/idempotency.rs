use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use kit::{
    Problem,
    clock::Clock,
    idempotency::{self, Begun, Key, Request, begin},
    mariadb::{self, Migration, MySqlPool},
    testing::MariaDb,
};
use serde_json::json;

const MIGRATIONS: [Migration; 2] = [
    Migration {
        version: 1,
        name: "idempotency",
        sql: idempotency::MIGRATION,
    },
    Migration {
        version: 2,
        name: "effect",
        sql: "CREATE TABLE IF NOT EXISTS effect (number INT NOT NULL)",
    },
];

fn key(key: &'static str) -> Key {
    let headers = HeaderMap::from_iter([(
        HeaderName::from_static("idempotency-key"),
        HeaderValue::from_static(key),
    )]);
    Key::read(&headers).expect("a key").expect("present")
}

fn request(caller: &str, number: i32) -> Request {
    Request::new(
        "POST /v1/things",
        caller,
        &key("k-1"),
        &json!({"number": number}),
    )
}

fn clock() -> Clock {
    Clock::fixed(Timestamp::from_second(1_800_000_000).expect("a time"))
}

async fn effects(pool: &MySqlPool) -> i64 {
    sqlx::query_scalar("SELECT COUNT(*) FROM effect")
        .fetch_one(pool)
        .await
        .expect("counted")
}

async fn act(
    pool: &MySqlPool,
    clock: &Clock,
    request: &Request,
    number: i32,
) -> Result<Response, Problem> {
    idempotency::once(pool, clock, request, |attempt| async move {
        let mut transaction = pool.begin().await.map_err(mariadb::unavailable)?;
        sqlx::query("INSERT INTO effect (number) VALUES (?)")
            .bind(number)
            .execute(&mut *transaction)
            .await
            .map_err(mariadb::unavailable)?;
        if number < 0 {
            return Err(Problem::invalid().field("number", "must not be negative"));
        }
        attempt
            .finish(
                &mut transaction,
                StatusCode::CREATED,
                &json!({"number": number}),
            )
            .await?;
        transaction.commit().await.map_err(mariadb::unavailable)?;
        Ok((StatusCode::CREATED, axum::Json(json!({"number": number}))).into_response())
    })
    .await
}

async fn read(response: Response) -> (StatusCode, String, bool) {
    let (status, replayed) = (
        response.status(),
        response.headers().contains_key("idempotency-replayed"),
    );
    let body = axum::body::to_bytes(response.into_body(), 1000)
        .await
        .expect("a body");
    (
        status,
        String::from_utf8(body.to_vec()).expect("text"),
        replayed,
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_requests_at_once_have_one_effect_and_one_answer() {
    let server = MariaDb::start().await;
    let pool = server.pool(&MIGRATIONS).await;
    let (clock, busy) = (clock(), Arc::new(AtomicU32::new(0)));
    let asking = (0..20).map(|_| {
        let (pool, clock, busy) = (pool.clone(), clock.clone(), Arc::clone(&busy));
        tokio::spawn(async move {
            loop {
                match act(&pool, &clock, &request("ann", 1), 1).await {
                    Ok(response) => return read(response).await,
                    Err(problem) => {
                        assert_eq!(problem.status(), StatusCode::CONFLICT);
                        busy.fetch_add(1, Ordering::Relaxed);
                        // As `Retry-After` asks, but sooner.
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                }
            }
        })
    });
    let mut first = 0;
    for asking in asking.collect::<Vec<_>>() {
        let (status, body, replayed) = asking.await.expect("answered");
        assert_eq!((status, &*body), (StatusCode::CREATED, r#"{"number":1}"#));
        first += u32::from(!replayed);
    }
    assert_eq!((first, effects(&pool).await), (1, 1));
}

#[tokio::test]
async fn a_key_belongs_to_one_caller_and_one_content() {
    let server = MariaDb::start().await;
    let (pool, clock) = (server.pool(&MIGRATIONS).await, clock());
    act(&pool, &clock, &request("ann", 1), 1)
        .await
        .expect("done");
    let problem = act(&pool, &clock, &request("ann", 2), 2)
        .await
        .expect_err("another content");
    assert_eq!(problem.status(), StatusCode::UNPROCESSABLE_ENTITY);
    act(&pool, &clock, &request("bob", 2), 2)
        .await
        .expect("another caller");
    assert_eq!(effects(&pool).await, 2);
    clock.advance(Duration::from_hours(24));
    act(&pool, &clock, &request("ann", 2), 2)
        .await
        .expect("forgotten after a day");
    clock.advance(Duration::from_hours(25));
    idempotency::sweep(&pool, &clock).await.expect("swept");
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM idempotency")
        .fetch_one(&pool)
        .await
        .expect("counted");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_refusal_gives_the_key_back_and_leaves_no_effect() {
    let server = MariaDb::start().await;
    let (pool, clock) = (server.pool(&MIGRATIONS).await, clock());
    for _ in 0..2 {
        let problem = act(&pool, &clock, &request("ann", -1), -1)
            .await
            .expect_err("refused");
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
    }
    assert_eq!(effects(&pool).await, 0);
    act(&pool, &clock, &request("ann", 1), 1)
        .await
        .expect("the key is free");
}

#[tokio::test]
async fn an_attempt_whose_process_died_is_taken_over_and_cannot_come_back() {
    let server = MariaDb::start().await;
    let (pool, clock) = (server.pool(&MIGRATIONS).await, clock());
    let asked = request("ann", 1);
    let Begun::Begun(dead) = begin(&pool, &clock, &asked).await.expect("begun") else {
        panic!("the first");
    };
    assert_eq!(
        begin(&pool, &clock, &asked).await.expect("asked"),
        Begun::InFlight
    );
    let problem = act(&pool, &clock, &asked, 1).await.expect_err("in flight");
    assert_eq!(problem.status(), StatusCode::CONFLICT);

    clock.advance(idempotency::ABANDONED_AFTER);
    act(&pool, &clock, &asked, 1).await.expect("taken over");
    let mut transaction = pool.begin().await.expect("begun");
    let late = dead
        .finish(&mut transaction, StatusCode::CREATED, &json!({}))
        .await;
    assert_eq!(
        late.map_err(|problem| problem.status()),
        Err(StatusCode::CONFLICT)
    );
    drop(transaction);
    dead.release(&pool).await.expect("nothing to release");
    assert_eq!(
        begin(&pool, &clock, &asked).await.expect("asked"),
        Begun::Replayed(StatusCode::CREATED, r#"{"number":1}"#.to_owned())
    );
    assert_eq!(effects(&pool).await, 1);
}
