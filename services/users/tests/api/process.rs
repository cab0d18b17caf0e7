//! The program as it is deployed, in a process of its own.

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, Method};
use kit::{
    auth::SigningKey,
    client::{Client, Limits},
    clock::random_bytes,
    testing::{MariaDb, Sink, free_port, private_jwk, wait_for},
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::world::PASSWORD;

/// What the program is told, in files of its own.
struct Settings {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Settings {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut this = Self {
            folder,
            variables: Vec::new(),
        };
        let (people, own) = (private_jwk(), private_jwk());
        let public = |jwk: &str| SigningKey::from_jwk(jwk).expect("a key").public_jwk();
        let mut entry = public(&own);
        entry["sub"] = "service:users".into();
        entry["permissions"] = json!(["events:send"]);
        let jwks = json!({"keys": [public(&people), entry]}).to_string();
        for (variable, text) in [
            ("JWKS_FILE", jwks),
            ("TOKEN_KEY_FILE", people),
            ("SIGNING_KEY_FILE", own),
            ("MASTER_KEY_FILE", STANDARD.encode(random_bytes::<32>())),
            ("FIRST_ADMIN_PASSWORD_FILE", format!("{PASSWORD}\n")),
        ] {
            let path = this.file(variable, &text);
            this.set(variable, path.to_str().expect("text"));
        }
        this.set("FIRST_ADMIN_EMAIL", "admin@shop.example");
        this.set("PUBLIC_URL", "https://shop.example");
        this.set("MARIADB_URL", "mysql://users@127.0.0.1:1/users");
        this
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path: PathBuf = Path::new(self.folder.path()).join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    fn set(&mut self, variable: &str, value: &str) {
        self.variables.retain(|(other, _)| other != variable);
        self.variables.push((variable.to_owned(), value.to_owned()));
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_users"));
        command
            .env_clear()
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::null())
            .kill_on_drop(true);
        command
    }
}

#[tokio::test]
async fn a_wrong_setting_stops_the_start_with_a_sentence_that_names_it() {
    for (name, value, expected) in [
        ("MARIADB_URL", "nonsense", "can't be used"),
        ("MARIADB_URL", "", "must be set"),
        ("JWKS_FILE", "/nonexistent", "can't be read"),
        ("TOKEN_KEY_FILE", "/nonexistent", "can't be used"),
        ("SIGNING_KEY_FILE", "/nonexistent", "can't be read"),
        ("MASTER_KEY_FILE", "/nonexistent", "can't be read"),
        ("PUBLIC_URL", "shop.example", "must be an address"),
        ("EVENT_SINKS", "notifications", "is not name=url"),
        ("PEOPLE_SERVICES", "orders", "must be name=address"),
        ("HASHES_AT_ONCE", "0", "can't be"),
        ("FIRST_ADMIN_EMAIL", "admin", "must be an e-mail address"),
        ("FIRST_ADMIN_EMAIL", "", "go together"),
        ("FIRST_ADMIN_PASSWORD_FILE", "/nonexistent", "can't be read"),
    ] {
        let mut settings = Settings::new();
        settings.set(name, value);
        let Output { status, stderr, .. } = settings.command().output().await.expect("a program");
        let said = String::from_utf8(stderr).expect("text");
        assert!(!status.success(), "{name}={value} starts");
        assert!(
            said.starts_with(&format!("Error: {name}")) && said.contains(expected),
            "{name}={value}: {said}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_starts_before_its_database_and_lets_the_first_admin_in() {
    let mut mariadb = MariaDb::start().await;
    let sink = Sink::start().await;
    mariadb.kill().await;
    let (api, admin) = (free_port(), free_port());
    let mut settings = Settings::new();
    settings.set("MARIADB_URL", &mariadb.url());
    settings.set("EVENT_SINKS", &format!("notifications={}", sink.url()));
    settings.set("API_ADDR", &format!("127.0.0.1:{api}"));
    settings.set("ADMIN_ADDR", &format!("127.0.0.1:{admin}"));
    let mut child = settings.command().spawn().expect("a program");
    let client = |port: u16| {
        let limits = Limits {
            deadline: Duration::from_secs(5),
            retries: 0,
        };
        let url = format!("http://127.0.0.1:{port}")
            .parse()
            .expect("an address");
        Client::new("users", url, limits).expect("a client")
    };
    let (api, admin) = (client(api), client(admin));
    let is_up = async |path: &str| {
        let answer = admin.call(Method::GET, path, HeaderMap::new(), None).await;
        answer.is_ok().then_some(())
    };
    wait_for("the program to be alive", || is_up("/health/live")).await;
    assert!(
        is_up("/health/ready").await.is_none(),
        "without its database it is not ready"
    );
    mariadb.restart().await;
    wait_for("it to be ready", || is_up("/health/ready")).await;

    let log_in = json!({"email": "admin@shop.example", "password": PASSWORD});
    let session: Value = wait_for("the first admin", async || {
        api.send_json(Method::POST, "/v1/sessions", HeaderMap::new(), &log_in)
            .await
            .ok()
    })
    .await;
    assert_eq!(session["person"]["roles"], json!(["customer", "admin"]));
    let register = json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada"});
    let _accepted: Value = api
        .send_json(
            Method::POST,
            "/v1/registrations",
            HeaderMap::new(),
            &register,
        )
        .await
        .expect("accepted");
    wait_for("the mail to be asked for", async || {
        (sink.count("amazoff.person.registered") == 1).then_some(())
    })
    .await;

    let id = child.id().expect("running").to_string();
    let told = Command::new("kill").args(["-TERM", &id]).status().await;
    assert!(told.expect("told to leave").success());
    assert!(child.wait().await.expect("gone").success());
}
