//! `POST /v1/orders/{id}/cancel`: calling an order off before it leaves, paid or not.

use axum::extract::State;
use kit::{
    Problem,
    extract::{Json, Path},
    mariadb::retrying,
    money::Money,
    problem::ProblemSchema,
};
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{
    App,
    change_order::{
        ATTEMPTS, ChangeError, GiveBack, close, give_back, note, put_back, refundable, release,
        save,
    },
    db::{coupons, lines},
    events,
    load_order::{notify, view},
    open_order::{Shopper, lock},
    order::Order,
    state::OrderState,
    stock::{MovementKind, sum_by_sku},
    view::OrderView,
};

/// Calls an order off. What was paid goes back; stock is free again.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancel", tag = "orders", security(("token" = []), ("order" = []), ()),
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = OrderView),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "A parcel left already, or the order does not stand."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn cancel_order(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    shopper: Shopper,
) -> Result<Json<OrderView>, Problem> {
    let canceled = retrying(ATTEMPTS, || async {
        let mut transaction = app.pool.begin().await?;
        let mut order = lock(&app, &mut transaction, id, &shopper).await?;
        cancel(&app, &mut transaction, &mut order, &shopper.actor()).await?;
        let shown = view(&app, &mut transaction, order).await?;
        notify(&app, &mut transaction, events::CANCELED, &shown, |_| {}).await?;
        transaction.commit().await?;
        Ok::<_, ChangeError>(shown)
    });
    let shown = canceled.await?;
    app.relay.ring();
    Ok(Json(shown))
}

/// Calls a locked order off, and saves it.
pub async fn cancel(
    app: &App,
    connection: &mut MySqlConnection,
    order: &mut Order,
    actor: &str,
) -> Result<(), ChangeError> {
    let was = order.states.order;
    order.states = order.states.canceled()?;
    note(app, connection, order.id, "canceled", actor, None).await?;
    close(app, connection, order, "canceled").await?;
    let back = refundable(connection, order).await?;
    if back > 0 {
        let give = GiveBack {
            payment: order.payment_id,
            return_id: None,
            amount: Money::new(back, order.currency),
            reason: "canceled",
            of_order: true,
            actor,
        };
        give_back(app, connection, order, give).await?;
    }
    let taken = if was == OrderState::Confirmed {
        // What was withdrawn from before is back already.
        let lines = lines::of_order(connection, order.id).await?;
        let kept = lines
            .iter()
            .map(|line| (line.sku.as_str(), line.quantity - line.returned));
        sum_by_sku(kept.filter(|(_, quantity)| *quantity > 0))
    } else {
        Vec::new()
    };
    // Whatever orders race for comes last, so that it is locked for the shortest time: first the coupon, then stock, everywhere.
    if was == OrderState::Placed {
        release(connection, order).await?;
    } else {
        order.cart_id = None;
        order.cart_revision = None;
        if let Some(code) = &order.coupon {
            coupons::give_back(connection, code, order.id).await?;
        }
        put_back(
            app,
            connection,
            order.id,
            &taken,
            MovementKind::Released,
            actor,
        )
        .await?;
    }
    save(connection, order).await
}
