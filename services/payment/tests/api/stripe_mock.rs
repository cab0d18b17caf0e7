//! What Stripe is asked, against stripe-mock: Stripe's own server that knows its whole API, refuses what is not in it, and keeps no state.

use std::{
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use amazoff_payment::{
    clients::{https::Https, stripe::Stripe},
    payment::{Locale, Payment, Provider, State},
    refund::{Origin, Refund, RefundState},
};
use jiff::Timestamp;
use kit::{
    money::{Currency, Money},
    testing::{free_port, wait_for},
};
use uuid::Uuid;

/// Ends with the test.
struct StripeMock {
    child: Child,
    port: u16,
}

impl Drop for StripeMock {
    fn drop(&mut self) {
        let _already_gone = self.child.kill();
        let _no_zombie = self.child.wait();
    }
}

impl StripeMock {
    async fn start() -> Self {
        let port = free_port();
        let child = Command::new(program())
            .args(["-http-port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("stripe-mock can be started; `dev/tools/install databases` installs it");
        let mock = Self { child, port };
        wait_for("stripe-mock", async || {
            TcpStream::connect(("127.0.0.1", port)).ok()
        })
        .await;
        mock
    }

    fn client(&self) -> Stripe {
        let api = format!("http://127.0.0.1:{}", self.port);
        Stripe {
            https: Https::new().expect("authorities"),
            api: api.parse().expect("an address"),
            secret_key: "sk_test_123".to_owned(),
            publishable_key: "pk_test_123".to_owned(),
            webhook_secret: String::new(),
        }
    }
}

fn program() -> PathBuf {
    let cache = std::env::var_os("AMAZOFF_CACHE")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache/amazoff")));
    cache
        .map(|cache| cache.join("bin/stripe-mock"))
        .filter(|path| path.exists())
        .unwrap_or_else(|| PathBuf::from("stripe-mock"))
}

fn payment() -> Payment {
    Payment {
        id: Uuid::from_u128(1),
        order_id: Uuid::from_u128(2),
        order_number: "A-1001".to_owned(),
        provider: Provider::Stripe,
        state: State::ActionRequired,
        amount: Money::new(1099, Currency::EUR),
        received: 0,
        refunded: 0,
        reference: Some("pi_123".to_owned()),
        hosted_reference: Some("cs_123".to_owned()),
        charge: None,
        client_secret: None,
        approve_url: None,
        return_path: "/en/".to_owned(),
        locale: Locale::En,
        page_key: [0; 16],
        trouble: None,
        declined_because: None,
        is_superseded: false,
        attempts: 0,
        created_at: Timestamp::UNIX_EPOCH,
        expires_at: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test]
async fn every_request_is_in_stripes_api_and_every_answer_can_be_read() {
    let mock = StripeMock::start().await;
    let stripe = mock.client();
    let payment = payment();
    let (details, _) = stripe.open(&payment).await.expect("a PaymentIntent");
    assert!(details.reference.is_some_and(|id| id.starts_with("pi_")));
    assert!(details.client_secret.is_some());
    let page = stripe
        .open_page(&payment, "https://shop.example/en/")
        .await
        .expect("a page");
    assert!(page.id.starts_with("cs_"));
    stripe.ask(&payment).await.expect("how it stands");
    stripe.take(&payment).await.expect("taken");
    stripe.call_off(&payment).await.expect("called off");
    let refund = Refund {
        id: Uuid::from_u128(3),
        payment_id: payment.id,
        charge: "pi_123".to_owned(),
        amount: payment.amount,
        reason: String::new(),
        origin: Origin::Requested,
        state: RefundState::Pending,
        reference: None,
        failed_because: None,
        attempts: 0,
        created_at: Timestamp::UNIX_EPOCH,
    };
    let answer = stripe.give_back(&refund).await.expect("a refund");
    let reference = answer.reference.expect("a name");
    assert!(reference.starts_with("re_"));
    stripe.ask_refund(&reference).await.expect("how it stands");
}

/// What is not in the API is refused: so the test above means something.
#[tokio::test]
async fn stripe_mock_refuses_what_stripe_does_not_know() {
    let mock = StripeMock::start().await;
    let https = Https::new().expect("authorities");
    let request = http::Request::post(format!("http://127.0.0.1:{}/v1/payment_intents", mock.port))
        .header("authorization", "Bearer sk_test_123")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(http_body_util::Full::from(
            "amount=1&currency=eur&no_such_parameter=1",
        ))
        .expect("a request");
    let (status, _) = https.send(request).await.expect("an answer");
    assert_eq!(status, http::StatusCode::BAD_REQUEST);
}
