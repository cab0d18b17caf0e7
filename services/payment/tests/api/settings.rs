//! A service as its settings make it.

use std::path::Path;

use amazoff_payment::{App, Config, router};
use axum::body::Body;
use clap::Parser as _;
use http::{Request, StatusCode};
use kit::{
    clock::Clock,
    testing::{MariaDb, TestIssuer, private_jwk, wait_for},
};
use serde_json::{Value, json};

use crate::world::{Answer, send};

/// The flags of a service in this folder, and more.
fn settings(folder: &Path, mariadb: &str, more: &[&str]) -> Result<Config, clap::Error> {
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    let jwks = file("jwks.json", TestIssuer::new().jwks());
    let key = file("key.json", &private_jwk());
    file("secret", "a secret\n");
    file("empty", "\n");
    let mut arguments = vec![
        "payment".to_owned(),
        format!("--mariadb-url={mariadb}"),
        "--orders-url=http://127.0.0.1:1".to_owned(),
        "--users-url=http://127.0.0.1:1".to_owned(),
        "--public-url=https://shop.example/".to_owned(),
        format!("--jwks-file={jwks}"),
        format!("--signing-key-file={key}"),
    ];
    let at = |flag: &&str| flag.replace('@', &format!("{}/", folder.display()));
    arguments.extend(more.iter().map(at));
    Config::try_parse_from(arguments)
}

async fn methods(app: &App) -> Answer {
    let request = Request::get("/v1/payment-methods?currency=EUR");
    let request = request.body(Body::empty()).expect("a request");
    send(router(app.clone()), request).await
}

#[tokio::test]
async fn only_providers_with_settings_are_offered() {
    let folder = tempfile::tempdir().expect("a folder");
    let nowhere = "mysql://payment@127.0.0.1:1/payment";
    let stripe = [
        "--stripe-secret-key-file=@secret",
        "--stripe-publishable-key=pk_test_1",
        "--stripe-webhook-secret-file=@secret",
    ];
    let paypal = [
        "--paypal-client-id=client",
        "--paypal-client-secret-file=@secret",
        "--paypal-webhook-id=WH",
    ];
    let all = [&stripe[..], &paypal[..], &["--test-provider=true"]].concat();
    for (more, offered) in [
        (&[][..], json!([])),
        (&["--test-provider=true"][..], json!(["test"])),
        (&stripe[..], json!(["stripe"])),
        (&all[..], json!(["stripe", "paypal", "test"])),
    ] {
        let config = settings(folder.path(), nowhere, more).expect("sound");
        let app = App::new(&config, Clock::system()).expect("an app");
        let methods = methods(&app).await.expect(StatusCode::OK).json();
        let names: Vec<Value> = methods
            .as_array()
            .expect("a list")
            .iter()
            .map(|method| method["provider"].clone())
            .collect();
        assert_eq!(json!(names), offered);
    }
    // A provider that is half there is a mistake, not an absence.
    for half in [
        &stripe[..2],
        &paypal[..1],
        &["--stripe-secret-key-file=@secret"],
    ] {
        assert!(settings(folder.path(), nowhere, half).is_err(), "{half:?}");
    }
    let wrong = [stripe[1], stripe[2], "--stripe-secret-key-file=@empty"];
    let config = settings(folder.path(), nowhere, &wrong).expect("sound");
    let error = App::new(&config, Clock::system()).err().expect("no secret");
    assert!(
        error.to_string().starts_with("STRIPE_SECRET_KEY_FILE: "),
        "{error}"
    );
}

#[tokio::test]
async fn a_database_that_comes_late_is_waited_for() {
    let mut mariadb = MariaDb::start().await;
    mariadb.kill().await;
    let folder = tempfile::tempdir().expect("a folder");
    let config = settings(folder.path(), &mariadb.url(), &["--test-provider=true"]).expect("sound");
    let app = App::new(&config, Clock::system()).expect("an app");
    app.work(&config, app.health());
    methods(&app).await.expect(StatusCode::OK);
    mariadb.restart().await;
    wait_for("the tables", async || {
        let payments: Result<i64, _> = sqlx::query_scalar("SELECT COUNT(*) FROM payment")
            .fetch_one(&app.pool)
            .await;
        payments.ok()
    })
    .await;
}
