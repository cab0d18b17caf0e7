//! Canceling, shipping, delivering, invoices.

use http::{Method, StatusCode};
use serde_json::json;

use crate::world::World;

async fn world() -> World {
    let world = World::new().await;
    world.stocked("tea", "pantry", 1055, 20).await;
    world.stocked("pan", "household", 1200, 20).await;
    world
}

#[tokio::test]
async fn a_paid_order_that_is_canceled_is_paid_back_and_back_on_the_shelf() {
    let world = world().await;
    let order = world.paid(&[("tea", 2)]).await;
    let canceled = world
        .act(&order, "cancel", None)
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(
        (
            canceled["status"].as_str(),
            canceled["refunds"][0]["amount"]["amount"].as_i64()
        ),
        (Some("canceled"), Some(order.total))
    );
    world
        .act(&order, "cancel", None)
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(world.refund_all().await, 1);
    assert_eq!(world.read(&order).await["states"]["payment"], "refunded");
    assert_eq!(world.level("tea").await, (20, 0));
    world.deliver().await;
    for kind in ["amazoff.order.canceled", "amazoff.order.refunded"] {
        assert_eq!(world.notifications.count(kind), 1, "{kind}");
    }
    assert_eq!(world.payment.count("amazoff.order.closed"), 1);
    world.ledger().await;
}

#[tokio::test]
async fn parcels_leave_and_arrive_one_by_one() {
    let world = world().await;
    let order = world.placed(&[("tea", 2), ("pan", 1), ("tea", 1)]).await;
    let early = world
        .work(&order, "shipments", Some(&json!({})))
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(
        early.problem(),
        "not-possible-now",
        "what is not paid is not sent"
    );
    world.pay(&order).await;
    let too_many = world
        .work(
            &order,
            "shipments",
            Some(&json!({"lines": [{"sku": "tea", "quantity": 4}]})),
        )
        .await;
    assert_eq!(
        too_many.expect(StatusCode::BAD_REQUEST).fields(),
        ["lines[0].quantity"]
    );
    let unsafe_link = world
        .work(
            &order,
            "shipments",
            Some(&json!({"tracking_url": "javascript:alert(1)"})),
        )
        .await;
    assert_eq!(
        unsafe_link.expect(StatusCode::BAD_REQUEST).fields(),
        ["tracking_url"]
    );
    let first = json!({"lines": [{"sku": "tea", "quantity": 3}], "carrier": "Colissimo", "tracking": "6A1", "tracking_url": "https://carrier.example/6A1"});
    let sent = world
        .work(&order, "shipments", Some(&first))
        .await
        .expect(StatusCode::CREATED)
        .json();
    assert_eq!(sent["status"], "partially_shipped");
    world
        .act(&order, "cancel", None)
        .await
        .expect(StatusCode::CONFLICT);
    let sent = world
        .work(&order, "shipments", Some(&json!({})))
        .await
        .expect(StatusCode::CREATED)
        .json();
    assert_eq!(sent["status"], "shipped");
    assert_eq!(
        sent["shipments"][1]["lines"],
        json!([{"line": 1, "sku": "pan", "quantity": 1}])
    );
    world
        .work(&order, "shipments", Some(&json!({})))
        .await
        .expect(StatusCode::CONFLICT);
    world.deliver().await;
    let told = world.notifications.events();
    let told = told
        .iter()
        .find(|event| event.kind == "amazoff.order.shipped")
        .expect("told");
    let quantities: Vec<_> = told.data["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| (line["sku"].as_str(), line["quantity"].as_i64()))
        .collect();
    assert_eq!(quantities, [(Some("tea"), Some(2)), (Some("tea"), Some(1))]);
    assert_eq!(
        (
            told.data["tracking"].as_str(),
            told.data["carrier"].as_str()
        ),
        (Some("6A1"), Some("Colissimo"))
    );
    for (index, status) in [(1, "shipped"), (1, "shipped"), (0, "delivered")] {
        let shipment = sent["shipments"][index]["id"].as_str().expect("an id");
        let answer = world
            .work(&order, &format!("shipments/{shipment}/deliver"), None)
            .await
            .expect(StatusCode::OK)
            .json();
        assert_eq!(answer["status"], status);
    }
    let read = world.read(&order).await;
    assert_eq!(
        (
            read["states"]["order"].as_str(),
            read["delivered_at"].as_str()
        ),
        (Some("completed"), Some("2026-11-02T09:00:00Z"))
    );
    assert_eq!(
        read["withdrawal"],
        json!({"possible": true, "possible_until": "2026-11-17T00:00:00Z"})
    );
    let nowhere = world.clock.uuid();
    world
        .work(&order, &format!("shipments/{nowhere}/deliver"), None)
        .await
        .expect(StatusCode::NOT_FOUND);
    world.ledger().await;
}

#[tokio::test]
async fn an_invoice_keeps_its_number_and_numbers_have_no_gaps() {
    let world = world().await;
    let first = world.paid(&[("tea", 2)]).await;
    let second = world.paid(&[("pan", 1)]).await;
    let unpaid = world.placed(&[("pan", 1)]).await;
    let print = async |order: &crate::world::Placed| {
        world
            .send(
                Method::GET,
                &format!("/v1/orders/{}/invoice.pdf", order.id),
                &[("order-token", &order.token)],
                None,
            )
            .await
    };
    let holds = |body: &[u8], text: &str| {
        body.windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    print(&unpaid).await.expect(StatusCode::CONFLICT);
    for (order, number) in [
        (&second, "2026-000001"),
        (&first, "2026-000002"),
        (&second, "2026-000001"),
    ] {
        let answer = print(order).await.expect(StatusCode::OK);
        assert_eq!(answer.headers["content-type"], "application/pdf");
        assert!(holds(&answer.body, number), "{number}");
        assert!(holds(
            &answer.body,
            order.json["number"].as_str().expect("a number")
        ));
    }
}

#[tokio::test]
async fn a_refund_makes_a_credit_note_that_names_the_invoice() {
    let world = world().await;
    let order = world.paid(&[("tea", 2)]).await;
    let other = world.paid(&[("pan", 1)]).await;
    let staff = world.staff(&["orders:read"]);
    let print = async |of: &crate::world::Placed, refund: &str, who: (&str, &str)| {
        let path = format!("/v1/orders/{}/refunds/{refund}/credit-note.pdf", of.id);
        world.send(Method::GET, &path, &[who], None).await
    };
    let holds = |body: &[u8], text: &str| {
        body.windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    let canceled = world.act(&order, "cancel", None).await;
    let canceled = canceled.expect(StatusCode::OK).json();
    let refund = canceled["refunds"][0]["id"].as_str().expect("a refund");
    let own = ("order-token", &*order.token);
    print(&order, refund, own)
        .await
        .expect(StatusCode::NOT_FOUND);

    world.refund_all().await;
    for who in [own, ("authorization", &*staff), own] {
        let answer = print(&order, refund, who).await.expect(StatusCode::OK);
        assert_eq!(answer.headers["content-type"], "application/pdf");
        for text in ["A2026-000001", "facture 2026-000001", "Avoir"] {
            assert!(holds(&answer.body, text), "{text}");
        }
    }
    let others = ("order-token", &*other.token);
    print(&order, refund, others)
        .await
        .expect(StatusCode::NOT_FOUND);
    print(&other, refund, others)
        .await
        .expect(StatusCode::NOT_FOUND);

    world
        .act(&other, "cancel", None)
        .await
        .expect(StatusCode::OK);
    world.refund_all().await;
    let refund = world.read(&other).await["refunds"][0]["id"].clone();
    let answer = print(&other, refund.as_str().expect("a refund"), others).await;
    let answer = answer.expect(StatusCode::OK);
    for text in ["A2026-000002", "facture 2026-000002"] {
        assert!(holds(&answer.body, text), "{text}");
    }
}
