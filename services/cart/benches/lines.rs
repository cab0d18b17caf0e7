//! What a cart costs with one line and with two hundred: `cargo bench -p amazoff-cart`.
//!
//! A real `FerretDB`, a catalog over HTTP, the service over HTTP; both carts are asked in turn, so that whatever else the machine does hits both alike.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(
    clippy::expect_used,
    reason = "a bench that can't go on says why and ends"
)]

#[path = "../tests/api/catalog.rs"]
#[expect(dead_code, reason = "a bench needs less of it than the tests")]
mod catalog;
#[path = "../tests/api/world.rs"]
#[expect(dead_code, reason = "a bench needs less of it than the tests")]
mod world;

use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;
use world::{Opened, World};

const ROUNDS: usize = 2000;

#[tokio::main]
async fn main() {
    let world = World::new().await;
    let skus: Vec<String> = (0..200).map(|n| format!("s{n}")).collect();
    for sku in &skus {
        world.catalog.sells(sku, 100);
    }
    let shop = world.replica().await;
    let (one, many) = (shop.guest().await, shop.guest().await);
    shop.add(&one, "s0", 1).await.expect(StatusCode::OK);
    for sku in &skus {
        shop.add(&many, sku, 1).await.expect(StatusCode::OK);
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let router = amazoff_cart::router(shop.app.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    let client = reqwest::Client::builder().build().expect("a client");

    let read = async |cart: &Opened, _: usize| {
        let request = client.get(format!("{base}{}", cart.path("")));
        send(request, cart).await;
    };
    report("read", &one, &many, read).await;
    let set = async |cart: &Opened, round: usize| {
        let request = client.put(format!("{base}{}", cart.path("/lines/s0")));
        send(request.json(&json!({"quantity": round % 90 + 1})), cart).await;
    };
    report("set a line", &one, &many, set).await;
}

async fn send(request: reqwest::RequestBuilder, cart: &Opened) {
    let token = cart.shopper.cart_token.as_deref().expect("a guest");
    let answer = request.header("Cart-Token", token).send().await;
    let answer = answer
        .expect("an answer")
        .error_for_status()
        .expect("a success");
    answer.bytes().await.expect("a body");
}

async fn report(what: &str, one: &Opened, many: &Opened, ask: impl AsyncFn(&Opened, usize)) {
    let (mut short, mut long) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for (cart, times) in [(one, &mut short), (many, &mut long)] {
            let started = Instant::now();
            ask(cart, round).await;
            times.push(started.elapsed());
        }
    }
    short.sort();
    long.sort();
    let at = |times: &[Duration], percent: usize| times[times.len() * percent / 100];
    for percent in [50, 99] {
        let (one, many) = (at(&short, percent), at(&long, percent));
        println!("{what}: p{percent} {one:?} with one line, {many:?} with 200");
    }
    let (one, many) = (at(&short, 99), at(&long, 99));
    assert!(
        many <= 2 * one,
        "{what}: 200 lines cost more than twice as much as one"
    );
}
