//! `POST /v1/orders/{id}/shipments` and `…/shipments/{shipment}/deliver`: what the warehouse does.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use kit::{
    Problem, audit,
    auth::Identity,
    extract::{Json, Path},
    mariadb::retrying,
    problem::ProblemSchema,
};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::{
    App,
    change_order::{ATTEMPTS, ChangeError, note, save},
    db::{
        lines::{self, Change},
        shipments,
    },
    events,
    invalid::Mistakes,
    load_order::{notify, view},
    open_order::{WRITE, lock_for_staff},
    order::{OrderLine, Shipment},
    parcel::{Line, Wish, all, spread},
    state::{FulfillmentEvent, FulfillmentState, OrderEvent},
    view::OrderView,
};

/// A parcel that leaves.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipmentInput {
    /// What is in it; all that has not left when absent.
    #[serde(default)]
    pub lines: Option<Vec<Wish>>,
    /// Who brings it.
    #[serde(default)]
    #[schema(max_length = 80, example = "Colissimo")]
    pub carrier: Option<String>,
    /// The carrier's number.
    #[serde(default)]
    #[schema(max_length = 80)]
    pub tracking: Option<String>,
    /// Where to follow it: an `https` address.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub tracking_url: Option<String>,
}

impl ShipmentInput {
    fn check(&self) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::default();
        for (field, text) in [("carrier", &self.carrier), ("tracking", &self.tracking)] {
            let fits = text.as_ref().is_none_or(|text| {
                (1..=80).contains(&text.chars().count()) && !text.chars().any(char::is_control)
            });
            mistakes.require(fits, field, "must be 1 to 80 characters");
        }
        // It becomes a link in a mail and on a page.
        let is_safe = self.tracking_url.as_ref().is_none_or(|text| {
            text.len() <= 500 && url::Url::parse(text).is_ok_and(|url| url.scheme() == "https")
        });
        mistakes.require(
            is_safe,
            "tracking_url",
            "must be an https address of at most 500 characters",
        );
        mistakes.none()
    }
}

/// Sends a parcel.
#[utoipa::path(
    post, path = "/v1/orders/{id}/shipments", tag = "fulfillment", security(("token" = [])), params(("id" = Uuid, Path)), request_body = ShipmentInput,
    responses(
        (status = 201, body = OrderView),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "It is not paid, or does not stand, or all of it left."),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn ship_order(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Identity,
    Json(input): Json<ShipmentInput>,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    input.check()?;
    let shipped = retrying(ATTEMPTS, || async {
        let mut transaction = app.pool.begin().await?;
        let shown = ship(&app, &mut transaction, id, caller.subject(), &input).await?;
        transaction.commit().await?;
        Ok::<_, ChangeError>(shown)
    });
    let shown = shipped.await?;
    app.relay.ring();
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

async fn ship(
    app: &App,
    connection: &mut sqlx::MySqlConnection,
    id: Uuid,
    actor: &str,
    input: &ShipmentInput,
) -> Result<OrderView, ChangeError> {
    let mut order = lock_for_staff(connection, id).await?;
    order.states.check_shippable()?;
    let open: Vec<Line> = lines::of_order(connection, id)
        .await?
        .iter()
        .map(OrderLine::as_line)
        .collect();
    let units = match &input.lines {
        Some(wishes) => spread(&open, Line::unsent, wishes, "is more than has not left yet")?,
        None => all(&open, Line::unsent),
    };
    let sent: i64 = units.iter().map(|part| part.quantity).sum();
    let unsent: i64 = open.iter().map(Line::unsent).sum();
    let event = if sent == unsent {
        FulfillmentEvent::ShipRest
    } else {
        FulfillmentEvent::ShipPart
    };
    order.states.fulfillment = order.states.fulfillment.after(event)?;
    let shipment = Shipment {
        id: app.clock.uuid(),
        carrier: input.carrier.clone(),
        tracking: input.tracking.clone(),
        tracking_url: input.tracking_url.clone(),
        lines: units,
        shipped_at: app.clock.now(),
        delivered_at: None,
    };
    lines::change(connection, id, &shipment.lines, Change::Ship).await?;
    shipments::add(connection, id, &shipment).await?;
    let details = json!({"shipment_id": shipment.id, "lines": shipment.lines});
    note(app, connection, id, "shipped", actor, Some(details)).await?;
    audit::record(
        connection,
        &app.clock,
        actor,
        "order.ship",
        &id.to_string(),
        &json!({"shipment_id": shipment.id}),
    )
    .await?;
    save(connection, &mut order).await?;
    let shown = view(app, connection, order).await?;
    notify(app, connection, events::SHIPPED, &shown, |notice| {
        notice.keep(&shipment.lines);
        notice.carrier.clone_from(&shipment.carrier);
        notice.tracking.clone_from(&shipment.tracking);
        notice.tracking_url.clone_from(&shipment.tracking_url);
    })
    .await?;
    Ok(shown)
}

/// Notes that a parcel arrived. Twice is no mistake.
#[utoipa::path(
    post, path = "/v1/orders/{id}/shipments/{shipment}/deliver", tag = "fulfillment", security(("token" = [])),
    params(("id" = Uuid, Path), ("shipment" = Uuid, Path)),
    responses(
        (status = 200, body = OrderView),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn deliver_shipment(
    State(app): State<App>,
    Path((id, shipment)): Path<(Uuid, Uuid)>,
    caller: Identity,
) -> Result<Json<OrderView>, Problem> {
    caller.require(WRITE)?;
    let delivered = retrying(ATTEMPTS, || async {
        let mut transaction = app.pool.begin().await?;
        let shown = deliver(&app, &mut transaction, id, shipment, caller.subject()).await?;
        transaction.commit().await?;
        Ok::<_, ChangeError>(shown)
    });
    Ok(Json(delivered.await?))
}

async fn deliver(
    app: &App,
    connection: &mut sqlx::MySqlConnection,
    id: Uuid,
    shipment: Uuid,
    actor: &str,
) -> Result<OrderView, ChangeError> {
    let mut order = lock_for_staff(connection, id).await?;
    let parcels = shipments::of_order(connection, id).await?;
    let parcel = parcels.iter().find(|parcel| parcel.id == shipment);
    let parcel = parcel.ok_or(ChangeError::NoSuchPart("shipment"))?;
    if parcel.delivered_at.is_none() {
        let now = app.clock.now();
        shipments::deliver(connection, id, shipment, now).await?;
        note(
            app,
            connection,
            id,
            "delivered",
            actor,
            Some(json!({"shipment_id": shipment})),
        )
        .await?;
        audit::record(
            connection,
            &app.clock,
            actor,
            "order.deliver",
            &id.to_string(),
            &json!({"shipment_id": shipment}),
        )
        .await?;
        let is_last = parcels
            .iter()
            .all(|other| other.id == shipment || other.delivered_at.is_some());
        if is_last && order.states.fulfillment == FulfillmentState::Shipped {
            order.states.fulfillment = order
                .states
                .fulfillment
                .after(FulfillmentEvent::DeliverAll)?;
            order.states.order = order.states.order.after(OrderEvent::Complete)?;
            order.delivered_at = Some(now);
        }
        save(connection, &mut order).await?;
    }
    view(app, connection, order).await
}
