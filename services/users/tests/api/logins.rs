//! Logging in, and what keeps others from it.

use std::time::{Duration, Instant};

use amazoff_users::{hash::Cost, hash_password::Hasher};
use futures::future::join_all;
use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{CHEAP, PASSWORD, Session, World};

/// Where the gateway says whose request it is.
const CLIENT: &str = "x-amazoff-client";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_answers_with_tokens_and_who_it_is() {
    let world = World::new().await;
    let id = world.customer("ada@example.com").await.id;
    let answer = world
        .try_log_in("ada@example.com", PASSWORD)
        .await
        .expect(StatusCode::CREATED);
    let json = answer.json();
    assert_eq!(json["person"]["id"], json!(id));
    assert_eq!(json["person"]["email"], "ada@example.com");
    assert_eq!(json["expires_at"], "2023-11-14T22:23:20Z");
    assert_eq!(answer.headers["cache-control"], "private, no-store");
    let session = Session::of(&answer);
    let me = world
        .by(&session, Method::GET, "/v1/me", None)
        .await
        .expect(StatusCode::OK);
    assert_eq!(me.json()["name"], "Ada Lovelace");
    world.advance(601);
    world
        .by(&session, Method::GET, "/v1/me", None)
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_passwords_and_unknown_accounts_are_the_same_answer_and_the_same_work() {
    let world = World::new().await;
    world.customer("ada@example.com").await;
    let mut answers = Vec::new();
    for (email, password) in [
        ("ada@example.com", "not her password"),
        ("eve@example.com", PASSWORD),
    ] {
        let before = world.app.hasher.count();
        let answer = world
            .try_log_in(email, password)
            .await
            .expect(StatusCode::UNAUTHORIZED);
        assert_eq!(
            world.app.hasher.count() - before,
            1,
            "{email}: one hash, whoever it is"
        );
        assert_eq!(answer.kind(), "wrong-credentials");
        answers.push((answer.body, answer.headers));
    }
    assert_eq!(answers[0], answers[1]);
}

/// With what hashing really costs, the rest of the work is small beside it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_login_takes_as_long_for_known_and_unknown_accounts() {
    const ROUNDS: usize = 9;
    let world = World::with_hasher(Hasher::new(Cost::OWASP, 2).expect("a hasher")).await;
    world.customer("ada@example.com").await;
    let mut times = [Vec::new(), Vec::new()];
    // In turn, so that whatever else the machine does slows both.
    for _ in 0..ROUNDS {
        for (email, times) in ["ada@example.com", "nobody@example.com"]
            .iter()
            .zip(&mut times)
        {
            let began = Instant::now();
            world
                .try_log_in(email, "not her password")
                .await
                .expect(StatusCode::UNAUTHORIZED);
            times.push(began.elapsed());
        }
    }
    // The quickest of each: whatever else the machine does only adds to it. An account that cost no hash would be ten times as quick.
    let [known, unknown] = times.map(|times| times.into_iter().min().expect("rounds"));
    assert!(
        known * 2 > unknown && unknown * 2 > known,
        "{known:?}, {unknown:?}"
    );
    assert!(
        unknown > Duration::from_millis(5),
        "an unknown account costs a hash: {unknown:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_logins_never_hash_more_than_so_many_at_once() {
    let world = World::with_hasher(
        Hasher::new(
            Cost {
                memory_kib: 4096,
                passes: 1,
            },
            2,
        )
        .expect("a hasher"),
    )
    .await;
    let emails: Vec<String> = (0..10)
        .map(|number| format!("p{number}@example.com"))
        .collect();
    for email in &emails {
        world.customer(email).await;
    }
    let logins = (0..50).map(|number| world.try_log_in(&emails[number % 10], PASSWORD));
    for answer in join_all(logins).await {
        answer.expect(StatusCode::CREATED);
    }
    assert_eq!(world.app.hasher.most_at_once(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_gets_slower_for_accounts_that_exist_and_for_those_that_do_not() {
    let world = World::new().await;
    world.customer("ada@example.com").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        let mut refused = None;
        for attempt in 0..20 {
            let answer = world.try_log_in(email, "not her password").await;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                refused = Some((attempt, answer));
                break;
            }
        }
        let (attempt, answer) = refused.expect("slowed down");
        assert_eq!(attempt, 11, "{email}");
        assert_eq!(answer.headers["retry-after"], "1");
        assert_eq!(answer.kind(), "too-many-attempts");
    }
    // Not even the right password helps before the time has come; then it does, and all is forgotten.
    world
        .try_log_in("ada@example.com", PASSWORD)
        .await
        .expect(StatusCode::TOO_MANY_REQUESTS);
    world.advance(1);
    world
        .try_log_in("ada@example.com", PASSWORD)
        .await
        .expect(StatusCode::CREATED);
    world
        .try_log_in("ada@example.com", "not her password")
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_at_the_same_moment_all_count() {
    let world = World::new().await;
    world.customer("ada@example.com").await;
    let guesses = (0..40).map(|_| world.try_log_in("ada@example.com", "not her password"));
    let answers = join_all(guesses).await;
    let looked_at = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::UNAUTHORIZED)
        .count();
    assert_eq!(looked_at, 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_client_can_not_try_one_password_on_everybody() {
    let world = World::new().await;
    world.customer("ada@example.com").await;
    let guess = async |number: usize, headers: &[(&str, &str)]| {
        let body =
            json!({"email": format!("p{number}@example.com"), "password": "spring 2024 sale"});
        world
            .call(Method::POST, "/v1/sessions", headers, Some(body))
            .await
            .status
    };
    let from = |address: &str| {
        let address = address.parse().expect("an address");
        let said = world.gateway.value(address).expect("signed");
        said.to_str().expect("ASCII").to_owned()
    };
    let guesser = from("192.0.2.1");
    let headers = [(CLIENT, &*guesser)];
    let mut tried = 0;
    while guess(tried, &headers).await == StatusCode::UNAUTHORIZED {
        tried += 1;
        assert!(tried < 100, "never refused");
    }
    assert_eq!(tried, 51);
    let other = from("192.0.2.2");
    assert_eq!(
        guess(500, &[(CLIENT, &other)]).await,
        StatusCode::UNAUTHORIZED,
        "others are not held up"
    );
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let hers = from("192.0.2.3");
    let owner = world
        .call(Method::POST, "/v1/sessions", &[(CLIENT, &hers)], Some(body))
        .await;
    owner.expect(StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_chooses_the_address_they_are_throttled_by() {
    let world = World::new().await;
    let forged = |number: u8| {
        let address: std::net::IpAddr = [192, 0, 2, number].into();
        let said = world.cart.value(address).expect("signed");
        [
            ("x-forwarded-for".to_owned(), address.to_string()),
            (CLIENT.to_owned(), said.to_str().expect("ASCII").to_owned()),
        ]
    };
    let guess = async |number: u8| {
        let forged = forged(number);
        let headers = forged.each_ref().map(|(name, value)| (&**name, &**value));
        let body =
            json!({"email": format!("p{number}@example.com"), "password": "spring 2024 sale"});
        world
            .call(Method::POST, "/v1/sessions", &headers, Some(body))
            .await
            .status
    };
    let mut tried = 0;
    while guess(tried).await == StatusCode::UNAUTHORIZED {
        tried += 1;
        assert!(tried < 100, "never refused");
    }
    assert_eq!(tried, 51, "all of them count as one client");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hash_of_another_cost_is_made_anew_at_login() {
    let mut world = World::new().await;
    world.customer("ada@example.com").await;
    assert_eq!(world.dump().await.matches("$m=16,t=1,p=1$").count(), 1);
    let dearer = Cost {
        passes: CHEAP.passes + 1,
        ..CHEAP
    };
    world.use_hasher(Hasher::new(dearer, 2).expect("a hasher"));
    world
        .try_log_in("ada@example.com", "not her password")
        .await
        .expect(StatusCode::UNAUTHORIZED);
    assert_eq!(world.dump().await.matches("$m=16,t=1,p=1$").count(), 1);
    world.log_in("ada@example.com").await;
    let dump = world.dump().await;
    assert_eq!(
        (
            dump.matches("$m=16,t=1,p=1$").count(),
            dump.matches("$m=16,t=2,p=1$").count()
        ),
        (0, 1)
    );
    world.log_in("ada@example.com").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_personal_lies_in_the_database_in_clear() {
    let world = World::new().await;
    let ada = world.customer("ada@example.com").await;
    let address = json!({"name": "Ada Lovelace", "line1": "12 Analytical Lane", "postal_code": "75001", "city": "Paris", "country": "FR"});
    world
        .by(&ada, Method::POST, "/v1/me/addresses", Some(address))
        .await
        .expect(StatusCode::CREATED);
    world.forget_delivered().await;
    let dump = world.dump().await.to_lowercase();
    for personal in ["ada@example.com", "lovelace", "analytical", "four small"] {
        assert!(!dump.contains(personal), "{personal}");
    }
}
