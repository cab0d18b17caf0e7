//! `POST /v1/orders/{id}/withdrawal`: the legal right.
//!
//! Fourteen days from delivery, no reason, guests too, from the moment the order is placed. What has not left yet needs no journey: it is taken out of the
//! order and paid back at once.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use kit::{
    Problem,
    extract::{Json, Path},
    mariadb::retrying,
    money::Money,
    problem::ProblemSchema,
};
use serde::Deserialize;
use serde_json::json;
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{
    App,
    cancel_order::cancel,
    change_order::{ATTEMPTS, ChangeError, GiveBack, give_back, note, put_back, refundable, save},
    db::{
        lines::{self, Change},
        shipments,
    },
    events,
    load_order::{notify, view},
    open_order::{Shopper, lock},
    order::{Order, ReturnKind},
    parcel::{Line, LineUnits, Wish, all, spread, worth},
    request_return::{Announcement, announce, open_lines},
    state::{FulfillmentEvent, FulfillmentState, OrderEvent, OrderState, Refused},
    stock::{MovementKind, sum_by_sku},
    view::{self, OrderView},
};

/// What is withdrawn from.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawalInput {
    /// Which units; everything when absent.
    #[serde(default)]
    pub lines: Option<Vec<Wish>>,
}

/// Withdraws from the contract, as the law lets every consumer do. The receipt comes by mail.
#[utoipa::path(
    post, path = "/v1/orders/{id}/withdrawal", tag = "returns", security(("token" = []), ("order" = []), ()), params(("id" = Uuid, Path)), request_body = WithdrawalInput,
    responses(
        (status = 201, body = OrderView),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "The time is over, or nothing is left to withdraw from."),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn withdraw(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    shopper: Shopper,
    Json(input): Json<WithdrawalInput>,
) -> Result<Response, Problem> {
    let withdrawn = retrying(ATTEMPTS, || async {
        let mut transaction = app.pool.begin().await?;
        let mut order = lock(&app, &mut transaction, id, &shopper).await?;
        let actor = shopper.actor();
        let units = withdraw_units(&app, &mut transaction, &mut order, &input, &actor).await?;
        let shown = view(&app, &mut transaction, order).await?;
        notify(
            &app,
            &mut transaction,
            events::WITHDRAWN,
            &shown,
            |notice| {
                notice.keep(&units);
            },
        )
        .await?;
        transaction.commit().await?;
        Ok::<_, ChangeError>(shown)
    });
    let shown = withdrawn.await?;
    app.relay.ring();
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// Withdraws from a locked order, and saves it; says which units it is about.
async fn withdraw_units(
    app: &App,
    connection: &mut MySqlConnection,
    order: &mut Order,
    input: &WithdrawalInput,
    actor: &str,
) -> Result<Vec<LineUnits>, ChangeError> {
    let state = order.states.order;
    if state == OrderState::Placed {
        // Nothing is paid and nothing left: withdrawing is calling it off.
        let units = all(&open_lines(connection, order).await?, Line::unsent);
        withdraw_from_all(app, connection, order, actor).await?;
        return Ok(units);
    }
    if !matches!(state, OrderState::Confirmed | OrderState::Completed) {
        return Err(Refused {
            state: state.name(),
            event: "be withdrawn from",
        }
        .into());
    }
    if !view::withdrawal(order, app.clock.now()).possible {
        return Err(ChangeError::TooLate);
    }
    let open = open_lines(connection, order).await?;
    let givable = |line: &Line| line.unsent() + line.returnable();
    let units = match &input.lines {
        Some(wishes) => spread(&open, givable, wishes, "is more than can be given back")?,
        None => all(&open, givable),
    };
    if units.is_empty() {
        return Err(Refused {
            state: order.states.r#return.name(),
            event: "be withdrawn from any further",
        }
        .into());
    }
    let is_all = units == all(&open, givable);
    if is_all && order.states.fulfillment == FulfillmentState::Unfulfilled {
        withdraw_from_all(app, connection, order, actor).await?;
        return Ok(units);
    }
    let (here, gone) = part(&open, &units);
    if !here.is_empty() {
        take_out(app, connection, order, &open, &here, actor).await?;
    }
    if !gone.is_empty() {
        let announcement = Announcement {
            kind: ReturnKind::Withdrawal,
            units: gone,
            reasons: Vec::new(),
        };
        announce(app, connection, order, announcement, actor).await?;
    }
    save(connection, order).await?;
    Ok(units)
}

/// Calls off an order of which nothing has left. That it was a withdrawal stays on record: it is a declaration, with rights of its own.
async fn withdraw_from_all(
    app: &App,
    connection: &mut MySqlConnection,
    order: &mut Order,
    actor: &str,
) -> Result<(), ChangeError> {
    note(app, connection, order.id, "withdrawn", actor, None).await?;
    cancel(app, connection, order, actor).await
}

/// Parts units into those that are still here and those that left.
fn part(lines: &[Line], units: &[LineUnits]) -> (Vec<LineUnits>, Vec<LineUnits>) {
    let (mut here, mut gone) = (Vec::new(), Vec::new());
    for wanted in units {
        let unsent = lines
            .iter()
            .find(|line| line.line == wanted.line)
            .map_or(0, Line::unsent);
        let staying = wanted.quantity.min(unsent);
        for (list, quantity) in [(&mut here, staying), (&mut gone, wanted.quantity - staying)] {
            if quantity > 0 {
                list.push(LineUnits {
                    quantity,
                    ..wanted.clone()
                });
            }
        }
    }
    (here, gone)
}

/// Takes units that never left out of the order: they are counted as sent and back, go back on the shelf, and are paid back at once.
async fn take_out(
    app: &App,
    connection: &mut MySqlConnection,
    order: &mut Order,
    open: &[Line],
    here: &[LineUnits],
    actor: &str,
) -> Result<(), ChangeError> {
    let amount = worth(open, here).min(refundable(connection, order).await?);
    lines::change(connection, order.id, here, Change::Ship).await?;
    lines::change(connection, order.id, here, Change::TakeBack).await?;
    let details = json!({"lines": here});
    note(
        app,
        connection,
        order.id,
        "withdrawn_before_shipping",
        actor,
        Some(details),
    )
    .await?;
    if amount > 0 {
        let give = GiveBack {
            payment: order.payment_id,
            return_id: None,
            amount: Money::new(amount, order.currency),
            reason: "withdrawal",
            of_order: true,
            actor,
        };
        give_back(app, connection, order, give).await?;
    }
    let unsent: i64 = open.iter().map(Line::unsent).sum();
    let taken: i64 = here.iter().map(|part| part.quantity).sum();
    if unsent == taken && order.states.fulfillment == FulfillmentState::PartiallyShipped {
        order.states.fulfillment = order.states.fulfillment.after(FulfillmentEvent::ShipRest)?;
        let parcels = shipments::of_order(connection, order.id).await?;
        if let Some(last) = parcels
            .iter()
            .map(|parcel| parcel.delivered_at)
            .max()
            .flatten()
            && parcels.iter().all(|parcel| parcel.delivered_at.is_some())
        {
            order.states.fulfillment = order
                .states
                .fulfillment
                .after(FulfillmentEvent::DeliverAll)?;
            order.states.order = order.states.order.after(OrderEvent::Complete)?;
            order.delivered_at = Some(last);
        }
    }
    let units = sum_by_sku(here.iter().map(|part| (part.sku.as_str(), part.quantity)));
    put_back(
        app,
        connection,
        order.id,
        &units,
        MovementKind::Released,
        actor,
    )
    .await
}
