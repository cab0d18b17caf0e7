//! `POST /v1/orders/{id}/returns/{return}/receive` and `…/refuse`: what the warehouse does with what comes back.

use axum::extract::State;
use kit::{
    Problem, audit,
    auth::Identity,
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
    change_order::{ATTEMPTS, ChangeError, GiveBack, give_back, note, put_back, refundable, save},
    db::{
        lines::{self, Change},
        returns,
    },
    events,
    load_order::{notify, view},
    open_order::{WRITE, lock_for_staff},
    order::{Order, OrderLine, Return, ReturnKind},
    parcel::{Line, LineUnits, Wish, spread, worth},
    state::{ReturnEvent, ReturnState},
    stock::{MovementKind, sum_by_sku},
    view::OrderView,
};

/// What arrived.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiptInput {
    /// What arrived, all that was announced when absent. What is missing is not awaited any more.
    #[serde(default)]
    pub lines: Option<Vec<Wish>>,
    /// Whether it goes back on the shelf.
    pub restock: bool,
}

/// Notes that a return arrived; its money goes back.
#[utoipa::path(
    post, path = "/v1/orders/{id}/returns/{return}/receive", tag = "returns", security(("token" = [])),
    params(("id" = Uuid, Path), ("return" = Uuid, Path)), request_body = ReceiptInput,
    responses(
        (status = 200, body = OrderView),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "It was received or refused before."),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn receive_return(
    State(app): State<App>,
    Path((id, back)): Path<(Uuid, Uuid)>,
    caller: Identity,
    Json(input): Json<ReceiptInput>,
) -> Result<Json<OrderView>, Problem> {
    caller.require(WRITE)?;
    let received = retrying(ATTEMPTS, || async {
        let mut transaction = app.pool.begin().await?;
        let mut order = lock_for_staff(&mut transaction, id).await?;
        let amount = receive(
            &app,
            &mut transaction,
            &mut order,
            back,
            &input,
            caller.subject(),
        )
        .await?;
        save(&mut transaction, &mut order).await?;
        let shown = view(&app, &mut transaction, order).await?;
        notify(
            &app,
            &mut transaction,
            events::RETURN_RECEIVED,
            &shown,
            |notice| notice.amount = Some(amount),
        )
        .await?;
        transaction.commit().await?;
        Ok::<_, ChangeError>(shown)
    });
    let shown = received.await?;
    app.relay.ring();
    Ok(Json(shown))
}

async fn receive(
    app: &App,
    connection: &mut MySqlConnection,
    order: &mut Order,
    id: Uuid,
    input: &ReceiptInput,
    actor: &str,
) -> Result<Money, ChangeError> {
    let all = returns::of_order(connection, order.id).await?;
    let back = find(&all, id)?;
    let mut state = back.state.after(ReturnEvent::Receive)?;
    let open: Vec<Line> = lines::of_order(connection, order.id)
        .await?
        .iter()
        .map(OrderLine::as_line)
        .collect();
    let arrived = match &input.lines {
        Some(wishes) => {
            let announced = |line: &Line| {
                let parts = back.lines.iter().filter(|part| part.line == line.line);
                parts.map(|part| part.quantity).sum()
            };
            spread(&open, announced, wishes, "is more than was announced")?
        }
        None => back.lines.clone(),
    };
    lines::change(connection, order.id, &back.lines, Change::Unannounce).await?;
    lines::change(connection, order.id, &arrived, Change::TakeBack).await?;
    let amount = amount_for(connection, order, &open, back.kind, &arrived).await?;
    let details = json!({"return_id": id, "lines": arrived, "restock": input.restock});
    note(
        app,
        connection,
        order.id,
        "return_received",
        actor,
        Some(details),
    )
    .await?;
    audit::record(
        connection,
        &app.clock,
        actor,
        "order.receive_return",
        &order.id.to_string(),
        &json!({"return_id": id, "restock": input.restock}),
    )
    .await?;
    if amount > 0 {
        let give = GiveBack {
            payment: order.payment_id,
            return_id: Some(id),
            amount: Money::new(amount, order.currency),
            reason: back.kind.name(),
            of_order: true,
            actor,
        };
        give_back(app, connection, order, give).await?;
    } else {
        // Nothing was paid for it, or all of it went back before.
        state = state.after(ReturnEvent::Refund)?;
    }
    returns::save(connection, order.id, id, state, Some(app.clock.now())).await?;
    order.states.r#return = ReturnState::of_all(
        all.iter()
            .map(|other| if other.id == id { state } else { other.state }),
    );
    if input.restock {
        let units = sum_by_sku(
            arrived
                .iter()
                .map(|part| (part.sku.as_str(), part.quantity)),
        );
        put_back(
            app,
            connection,
            order.id,
            &units,
            MovementKind::Restocked,
            actor,
        )
        .await?;
    }
    Ok(Money::new(amount, order.currency))
}

/// What goes back for what arrived. Whoever withdraws from all of an order gets its shipping back too (code de la consommation, article L221-24).
async fn amount_for(
    connection: &mut MySqlConnection,
    order: &Order,
    open: &[Line],
    kind: ReturnKind,
    arrived: &[LineUnits],
) -> Result<i64, ChangeError> {
    let mut amount = worth(open, arrived);
    let ordered: i64 = open.iter().map(|line| line.quantity).sum();
    let returned: i64 = open.iter().map(|line| line.returned).sum::<i64>()
        + arrived.iter().map(|part| part.quantity).sum::<i64>();
    if kind == ReturnKind::Withdrawal && returned == ordered {
        amount += order.sums.shipping_total;
        if !order.sums.tax_included {
            amount += order.sums.shipping_tax;
        }
    }
    Ok(amount.min(refundable(connection, order).await?))
}

/// Notes that a return is not accepted, or never came.
#[utoipa::path(
    post, path = "/v1/orders/{id}/returns/{return}/refuse", tag = "returns", security(("token" = [])),
    params(("id" = Uuid, Path), ("return" = Uuid, Path)),
    responses(
        (status = 200, body = OrderView),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "It was received or refused before."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn refuse_return(
    State(app): State<App>,
    Path((id, back)): Path<(Uuid, Uuid)>,
    caller: Identity,
) -> Result<Json<OrderView>, Problem> {
    caller.require(WRITE)?;
    let actor = caller.subject();
    let refused = retrying(ATTEMPTS, || async {
        let mut transaction = app.pool.begin().await?;
        let mut order = lock_for_staff(&mut transaction, id).await?;
        let all = returns::of_order(&mut transaction, id).await?;
        let this = find(&all, back)?;
        let state = this.state.after(ReturnEvent::Refuse)?;
        lines::change(&mut transaction, id, &this.lines, Change::Unannounce).await?;
        returns::save(&mut transaction, id, back, state, None).await?;
        order.states.r#return = ReturnState::of_all(
            all.iter()
                .map(|other| if other.id == back { state } else { other.state }),
        );
        note(
            &app,
            &mut transaction,
            id,
            "return_refused",
            actor,
            Some(json!({"return_id": back})),
        )
        .await?;
        audit::record(
            &mut transaction,
            &app.clock,
            actor,
            "order.refuse_return",
            &id.to_string(),
            &json!({"return_id": back}),
        )
        .await?;
        save(&mut transaction, &mut order).await?;
        let shown = view(&app, &mut transaction, order).await?;
        transaction.commit().await?;
        Ok::<_, ChangeError>(shown)
    });
    Ok(Json(refused.await?))
}

fn find(all: &[Return], id: Uuid) -> Result<&Return, ChangeError> {
    all.iter()
        .find(|back| back.id == id)
        .ok_or(ChangeError::NoSuchPart("return"))
}
