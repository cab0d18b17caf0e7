use proptest::prelude::*;
use serde_json::json;

use super::*;

fn amount(value: &str, currency: &str) -> Amount {
    Amount {
        currency_code: currency.to_owned(),
        value: value.to_owned(),
    }
}

#[test]
fn amounts_are_decimal() {
    for (minor, code, value) in [
        (1099, "EUR", "10.99"),
        (5, "EUR", "0.05"),
        (0, "EUR", "0.00"),
        (-5, "EUR", "-0.05"),
        (500, "JPY", "500"),
    ] {
        let money = Money::new(minor, code.parse().expect("a currency"));
        assert_eq!(Amount::from(money), amount(value, code));
        assert_eq!(amount(value, code).money(), Some(money));
    }
    for (value, minor) in [("10", 1000), ("10.9", 1090), ("10.990", 1099)] {
        assert_eq!(
            amount(value, "EUR").money(),
            Some(Money::new(minor, Currency::EUR))
        );
    }
    for value in ["", ".5", "10.991", "1e3", "+1", "--1", "1,00", "10.9x", "٣"] {
        assert_eq!(amount(value, "EUR").money(), None, "{value}");
    }
    assert_eq!(amount("1.00", "€").money(), None);
}

proptest! {
    #[test]
    fn an_amount_comes_back(minor in -1_000_000_000_i64..1_000_000_000, code in prop::sample::select(vec!["EUR", "JPY", "KWD"])) {
        let money = Money::new(minor, code.parse().expect("a currency"));
        prop_assert_eq!(Amount::from(money).money(), Some(money));
    }
}

fn custom() -> String {
    custom_id(Uuid::from_u128(1), Uuid::from_u128(2))
}

fn charged() -> Fact {
    Fact::Charged(Charge {
        reference: "C1".to_owned(),
        amount: Money::new(1099, Currency::EUR),
        order_id: Some(Uuid::from_u128(2)),
    })
}

fn capture(status: &str) -> serde_json::Value {
    json!({"id": "C1", "status": status, "amount": {"currency_code": "EUR", "value": "10.99"}, "custom_id": custom()})
}

#[test]
fn each_status_of_an_order_is_a_fact() {
    let declined = Fact::Declined {
        reason: "declined".to_owned(),
    };
    for (status, captures, fact) in [
        ("CREATED", json!([]), Fact::Waiting),
        ("PAYER_ACTION_REQUIRED", json!([]), Fact::Waiting),
        ("APPROVED", json!([]), Fact::Authorized),
        ("VOIDED", json!([]), Fact::Canceled),
        ("COMPLETED", json!([]), Fact::Processing),
        ("COMPLETED", json!([capture("COMPLETED")]), charged()),
        ("COMPLETED", json!([capture("REFUNDED")]), charged()),
        ("COMPLETED", json!([capture("PENDING")]), Fact::Processing),
        ("APPROVED", json!([capture("DECLINED")]), declined),
        (
            "COMPLETED",
            json!([capture("DECLINED"), capture("COMPLETED")]),
            charged(),
        ),
    ] {
        let order: PaypalOrder = serde_json::from_value(json!({
            "id": "O1", "status": status, "purchase_units": [{"custom_id": custom(), "payments": {"captures": captures}}],
        }))
        .expect("an order");
        assert_eq!(order.fact(), fact, "{status}");
    }
}

fn event(kind: &str, resource: &serde_json::Value) -> News {
    let body = json!({"id": "WH-1", "event_type": kind, "resource": resource}).to_string();
    notice(body.as_bytes()).expect("an event").news
}

#[test]
fn events_are_news() {
    let mut resource = capture("COMPLETED");
    resource["supplementary_data"] = json!({"related_ids": {"order_id": "O1"}});
    assert_eq!(
        event("PAYMENT.CAPTURE.COMPLETED", &resource),
        News::Payment {
            reference: "O1".to_owned(),
            payment_id: Some(Uuid::from_u128(1)),
            fact: charged(),
        }
    );
    assert_eq!(
        event(
            "CHECKOUT.ORDER.APPROVED",
            &json!({"id": "O1", "status": "APPROVED", "purchase_units": [{"custom_id": custom()}]})
        ),
        News::Payment {
            reference: "O1".to_owned(),
            payment_id: Some(Uuid::from_u128(1)),
            fact: Fact::Authorized,
        }
    );
    let refund_id = Uuid::from_u128(3);
    assert_eq!(
        event(
            "PAYMENT.CAPTURE.REFUNDED",
            &json!({
                "id": "R1", "status": "COMPLETED", "amount": {"currency_code": "EUR", "value": "5.00"}, "custom_id": refund_custom_id(refund_id),
                "links": [{"rel": "up", "href": "https://api.paypal.com/v2/payments/captures/C1"}],
            })
        ),
        News::Refund(RefundNews {
            reference: "R1".to_owned(),
            charge: Some("C1".to_owned()),
            refund_id: Some(refund_id),
            amount: Money::new(500, Currency::EUR),
            fact: RefundFact::Succeeded,
        })
    );
    assert_eq!(
        event(
            "CUSTOMER.DISPUTE.CREATED",
            &json!({"disputed_transactions": [{"seller_transaction_id": "C1"}]})
        ),
        News::Dispute {
            charge: "C1".to_owned()
        }
    );
    assert_eq!(event("CATALOG.PRODUCT.CREATED", &json!({})), News::Nothing);
}

#[test]
fn the_signed_text_holds_the_checksum_of_the_raw_body_in_decimal() {
    // The check value of CRC-32: 0xCBF43926.
    assert_eq!(
        signed_text("id", "2026-01-01T00:00:00Z", "WH", b"123456789"),
        "id|2026-01-01T00:00:00Z|WH|3421780262"
    );
}

#[test]
fn certificates_come_from_paypal_alone() {
    let paypal: url::Url = "https://api.paypal.com".parse().expect("an address");
    for (url, ok) in [
        ("https://api.paypal.com/v1/notifications/certs/CERT-1", true),
        ("http://api.paypal.com/v1/notifications/certs/CERT-1", false),
        (
            "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
            false,
        ),
        ("https://evil.example/v1/notifications/certs/CERT-1", false),
        (
            "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
            false,
        ),
        (
            "https://user@api.paypal.com/v1/notifications/certs/CERT-1",
            false,
        ),
        (
            "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
            false,
        ),
        (
            "https://api.paypal.com/v1/notifications/certs/../../oauth2",
            false,
        ),
        ("https://api.paypal.com/v1/other", false),
        (
            "https://api.paypal.com/v1/notifications/certs/CERT-1?x=1",
            false,
        ),
        (
            "https://169.254.169.254/v1/notifications/certs/CERT-1",
            false,
        ),
        ("file:///etc/passwd", false),
        ("", false),
    ] {
        assert_eq!(is_certificate_url(url, &paypal), ok, "{url}");
    }
}
