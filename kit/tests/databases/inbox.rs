use axum::{
    Router,
    body::Body,
    extract::{FromRef, State},
    routing::post,
};
use http::{Request, StatusCode, header};
use jiff::Timestamp;
use kit::{
    Problem,
    auth::{ServiceTokens, Verifier},
    clock::Clock,
    inbox,
    mariadb::{self, Migration, MySqlPool},
    testing::{FerretDb, MariaDb, TestIssuer},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

const MIGRATIONS: [Migration; 2] = [
    Migration {
        version: 1,
        name: "inbox",
        sql: inbox::MIGRATION,
    },
    Migration {
        version: 2,
        name: "effect",
        sql: "CREATE TABLE IF NOT EXISTS effect (event BINARY(16) NOT NULL, subject VARCHAR(20) NOT NULL)",
    },
];

#[derive(Clone)]
struct App {
    pool: MySqlPool,
    verifier: Verifier,
}

impl FromRef<App> for Verifier {
    fn from_ref(app: &App) -> Self {
        app.verifier.clone()
    }
}

async fn hear(
    State(app): State<App>,
    inbox::Events(events): inbox::Events,
) -> Result<StatusCode, Problem> {
    for event in &events {
        let mut transaction = app.pool.begin().await.map_err(mariadb::unavailable)?;
        if inbox::take(&mut transaction, &event.id)
            .await
            .map_err(mariadb::unavailable)?
        {
            sqlx::query("INSERT INTO effect (event, subject) VALUES (?, ?)")
                .bind(event.id)
                .bind(&event.subject)
                .execute(&mut *transaction)
                .await
                .map_err(mariadb::unavailable)?;
        }
        if event.kind == "thing.poison" {
            event.read::<u32>()?;
        }
        transaction.commit().await.map_err(mariadb::unavailable)?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn send(
    router: &Router,
    tokens: Option<&ServiceTokens>,
    kind: &str,
    body: &Value,
) -> StatusCode {
    let mut request = Request::post("/events").header(header::CONTENT_TYPE, kind);
    if let Some(tokens) = tokens {
        request = request.header(header::AUTHORIZATION, tokens.bearer());
    }
    let request = request
        .body(Body::from(body.to_string()))
        .expect("a request");
    router
        .clone()
        .oneshot(request)
        .await
        .expect("an answer")
        .status()
}

fn event(id: Uuid, kind: &str, source: &str) -> Value {
    json!({"specversion": "1.0", "id": id, "source": source, "type": kind, "subject": "t", "time": "2027-01-15T08:00:00Z", "data": {}})
}

const BATCH: &str = "application/cloudevents-batch+json; charset=utf-8";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_comes_many_times_at_once_takes_effect_once_and_with_its_effect() {
    let server = MariaDb::start().await;
    let pool = server.pool(&MIGRATIONS).await;
    let clock = Clock::fixed(Timestamp::from_second(1_800_000_000).expect("a time"));
    let mut issuer = TestIssuer::new();
    let things = issuer.service(&clock, "things", &["events:send"]);
    let broker = issuer.service(&clock, "broker", &["events:forward"]);
    let stranger = issuer.service(&clock, "stranger", &[]);
    let app = App {
        pool: pool.clone(),
        verifier: issuer.verifier(clock.clone()),
    };
    let router = Router::new().route("/events", post(hear)).with_state(app);
    let effects = || async {
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM effect")
            .fetch_one(&pool)
            .await
            .expect("counted");
        count
    };

    let ids: Vec<Uuid> = (0..10).map(|_| clock.uuid()).collect();
    let batch: Value = ids
        .iter()
        .map(|id| event(*id, "thing.made", "/things"))
        .collect();
    let sending = (0..8).map(|_| {
        let (router, things, batch) = (router.clone(), things.clone(), batch.clone());
        tokio::spawn(async move { send(&router, Some(&things), BATCH, &batch).await })
    });
    for sending in sending.collect::<Vec<_>>() {
        assert_eq!(sending.await.expect("sent"), StatusCode::NO_CONTENT);
    }
    assert_eq!(effects().await, 10);

    let poison = event(clock.uuid(), "thing.poison", "/things");
    for _ in 0..2 {
        assert_eq!(
            send(&router, Some(&things), BATCH, &json!([poison])).await,
            StatusCode::BAD_REQUEST
        );
    }
    assert_eq!(effects().await, 10, "what fails is not taken");

    let one = || event(clock.uuid(), "thing.made", "/things");
    let forged = event(clock.uuid(), "thing.made", "/orders");
    for (tokens, kind, body, status) in [
        (None, BATCH, json!([one()]), 401),
        (Some(&stranger), BATCH, json!([one()]), 403),
        (Some(&things), BATCH, json!([forged]), 403),
        (Some(&broker), BATCH, json!([forged]), 204),
        (Some(&things), "application/cloudevents+json", one(), 204),
        (Some(&things), "application/json", json!([one()]), 415),
        (Some(&things), BATCH, one(), 400),
        (
            Some(&things),
            BATCH,
            json!([{"specversion": "1.0", "id": "x"}]),
            400,
        ),
        (Some(&things), BATCH, json!([]), 204),
    ] {
        assert_eq!(
            send(&router, tokens, kind, &body).await.as_u16(),
            status,
            "{kind} {body}"
        );
    }

    clock.advance(std::time::Duration::from_secs(1));
    inbox::sweep(
        &pool,
        &Clock::fixed("2030-01-01T00:00:00Z".parse().expect("a time")),
    )
    .await
    .expect("swept");
    let left: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM inbox")
        .fetch_one(&pool)
        .await
        .expect("counted");
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_mongodb_service_remembers_what_took_effect() {
    let server = FerretDb::start().await;
    let client = mongodb::Client::with_uri_str(server.uri())
        .await
        .expect("an address");
    let database = client.database("test");
    let clock = Clock::fixed("2026-12-01T12:00:00Z".parse().expect("a time"));
    let id = clock.uuid();
    assert!(
        !inbox::mongodb::is_known(&database, &id)
            .await
            .expect("read")
    );
    assert!(
        inbox::mongodb::remember(&database, &id)
            .await
            .expect("written")
    );
    assert!(
        !inbox::mongodb::remember(&database, &id)
            .await
            .expect("written")
    );
    assert!(
        inbox::mongodb::is_known(&database, &id)
            .await
            .expect("read")
    );

    // An id that tells no time is never taken for an old one.
    let undated = Uuid::from_u128(7);
    inbox::mongodb::remember(&database, &undated)
        .await
        .expect("written");
    for (days, dated) in [(89, true), (92, false)] {
        let then = Clock::fixed(clock.now() + jiff::SignedDuration::from_hours(24 * days));
        inbox::mongodb::sweep(&database, &then)
            .await
            .expect("swept");
        for (id, expected) in [(&id, dated), (&undated, true)] {
            let known = inbox::mongodb::is_known(&database, id).await.expect("read");
            assert_eq!(known, expected, "{id} after {days} days");
        }
    }
}
