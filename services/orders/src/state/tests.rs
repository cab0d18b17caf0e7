use super::*;

/// One row a state, one column an event; an empty cell is a refusal.
#[test]
fn orders_go_only_where_the_table_says() {
    use OrderEvent as E;
    let events = [E::Confirm, E::Complete, E::Cancel, E::Expire, E::Revive];
    let table = [
        (
            OrderState::Placed,
            ["confirmed", "", "canceled", "expired", ""],
        ),
        (OrderState::Confirmed, ["", "completed", "canceled", "", ""]),
        (OrderState::Completed, ["", "", "", "", ""]),
        (OrderState::Canceled, ["", "", "", "", ""]),
        (OrderState::Expired, ["", "", "", "", "confirmed"]),
    ];
    assert_eq!(table.map(|(state, _)| state), OrderState::ALL);
    for (state, row) in table {
        for (event, expected) in events.into_iter().zip(row) {
            let after = state.after(event).map_or("", OrderState::name);
            assert_eq!(after, expected, "{state:?} and {event:?}");
        }
    }
}

#[test]
fn money_goes_only_where_the_table_says() {
    use PaymentEvent as E;
    let events = [
        E::Authorize,
        E::Capture,
        E::Fail,
        E::RefundPart,
        E::RefundAll,
    ];
    let table = [
        (
            PaymentState::Awaiting,
            ["authorized", "paid", "failed", "", ""],
        ),
        (PaymentState::Authorized, ["", "paid", "failed", "", ""]),
        (
            PaymentState::Failed,
            ["authorized", "paid", "failed", "", ""],
        ),
        (
            PaymentState::Paid,
            ["", "", "", "partially_refunded", "refunded"],
        ),
        (
            PaymentState::PartiallyRefunded,
            ["", "", "", "partially_refunded", "refunded"],
        ),
        (PaymentState::Refunded, ["", "", "", "", ""]),
    ];
    assert_eq!(table.map(|(state, _)| state), PaymentState::ALL);
    for (state, row) in table {
        for (event, expected) in events.into_iter().zip(row) {
            let after = state.after(event).map_or("", PaymentState::name);
            assert_eq!(after, expected, "{state:?} and {event:?}");
        }
    }
}

#[test]
fn goods_go_only_where_the_table_says() {
    use FulfillmentEvent as E;
    let events = [E::ShipPart, E::ShipRest, E::DeliverAll];
    let table = [
        (
            FulfillmentState::Unfulfilled,
            ["partially_shipped", "shipped", ""],
        ),
        (
            FulfillmentState::PartiallyShipped,
            ["partially_shipped", "shipped", ""],
        ),
        (FulfillmentState::Shipped, ["", "", "delivered"]),
        (FulfillmentState::Delivered, ["", "", ""]),
    ];
    assert_eq!(table.map(|(state, _)| state), FulfillmentState::ALL);
    for (state, row) in table {
        for (event, expected) in events.into_iter().zip(row) {
            let after = state.after(event).map_or("", FulfillmentState::name);
            assert_eq!(after, expected, "{state:?} and {event:?}");
        }
    }
}

#[test]
fn returns_go_only_where_the_table_says() {
    use ReturnEvent as E;
    let events = [E::Request, E::Receive, E::Refund, E::Refuse];
    let table = [
        (ReturnState::None, ["requested", "", "", ""]),
        (ReturnState::Requested, ["", "received", "", "refused"]),
        (ReturnState::Received, ["", "", "refunded", ""]),
        (ReturnState::Refunded, ["", "", "", ""]),
        (ReturnState::Refused, ["", "", "", ""]),
    ];
    assert_eq!(table.map(|(state, _)| state), ReturnState::ALL);
    for (state, row) in table {
        for (event, expected) in events.into_iter().zip(row) {
            let after = state.after(event).map_or("", ReturnState::name);
            assert_eq!(after, expected, "{state:?} and {event:?}");
        }
    }
}

#[test]
fn an_order_shows_the_return_that_needs_somebody_first() {
    use ReturnState as R;
    for (returns, expected) in [
        (vec![], R::None),
        (vec![R::Refunded, R::Requested, R::Received], R::Requested),
        (vec![R::Refused, R::Received], R::Received),
        (vec![R::Refused, R::Refunded], R::Refunded),
    ] {
        assert_eq!(R::of_all(returns.clone()), expected, "{returns:?}");
    }
}

#[test]
fn the_headline_follows_from_the_four() {
    use {FulfillmentState as F, OrderState as O, PaymentState as P, ReturnState as R};
    for (order, payment, fulfillment, r#return, expected) in [
        (
            O::Placed,
            P::Awaiting,
            F::Unfulfilled,
            R::None,
            "awaiting_payment",
        ),
        (
            O::Placed,
            P::Failed,
            F::Unfulfilled,
            R::None,
            "payment_failed",
        ),
        (O::Confirmed, P::Paid, F::Unfulfilled, R::None, "confirmed"),
        (
            O::Confirmed,
            P::PartiallyRefunded,
            F::PartiallyShipped,
            R::None,
            "partially_shipped",
        ),
        (O::Confirmed, P::Paid, F::Shipped, R::None, "shipped"),
        (O::Completed, P::Paid, F::Delivered, R::None, "delivered"),
        (
            O::Completed,
            P::Paid,
            F::Delivered,
            R::Requested,
            "return_requested",
        ),
        (
            O::Completed,
            P::PartiallyRefunded,
            F::Delivered,
            R::Refunded,
            "returned",
        ),
        (O::Completed, P::Paid, F::Delivered, R::Refused, "delivered"),
        (
            O::Completed,
            P::Refunded,
            F::Delivered,
            R::Refunded,
            "refunded",
        ),
        (
            O::Canceled,
            P::Refunded,
            F::Unfulfilled,
            R::None,
            "canceled",
        ),
        (O::Expired, P::Paid, F::Unfulfilled, R::None, "expired"),
    ] {
        let states = States {
            order,
            payment,
            fulfillment,
            r#return,
        };
        assert_eq!(states.status().name(), expected, "{states:?}");
    }
}

#[test]
fn can_be_canceled_until_the_first_parcel_leaves() {
    for order in OrderState::ALL {
        for fulfillment in FulfillmentState::ALL {
            let states = States {
                order,
                fulfillment,
                ..States::PLACED
            };
            let possible = matches!(order, OrderState::Placed | OrderState::Confirmed)
                && fulfillment == FulfillmentState::Unfulfilled;
            assert_eq!(states.canceled().is_ok(), possible, "{states:?}");
        }
    }
}

#[test]
fn only_what_is_paid_and_stands_is_sent() {
    for order in OrderState::ALL {
        let states = States {
            order,
            ..States::PLACED
        };
        assert_eq!(
            states.check_shippable().is_ok(),
            order == OrderState::Confirmed,
            "{order:?}"
        );
    }
}
