//! All that belongs to an order, from its tables; and what is told of it.

use kit::seal::{self, DataKey, Field, SealError};
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{
    App,
    change_order::ChangeError,
    db::{history, lines, money, returns, shipments},
    events::{self, Notice},
    open_order::order_token,
    order::{Order, OrderLine, Personal, Return},
    state::{OrderState, ReturnState},
    text::LocalizedText,
    view::{self, OrderView, Parts, Reason, has_parcels},
};

/// Where what is personal in an order is sealed.
pub const fn personal_field(order: Uuid) -> Field<'static> {
    Field {
        table: "orders",
        column: "personal",
        row: order,
    }
}

/// Where what a shopper wrote about a return is sealed.
pub const fn reasons_field(back: Uuid) -> Field<'static> {
    Field {
        table: "order_return",
        column: "reasons",
        row: back,
    }
}

/// An order as it is shown now.
pub async fn view(
    app: &App,
    connection: &mut MySqlConnection,
    order: Order,
) -> Result<OrderView, ChangeError> {
    let lines = lines::of_order(connection, order.id).await?;
    let key = key_of(app, connection, &order).await?;
    let personal = personal(key.as_ref(), &order)?;
    let states = order.states;
    // Tables that can have nothing of this order are not asked: most orders are read while they are new.
    let shipments = if has_parcels(states) {
        shipments::of_order(connection, order.id).await?
    } else {
        Vec::new()
    };
    let mut backs = Vec::new();
    if states.r#return != ReturnState::None {
        for back in returns::of_order(connection, order.id).await? {
            let reasons = reasons(key.as_ref(), &order, &back)?;
            backs.push((back, reasons));
        }
    }
    let is_new = states.order == OrderState::Placed;
    let refunds = if is_new {
        Vec::new()
    } else {
        money::of_order(connection, order.id).await?
    };
    let history = history::of_order(connection, order.id).await?;
    let method = method_name(app, &order.shipping_method);
    let parts = Parts {
        order,
        lines,
        personal,
        shipments,
        returns: backs,
        refunds,
        history,
    };
    Ok(view::show(parts, method, app.clock.now()))
}

/// An order that was just placed, from what is at hand: nothing else of it is in any table.
pub fn view_placed(
    app: &App,
    order: Order,
    lines: Vec<OrderLine>,
    personal: Personal,
) -> OrderView {
    let method = method_name(app, &order.shipping_method);
    let parts = Parts {
        order,
        lines,
        personal: Some(personal),
        shipments: Vec::new(),
        returns: Vec::new(),
        refunds: Vec::new(),
        history: Vec::new(),
    };
    view::show(parts, method, app.clock.now())
}

fn method_name<'a>(app: &'a App, id: &str) -> Option<&'a LocalizedText> {
    let rule = app.terms.shipping.iter().find(|rule| rule.id == id);
    rule.map(|rule| &rule.name)
}

/// The key that opens what is personal in an order; none once the person was forgotten.
pub async fn key_of(
    app: &App,
    connection: &mut MySqlConnection,
    order: &Order,
) -> Result<Option<DataKey>, ChangeError> {
    if order.personal.is_none() {
        return Ok(None);
    }
    Ok(seal::open(&app.sealer, connection, order.key_id).await?)
}

/// What is personal in an order.
pub fn personal(key: Option<&DataKey>, order: &Order) -> Result<Option<Personal>, ChangeError> {
    let (Some(key), Some(sealed)) = (key, &order.personal) else {
        return Ok(None);
    };
    let plain = key.unseal(&personal_field(order.id), sealed)?;
    Ok(Some(serde_json::from_slice(&plain)?))
}

fn reasons(
    key: Option<&DataKey>,
    order: &Order,
    back: &Return,
) -> Result<Vec<Reason>, ChangeError> {
    let (Some(key), Some(sealed), Some(_)) = (key, &back.reasons, &order.personal) else {
        return Ok(Vec::new());
    };
    let plain = key.unseal(&reasons_field(back.id), sealed)?;
    Ok(serde_json::from_slice(&plain)?)
}

/// The page of the shop that shows an order, for a mail to whoever placed it. A guest has nothing else to show for being that, so their
/// link opens the order by itself; the page takes the token out of the address at once. Who has an account logs in.
fn page_of(app: &App, order: &OrderView) -> Result<String, SealError> {
    let page = format!(
        "{}/{}/orders/{}",
        app.public_url,
        order.locale.code(),
        order.id
    );
    Ok(if order.is_guests {
        format!("{page}?token={}", order_token(&app.sealer, order.id)?)
    } else {
        page
    })
}

/// Writes to whoever ordered, in this transaction. `add` says more about what happened.
pub async fn notify(
    app: &App,
    connection: &mut MySqlConnection,
    kind: &'static str,
    order: &OrderView,
    add: impl FnOnce(&mut Notice) + Send,
) -> Result<(), ChangeError> {
    // Nobody is written to who asked to be forgotten.
    if let Some(mut notice) = Notice::of(order, page_of(app, order)?, app.clock.now()) {
        add(&mut notice);
        emit(app, connection, kind, order.id, &notice).await?;
    }
    Ok(())
}

/// Tells whoever hears this type, in this transaction.
pub async fn emit(
    app: &App,
    connection: &mut MySqlConnection,
    kind: &'static str,
    order: Uuid,
    data: &(impl serde::Serialize + Sync),
) -> Result<(), ChangeError> {
    let event = kit::outbox::Event::new(&app.clock, kind, order, data);
    let known = |sink: &&str| app.sinks.iter().any(|known| known == sink);
    let sinks: Vec<&str> = events::sinks(kind).iter().copied().filter(known).collect();
    kit::outbox::emit(connection, &sinks, &event).await?;
    Ok(())
}
