//! A shop's people: a database of the test's own, a replica or more, who hears of it, and the services that keep something about people.

use std::{
    fmt::Write as _,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use amazoff_users::{
    App,
    clients::PeopleService,
    db::{MIGRATIONS, roles},
    hash::Cost,
    hash_password::Hasher,
    manage_passkeys::relying_party,
    role::{Role, Roles},
    router,
    sign_token::TokenSigner,
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, State},
    routing::get,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kit::{
    auth::{AddressTokens, MAY_SAY, ServiceTokens, SigningKey, Verifier},
    clock::{Clock, random_bytes},
    mariadb::MySqlPool,
    outbox::Relay,
    seal::Sealer,
    testing::{MariaDb, Sink, private_jwk},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

/// As little as Argon2 takes: most tests are not about its cost.
pub(crate) const CHEAP: Cost = Cost {
    memory_kib: 16,
    passes: 1,
};
pub(crate) const PASSWORD: &str = "four small tea pots";

pub(crate) struct World {
    pub(crate) mariadb: MariaDb,
    pub(crate) clock: Clock,
    pub(crate) app: App,
    pub(crate) sink: Sink,
    pub(crate) orders: Arc<Keeper>,
    /// Who is believed when it says where a client is, and who is not.
    pub(crate) gateway: AddressTokens,
    pub(crate) cart: AddressTokens,
    seen: AtomicUsize,
    pub(crate) token_key: PathBuf,
    _folder: tempfile::TempDir,
    router: Router,
}

/// Another service that keeps something about people.
#[derive(Default)]
pub(crate) struct Keeper {
    pub(crate) is_away: AtomicBool,
    pub(crate) erased: Mutex<Vec<(Uuid, String)>>,
    pub(crate) tokens: Mutex<Vec<String>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{:?}", self.body);
        self
    }

    /// The kind of problem.
    pub(crate) fn kind(&self) -> String {
        let problem = self.json();
        let kind = problem["type"].as_str().expect("a problem");
        kind.trim_start_matches("/problems/").to_owned()
    }

    /// The fields that the problem names.
    pub(crate) fn fields(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|error| error["field"].as_str().expect("a field").to_owned())
            .collect()
    }

    pub(crate) fn etag(&self) -> String {
        self.headers[header::ETAG]
            .to_str()
            .expect("text")
            .to_owned()
    }
}

/// Somebody who is logged in.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Session {
    #[track_caller]
    pub(crate) fn of(answer: &Answer) -> Self {
        let json = answer.json();
        let text = |pointer: &str| {
            let value = json.pointer(pointer).and_then(Value::as_str);
            value.expect(pointer).to_owned()
        };
        Self {
            id: text("/person/id").parse().expect("an id"),
            access: text("/access_token"),
            refresh: text("/refresh_token"),
        }
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_hasher(Hasher::new(CHEAP, 2).expect("a hasher")).await
    }

    pub(crate) async fn with_hasher(hasher: Hasher) -> Self {
        let (mariadb, sink, orders) = (MariaDb::start().await, Sink::start().await, Arc::default());
        let clock = Clock::fixed(Timestamp::from_second(1_700_000_000).expect("a time"));
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let people_private = private_jwk();
        let people_key = SigningKey::from_jwk(&people_private).expect("a key");
        let token_key = file("token.json", people_private);
        let own_private = private_jwk();
        let own_key = SigningKey::from_jwk(&own_private).expect("a key");
        let mut own_public = own_key.public_jwk();
        own_public["sub"] = "service:users".into();
        own_public["permissions"] = json!(["events:send", "people:export", "people:erase"]);
        let key_of = |name: &str, permissions: &[&str]| {
            let key = SigningKey::from_jwk(&private_jwk()).expect("a key");
            let mut public = key.public_jwk();
            public["sub"] = json!(format!("service:{name}"));
            public["permissions"] = json!(permissions);
            (AddressTokens::new(key, name, clock.clone()), public)
        };
        let (gateway, gateway_public) = key_of("gateway", &[MAY_SAY]);
        let (cart, cart_public) = key_of("cart", &["events:send"]);
        let jwks = file(
            "jwks.json",
            json!({"keys": [people_key.public_jwk(), own_public, gateway_public, cart_public]})
                .to_string(),
        );
        let signing_key = file("key.json", own_private);
        let master_key = file("master.key", STANDARD.encode(random_bytes::<32>()));
        let pool: MySqlPool = mariadb.pool(MIGRATIONS).await;
        let tokens = ServiceTokens::from_file(signing_key, "users", clock.clone()).expect("a key");
        let services = vec![
            PeopleService::new(
                format!("orders={}", keeper(Arc::clone(&orders)).await)
                    .parse()
                    .expect("a service"),
            )
            .expect("a client"),
        ];
        let app = App {
            verifier: Verifier::from_file(jwks.clone(), clock.clone()).expect("keys"),
            sealer: Sealer::from_file(&master_key).expect("a key"),
            hasher,
            signer: TokenSigner::from_file(token_key.clone(), clock.clone()).expect("a key"),
            relay: relay(&pool, &sink, &tokens, &clock),
            service_tokens: tokens,
            people_services: services.into(),
            public_url: Arc::new("https://shop.example".parse().expect("an address")),
            shop_name: "Amazoff".into(),
            jwks_file: Arc::new(jwks),
            erasure_asked: Arc::default(),
            webauthn: Arc::new(
                relying_party(
                    &"https://shop.example".parse().expect("an address"),
                    "Amazoff",
                )
                .expect("a shop"),
            ),
            clock: clock.clone(),
            pool,
        };
        Self {
            mariadb,
            clock,
            router: router(app.clone()),
            app,
            sink,
            orders,
            gateway,
            cart,
            seen: AtomicUsize::new(0),
            token_key,
            _folder: folder,
        }
    }

    /// The same service with another way of hashing, as after a release.
    pub(crate) fn use_hasher(&mut self, hasher: Hasher) {
        self.app.hasher = hasher;
        self.router = router(self.app.clone());
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.expect("a body").to_bytes(),
        }
    }

    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).expect("a request")).await
    }

    /// A request of nobody in particular.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, &[], Some(body)).await
    }

    /// A request of somebody who is logged in.
    pub(crate) async fn by(
        &self,
        session: &Session,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let bearer = format!("Bearer {}", session.access);
        self.call(method, path, &[("authorization", &bearer)], body)
            .await
    }

    pub(crate) async fn register(&self, email: &str) -> Answer {
        let body =
            json!({"email": email, "password": PASSWORD, "name": "Ada Lovelace", "locale": "fr"});
        self.post("/v1/registrations", body).await
    }

    /// What notifications was told, all that was not looked at before.
    pub(crate) async fn mails(&self) -> Vec<Value> {
        self.app.relay.run_once().await.expect("delivered");
        let events = self.sink.events();
        let seen = self.seen.swap(events.len(), Ordering::SeqCst);
        let new = events.iter().skip(seen);
        new.map(|event| json!({"type": event.kind, "data": event.data}))
            .collect()
    }

    /// The token in the link of the one mail there is.
    pub(crate) async fn token_in_mail(&self, kind: &str, url: &str) -> String {
        let mails = self.mails().await;
        let mail = mails.iter().rev().find(|mail| mail["type"] == kind);
        let mail = mail.expect(kind);
        let link: url::Url = mail["data"][url]
            .as_str()
            .expect("a link")
            .parse()
            .expect("an address");
        let (_, token) = link
            .query_pairs()
            .find(|(name, _)| name == "token")
            .expect("a token");
        token.into_owned()
    }

    /// Somebody with an account, logged in.
    pub(crate) async fn customer(&self, email: &str) -> Session {
        self.register(email).await.expect(StatusCode::ACCEPTED);
        let token = self
            .token_in_mail("amazoff.person.registered", "verify_url")
            .await;
        let answer = self
            .post("/v1/registrations/confirm", json!({"token": token}))
            .await;
        Session::of(&answer.expect(StatusCode::OK))
    }

    /// Somebody with roles, logged in.
    pub(crate) async fn staff(&self, email: &str, role: Role) -> Session {
        let session = self.customer(email).await;
        let mut connection = self.app.pool.acquire().await.expect("a connection");
        roles::put(&mut connection, session.id, &Roles::new([role]))
            .await
            .expect("written");
        drop(connection);
        self.log_in(email).await
    }

    pub(crate) async fn try_log_in(&self, email: &str, password: &str) -> Answer {
        self.post(
            "/v1/sessions",
            json!({"email": email, "password": password}),
        )
        .await
    }

    pub(crate) async fn log_in(&self, email: &str) -> Session {
        Session::of(
            &self
                .try_log_in(email, PASSWORD)
                .await
                .expect(StatusCode::CREATED),
        )
    }

    pub(crate) async fn log_in_with(&self, email: &str, password: &str) -> Session {
        Session::of(
            &self
                .try_log_in(email, password)
                .await
                .expect(StatusCode::CREATED),
        )
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post("/v1/sessions/refresh", json!({"refresh_token": token}))
            .await
    }

    /// Whether the access token still opens the door.
    pub(crate) async fn is_let_in(&self, session: &Session) -> bool {
        self.app.follow_own_revocations().await;
        self.by(session, Method::GET, "/v1/me", None).await.status == StatusCode::OK
    }

    /// As the sweep does each minute.
    pub(crate) async fn forget_delivered(&self) {
        let mut connection = self.app.pool.acquire().await.expect("a connection");
        amazoff_users::events::forget_delivered(
            &mut connection,
            Timestamp::from_second(4_000_000_000).expect("a time"),
        )
        .await
        .expect("forgotten");
    }

    /// Everything in the database as text, whatever the column.
    pub(crate) async fn dump(&self) -> String {
        use sqlx::{AssertSqlSafe, Row as _};
        let tables: Vec<String> = sqlx::query_scalar("SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = DATABASE()")
            .fetch_all(&self.app.pool)
            .await
            .expect("tables");
        assert!(tables.len() > 10, "{tables:?}");
        let mut dump = String::new();
        for table in tables {
            let columns: Vec<String> = sqlx::query_scalar("SELECT CAST(column_name AS CHAR) FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?")
                .bind(&table)
                .fetch_all(&self.app.pool)
                .await
                .expect("columns");
            let columns: Vec<String> = columns
                .iter()
                .map(|column| format!("COALESCE(CAST(`{column}` AS BINARY), '')"))
                .collect();
            let query = format!(
                "SELECT CONCAT_WS('|', {}) FROM `{table}`",
                columns.join(", ")
            );
            for row in sqlx::query(AssertSqlSafe(query))
                .fetch_all(&self.app.pool)
                .await
                .expect("rows")
            {
                let row: Vec<u8> = row.try_get(0).expect("text");
                let row = String::from_utf8_lossy(&row);
                writeln!(dump, "{table}: {row}").expect("memory");
            }
        }
        dump
    }
}

fn relay(pool: &MySqlPool, sink: &Sink, tokens: &ServiceTokens, clock: &Clock) -> Relay {
    let sinks = format!("notifications={}", sink.url());
    Relay::new(
        pool.clone(),
        sinks.parse().expect("a sink"),
        tokens.clone(),
        clock.clone(),
    )
    .expect("a relay")
}

/// Serves what `GET` and `DELETE /internal/v1/people/{id}` do in another service.
async fn keeper(keeper: Arc<Keeper>) -> String {
    async fn export(
        State(keeper): State<Arc<Keeper>>,
        Path(id): Path<Uuid>,
        headers: HeaderMap,
    ) -> Result<axum::Json<Value>, StatusCode> {
        keeper.here(&headers)?;
        Ok(axum::Json(
            json!({"orders": [{"person": id, "email": known_as(&headers), "total": 1200}]}),
        ))
    }
    async fn erase(
        State(keeper): State<Arc<Keeper>>,
        Path(id): Path<Uuid>,
        headers: HeaderMap,
    ) -> Result<StatusCode, StatusCode> {
        keeper.here(&headers)?;
        let erased = (id, known_as(&headers));
        keeper.erased.lock().expect("unpoisoned").push(erased);
        Ok(StatusCode::NO_CONTENT)
    }
    fn known_as(headers: &HeaderMap) -> String {
        let email = headers.get("person-email").expect("an address");
        email.to_str().expect("ASCII").to_owned()
    }
    let router = Router::new()
        .route("/internal/v1/people/{id}", get(export).delete(erase))
        .with_state(keeper);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

impl Keeper {
    fn here(&self, headers: &HeaderMap) -> Result<(), StatusCode> {
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.push(token.unwrap_or_default().to_owned());
        if self.is_away.load(Ordering::SeqCst) {
            Err(StatusCode::SERVICE_UNAVAILABLE)
        } else {
            Ok(())
        }
    }
}
