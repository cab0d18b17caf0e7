//! At login, what was put aside as a guest is not lost.

use futures::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Answer, Opened, Replica, Shopper, World, brief};

async fn merge(shop: &Replica, person: &Shopper, guest: &Opened) -> Answer {
    let body = json!({"cart_id": guest.id, "token": guest.shopper.cart_token});
    shop.post(person, "/v1/me/cart/merge", body).await
}

async fn stocked() -> (World, Replica) {
    let world = World::new().await;
    for sku in ["a", "b", "c"] {
        world.catalog.sells(sku, 100);
    }
    let shop = world.replica().await;
    (world, shop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quantities_add_up_and_the_guests_cart_is_gone() {
    let (world, shop) = stocked().await;
    let ann = world.person("ann");
    let mine = shop.personal(&ann).await;
    shop.set(&mine, "a", 60).await.expect(StatusCode::OK);
    shop.set(&mine, "b", 1).await.expect(StatusCode::OK);
    let guest = shop.guest().await;
    shop.set(&guest, "a", 60).await.expect(StatusCode::OK);
    shop.set(&guest, "c", 2).await.expect(StatusCode::OK);
    let path = guest.path("/coupon");
    shop.put(&guest.shopper, &path, json!({"code": "TEN"}))
        .await
        .expect(StatusCode::OK);

    let merged = merge(&shop, &ann, &guest)
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(brief(&merged), "a×99 b×1 c×2");
    assert_eq!(
        (&merged["id"], &merged["coupon"]),
        (&json!(mine.id), &json!("TEN"))
    );
    assert!(merged.get("left_out").is_none());
    let path = guest.path("");
    shop.get(&guest.shopper, &path)
        .await
        .expect(StatusCode::NOT_FOUND);
    shop.add(&guest, "b", 1).await.expect(StatusCode::NOT_FOUND);

    let again = merge(&shop, &ann, &guest)
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(again, merged, "asking again changes nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_personal_cart_takes_the_guests_currency() {
    let (world, shop) = stocked().await;
    let body = json!({"currency": "USD"});
    let made = shop
        .post(&Shopper::default(), "/v1/carts", body)
        .await
        .json();
    let guest = Opened {
        id: made["id"].as_str().expect("an id").to_owned(),
        shopper: Shopper {
            bearer: None,
            cart_token: made["token"].as_str().map(str::to_owned),
        },
    };
    shop.set(&guest, "a", 1).await.expect(StatusCode::OK);
    let merged = merge(&shop, &world.person("ann"), &guest)
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        merged.json()["subtotal"],
        json!({"amount": 101, "currency": "USD"})
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn logging_in_twice_at_once_counts_once() {
    let (world, shop) = stocked().await;
    let other = world.replica().await;
    let (ann, guest) = (world.person("ann"), shop.guest().await);
    shop.set(&guest, "a", 3).await.expect(StatusCode::OK);
    let merges = (0..10).map(|n| merge(if n % 2 == 0 { &shop } else { &other }, &ann, &guest));
    for answer in join_all(merges).await {
        assert_eq!(brief(&answer.expect(StatusCode::OK).json()), "a×3");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_holds_the_token_can_merge_and_only_into_one_cart() {
    let (world, shop) = stocked().await;
    let (ann, bob) = (world.person("ann"), world.person("bob"));
    let (guest, other) = (shop.guest().await, shop.guest().await);
    shop.set(&guest, "a", 1).await.expect(StatusCode::OK);
    let mine = shop.personal(&ann).await;
    for body in [
        json!({"cart_id": guest.id, "token": other.shopper.cart_token}),
        json!({"cart_id": mine.id, "token": guest.shopper.cart_token}),
        json!({"cart_id": "01890000-0000-7000-8000-00000000dead", "token": ""}),
    ] {
        let answer = shop.post(&ann, "/v1/me/cart/merge", body).await;
        assert_eq!(
            answer.expect(StatusCode::NOT_FOUND).kind(),
            "/problems/no-such-cart"
        );
    }
    merge(&shop, &ann, &guest).await.expect(StatusCode::OK);
    merge(&shop, &bob, &guest)
        .await
        .expect(StatusCode::NOT_FOUND);
    let bobs: Value = shop.get(&bob, "/v1/me/cart").await.json();
    assert_eq!(bobs["lines"], json!([]));
}
