//! The authenticator app as a second factor.

use amazoff_users::totp::{TotpKey, step_at};
use futures::future::join_all;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{Answer, PASSWORD, Session, World};

/// What a person's phone holds.
struct Phone(TotpKey);

impl Phone {
    fn from_secret(secret: &str) -> Self {
        const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        let bits = secret.chars().flat_map(|letter| {
            let value = ALPHABET.find(letter).expect("base 32");
            (0..5).rev().map(move |bit| value >> bit & 1 == 1)
        });
        let bits: Vec<bool> = bits.collect();
        let byte = |bits: &[bool]| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit));
        let bytes: Vec<u8> = bits.chunks_exact(8).map(byte).collect();
        Self(TotpKey::from_slice(&bytes).expect("twenty bytes"))
    }

    fn code(&self, world: &World) -> String {
        self.0.code(step_at(world.clock.now())).expect("a code")
    }
}

async fn log_in_with(world: &World, totp: &str) -> Answer {
    let body = json!({"email": "ada@example.com", "password": PASSWORD, "totp": totp});
    world.post("/v1/sessions", body).await
}

async fn with_totp(world: &World) -> (Session, Phone, Vec<String>) {
    let ada = world.customer("ada@example.com").await;
    let begin = world
        .by(
            &ada,
            Method::POST,
            "/v1/me/totp",
            Some(json!({"password": PASSWORD})),
        )
        .await;
    let made = begin.expect(StatusCode::OK).json();
    let secret = made["secret"].as_str().expect("a secret");
    assert!(
        made["uri"]
            .as_str()
            .expect("an address")
            .starts_with("otpauth://totp/Amazoff:ada%40example.com?secret=")
    );
    let phone = Phone::from_secret(secret);
    world.log_in("ada@example.com").await;
    let confirm = |code: String| {
        world.by(
            &ada,
            Method::POST,
            "/v1/me/totp/confirm",
            Some(json!({"code": code})),
        )
    };
    assert_eq!(
        confirm("000000".to_owned())
            .await
            .expect(StatusCode::BAD_REQUEST)
            .fields(),
        ["code"]
    );
    let codes = confirm(phone.code(world))
        .await
        .expect(StatusCode::OK)
        .json();
    let codes: Vec<String> = codes["recovery_codes"]
        .as_array()
        .expect("codes")
        .iter()
        .map(|code| code.as_str().expect("a code").to_owned())
        .collect();
    assert_eq!(codes.len(), 10);
    (ada, phone, codes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_asked_for_and_works_once() {
    let world = World::new().await;
    let (_, phone, _) = with_totp(&world).await;
    let asked = world
        .try_log_in("ada@example.com", PASSWORD)
        .await
        .expect(StatusCode::UNAUTHORIZED);
    assert_eq!(asked.kind(), "second-factor-required");
    let wrong = world
        .try_log_in("ada@example.com", "not her password")
        .await
        .expect(StatusCode::UNAUTHORIZED);
    assert_eq!(
        wrong.kind(),
        "wrong-credentials",
        "without the password nobody learns of it"
    );
    let used = phone.code(&world);
    log_in_with(&world, &used)
        .await
        .expect(StatusCode::UNAUTHORIZED);

    world.advance(30);
    let code = phone.code(&world);
    let answers = join_all((0..4).map(|_| log_in_with(&world, &code))).await;
    let let_in = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::CREATED)
        .count();
    assert_eq!(let_in, 1, "seen over a shoulder, it is of no use");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_can_not_be_guessed_by_who_has_the_password() {
    let world = World::new().await;
    with_totp(&world).await;
    let mut guesses = 0;
    loop {
        // Asking without a code in between gives nothing back.
        world.try_log_in("ada@example.com", PASSWORD).await;
        if log_in_with(&world, "123456").await.status == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        guesses += 1;
        assert!(guesses < 20, "never slowed down");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recovery_code_lets_in_once() {
    let world = World::new().await;
    let (_, _, codes) = with_totp(&world).await;
    log_in_with(&world, &codes[3].to_uppercase())
        .await
        .expect(StatusCode::CREATED);
    log_in_with(&world, &codes[3])
        .await
        .expect(StatusCode::UNAUTHORIZED);
    log_in_with(&world, &codes[4].replace('-', " "))
        .await
        .expect(StatusCode::CREATED);
    assert!(world.dump().await.contains("person.recovery_code_used"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reset_password_does_not_get_around_the_second_factor() {
    let world = World::new().await;
    let (_, phone, _) = with_totp(&world).await;
    world
        .post("/v1/password-resets", json!({"email": "ada@example.com"}))
        .await;
    let token = world
        .token_in_mail("amazoff.person.password_reset_requested", "reset_url")
        .await;
    world
        .post(
            "/v1/password-resets/confirm",
            json!({"token": token, "password": "five large tea pots"}),
        )
        .await
        .expect(StatusCode::NO_CONTENT);
    let asked = world
        .try_log_in("ada@example.com", "five large tea pots")
        .await;
    assert_eq!(
        asked.expect(StatusCode::UNAUTHORIZED).kind(),
        "second-factor-required"
    );
    world.advance(30);
    let body = json!({"email": "ada@example.com", "password": "five large tea pots", "totp": phone.code(&world)});
    world
        .post("/v1/sessions", body)
        .await
        .expect(StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn going_without_needs_the_password_and_a_code() {
    let world = World::new().await;
    let (ada, phone, codes) = with_totp(&world).await;
    world.advance(30);
    let remove = |body: Value| world.by(&ada, Method::DELETE, "/v1/me/totp", Some(body));
    remove(json!({"password": "not her password", "code": phone.code(&world)}))
        .await
        .expect(StatusCode::FORBIDDEN);
    remove(json!({"password": PASSWORD, "code": "123456"}))
        .await
        .expect(StatusCode::BAD_REQUEST);
    let again = world
        .by(
            &ada,
            Method::POST,
            "/v1/me/totp",
            Some(json!({"password": PASSWORD})),
        )
        .await;
    assert_eq!(again.expect(StatusCode::CONFLICT).kind(), "totp-in-use");
    remove(json!({"password": PASSWORD, "code": codes[0]}))
        .await
        .expect(StatusCode::NO_CONTENT);
    world.log_in("ada@example.com").await;
    assert_eq!(world.dump().await.matches("recovery_code: ").count(), 0);
    let confirm = world
        .by(
            &ada,
            Method::POST,
            "/v1/me/totp/confirm",
            Some(json!({"code": "123456"})),
        )
        .await;
    assert_eq!(
        confirm.expect(StatusCode::CONFLICT).kind(),
        "totp-not-begun"
    );
}
