//! Keys, and what others may do with the internal side.

use http::{Method, StatusCode};
use kit::{
    auth::{SigningKey, Verifier},
    testing::private_jwk,
};
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_verified_with_the_published_keys_alone() {
    let world = World::new().await;
    let ada = world.customer("ada@example.com").await;
    let keys = world
        .call(Method::GET, "/.well-known/jwks.json", &[], None)
        .await
        .expect(StatusCode::OK);
    assert_eq!(keys.headers["cache-control"], "public, max-age=300");
    let text = String::from_utf8_lossy(&keys.body).into_owned();
    assert!(!text.contains("\"d\""), "{text}");
    let verifier = Verifier::from_jwks(&text, world.clock.clone()).expect("keys");
    let claims = verifier.verify(&ada.access).expect("valid");
    assert_eq!(claims.sub, ada.id.to_string());
    assert_eq!(claims.exp - claims.iat, 600);
    assert!(claims.permissions.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_rotate_without_a_restart_and_without_logging_anybody_out() {
    let world = World::new().await;
    let before = world.customer("ada@example.com").await;
    let new = private_jwk();
    let public = SigningKey::from_jwk(&new).expect("a key").public_jwk();
    let text = std::fs::read_to_string(&*world.app.jwks_file).expect("readable");
    let mut keys: Value = serde_json::from_str(&text).expect("JSON");
    keys["keys"]
        .as_array_mut()
        .expect("keys")
        .push(public.clone());
    std::fs::write(&*world.app.jwks_file, keys.to_string()).expect("written");
    world.advance(31);
    std::fs::write(&world.token_key, &new).expect("written");
    world.advance(31);

    let after = world.log_in("ada@example.com").await;
    assert!(world.is_let_in(&after).await);
    assert!(world.is_let_in(&before).await, "signed with the old key");
    let only_new = json!({"keys": [public]}).to_string();
    let verifier = Verifier::from_jwks(&only_new, world.clock.clone()).expect("keys");
    assert!(verifier.verify(&after.access).is_ok(), "the new key signs");
    assert!(verifier.verify(&before.access).is_err());
    let told = world
        .call(Method::GET, "/.well-known/jwks.json", &[], None)
        .await
        .json();
    assert_eq!(told["keys"].as_array().map(Vec::len), Some(5));
}
