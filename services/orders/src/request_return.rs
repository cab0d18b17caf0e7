//! `POST /v1/orders/{id}/returns` and `POST /v1/orders/{id}/withdrawal`: giving things back.
//!
//! A withdrawal is the legal right: fourteen days from delivery, no reason, guests too, from the moment the order is placed. What has not left yet
//! needs no journey: it is taken out of the order and paid back at once. A return is the shop's own promise, for longer.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use jiff::SignedDuration;
use kit::{
    Problem,
    extract::{Json, Path},
    mariadb::retrying,
    problem::ProblemSchema,
};
use serde::Deserialize;
use serde_json::json;
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{
    App,
    change_order::{ATTEMPTS, ChangeError, note, save},
    db::{
        lines::{self, Change},
        returns,
    },
    events,
    invalid::Mistakes,
    load_order::{key_of, notify, reasons_field, view},
    open_order::{Shopper, lock},
    order::{Order, OrderLine, Return, ReturnKind},
    parcel::{Line, LineUnits, Wish, spread},
    state::{ReturnEvent, ReturnState},
    view::{OrderView, Reason},
};

/// How long after delivery the shop takes things back of its own will.
const RETURN_DAYS: i64 = 30;
/// The longest text about why something comes back.
const LONGEST_REASON: usize = 500;

/// What is to come back.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnInput {
    /// Which units.
    pub lines: Vec<ReturnLineInput>,
}

/// Units of a variant that are to come back.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnLineInput {
    /// The variant.
    pub sku: String,
    /// How many.
    #[schema(minimum = 1)]
    pub quantity: i64,
    /// Why, in the shopper's words.
    #[serde(default)]
    #[schema(max_length = 500)]
    pub reason: Option<String>,
}

/// Announces that something comes back.
#[utoipa::path(
    post, path = "/v1/orders/{id}/returns", tag = "returns", security(("token" = []), ("order" = []), ()), params(("id" = Uuid, Path)), request_body = ReturnInput,
    responses(
        (status = 201, body = OrderView),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "Nothing left yet, or the time is over."),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn request_return(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    shopper: Shopper,
    Json(input): Json<ReturnInput>,
) -> Result<Response, Problem> {
    let mut mistakes = Mistakes::default();
    for (index, line) in input.lines.iter().enumerate() {
        let fits = line
            .reason
            .as_ref()
            .is_none_or(|reason| reason.chars().count() <= LONGEST_REASON);
        mistakes.require(
            fits,
            format!("lines[{index}].reason"),
            format!("must be at most {LONGEST_REASON} characters"),
        );
    }
    mistakes.none()?;
    let requested = retrying(ATTEMPTS, || async {
        let mut transaction = app.pool.begin().await?;
        let mut order = lock(&app, &mut transaction, id, &shopper).await?;
        let limit = SignedDuration::from_hours(RETURN_DAYS * 24);
        let is_over = order
            .delivered_at
            .is_some_and(|at| app.clock.now().duration_since(at) > limit);
        if is_over {
            return Err(ChangeError::TooLate);
        }
        let wishes = input.lines.iter().map(|line| Wish {
            sku: line.sku.clone(),
            quantity: line.quantity,
        });
        let open = open_lines(&mut transaction, &order).await?;
        let units = spread(
            &open,
            Line::returnable,
            &wishes.collect::<Vec<_>>(),
            "is more than can be given back",
        )?;
        let reasons: Vec<Reason> = input
            .lines
            .iter()
            .filter_map(|line| {
                Some(Reason {
                    sku: line.sku.clone(),
                    reason: line.reason.clone()?,
                })
            })
            .collect();
        announce(
            &app,
            &mut transaction,
            &mut order,
            Announcement {
                kind: ReturnKind::Return,
                units,
                reasons,
            },
            &shopper.actor(),
        )
        .await?;
        save(&mut transaction, &mut order).await?;
        let shown = view(&app, &mut transaction, order).await?;
        notify(
            &app,
            &mut transaction,
            events::RETURN_REQUESTED,
            &shown,
            |_| {},
        )
        .await?;
        transaction.commit().await?;
        Ok(shown)
    });
    let shown = requested.await?;
    app.relay.ring();
    Ok((StatusCode::CREATED, Json(shown)).into_response())
}

/// What is to come back.
pub struct Announcement {
    /// Why.
    pub kind: ReturnKind,
    /// What.
    pub units: Vec<LineUnits>,
    /// In the shopper's words.
    pub reasons: Vec<Reason>,
}

/// Notes that units which left are to come back.
pub async fn announce(
    app: &App,
    connection: &mut MySqlConnection,
    order: &mut Order,
    announcement: Announcement,
    actor: &str,
) -> Result<(), ChangeError> {
    let Announcement {
        kind,
        units,
        reasons,
    } = announcement;
    let id = app.clock.uuid();
    let reasons = match key_of(app, connection, order).await? {
        Some(key) if !reasons.is_empty() => {
            Some(key.seal(&reasons_field(id), &serde_json::to_vec(&reasons)?)?)
        }
        _ => None,
    };
    lines::change(connection, order.id, &units, Change::Announce).await?;
    let back = Return {
        id,
        kind,
        state: ReturnState::None.after(ReturnEvent::Request)?,
        lines: units,
        reasons,
        requested_at: app.clock.now(),
        received_at: None,
    };
    returns::add(connection, order.id, &back).await?;
    let all = returns::of_order(connection, order.id).await?;
    order.states.r#return = ReturnState::of_all(all.iter().map(|back| back.state));
    let what = match kind {
        ReturnKind::Return => "return_requested",
        ReturnKind::Withdrawal => "withdrawn",
    };
    let details = json!({"return_id": id, "lines": back.lines});
    note(app, connection, order.id, what, actor, Some(details)).await
}

/// The lines of an order, as far as parcels matter.
pub async fn open_lines(
    connection: &mut MySqlConnection,
    order: &Order,
) -> Result<Vec<Line>, ChangeError> {
    let lines = lines::of_order(connection, order.id).await?;
    Ok(lines.iter().map(OrderLine::as_line).collect())
}
