//! The one transaction in which an order is placed. The rows that others wait for are locked last.

use http::StatusCode;
use kit::{
    clock::random_bytes,
    idempotency::Attempt,
    mariadb::retrying,
    seal::{self, SealError, Sealer},
};
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{
    App,
    address::email_key,
    change_order::{ATTEMPTS, ChangeError},
    db::{coupons, lines, orders, stock},
    events::{self, Placed},
    load_order::{emit, personal_field},
    number::Number,
    open_order::Shopper,
    order::{Order, OrderLine, Personal, Sums, units},
    place_order::{OrderInput, PlaceError, Stored},
    price_cart::Priced,
    state::States,
};

/// Writes the order and takes what it needs, in one transaction.
pub async fn write(
    app: &App,
    shopper: &Shopper,
    input: &OrderInput,
    priced: &Priced,
    personal: &Personal,
    lines: &[OrderLine],
    attempt: &Attempt,
) -> Result<Order, PlaceError> {
    let number = draw_number();
    retrying(ATTEMPTS, || async {
        let mut transaction = app.pool.begin().await?;
        let order = prepare(
            app,
            &mut transaction,
            shopper,
            input,
            priced,
            personal,
            &number,
        )
        .await?;
        take(
            app,
            &mut transaction,
            &order,
            priced,
            personal,
            lines,
            attempt,
        )
        .await?;
        transaction.commit().await?;
        Ok(order)
    })
    .await
}

/// The order as it is about to be written.
async fn prepare(
    app: &App,
    connection: &mut MySqlConnection,
    shopper: &Shopper,
    input: &OrderInput,
    priced: &Priced,
    personal: &Personal,
    number: &str,
) -> Result<Order, ChangeError> {
    let id = app.clock.uuid();
    let person_id = shopper.person();
    let key_id = match person_id {
        Some(person) => person,
        None => guest_key(&app.sealer, &personal.email)?,
    };
    let key = seal::open_or_create(&app.sealer, connection, key_id).await?;
    let sealed = key.seal(&personal_field(id), &serde_json::to_vec(personal)?)?;
    let now = app.clock.now();
    Ok(Order {
        id,
        number: number.to_owned(),
        revision: 1,
        states: States::PLACED,
        person_id,
        key_id,
        personal: Some(sealed),
        cart_id: Some(priced.cart.id),
        cart_revision: Some(priced.cart.revision),
        locale: input.locale,
        country: input.shipping_address.country.clone(),
        currency: priced.currency(),
        shipping_method: input.shipping_method.clone(),
        coupon: priced.coupon.as_ref().map(|coupon| coupon.code.clone()),
        sums: Sums::from(&priced.totals),
        units: priced.items.iter().map(|item| item.quantity).sum(),
        payment_id: None,
        paid: 0,
        refunded: 0,
        placed_at: now,
        expires_at: Some(now + app.reservation),
        delivered_at: None,
    })
}

/// The key that seals what guests of one e-mail order: erasing it forgets all of them.
pub fn guest_key(sealer: &Sealer, email: &str) -> Result<Uuid, SealError> {
    let [bytes @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] =
        sealer.blind_index("guest", &email_key(email))?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}

/// What orders of one e-mail are found by.
pub fn email_index(sealer: &Sealer, email: &str) -> Result<[u8; 32], SealError> {
    sealer.blind_index("email", &email_key(email))
}

/// Writes the order, then takes what it needs.
async fn take(
    app: &App,
    connection: &mut MySqlConnection,
    order: &Order,
    priced: &Priced,
    personal: &Personal,
    lines: &[OrderLine],
    attempt: &Attempt,
) -> Result<(), PlaceError> {
    let email_index = email_index(&app.sealer, &personal.email).map_err(ChangeError::from)?;
    let wanted = units(lines);
    orders::insert(connection, order, &email_index).await?;
    lines::insert(connection, order.id, lines).await?;
    stock::hold(connection, order.id, &wanted).await?;
    let placed = Placed {
        order_id: order.id,
        cart_id: priced.cart.id,
        cart_revision: priced.cart.revision,
    };
    emit(app, connection, events::PLACED, order.id, &placed).await?;
    let stored = Stored { order_id: order.id };
    attempt
        .finish(connection, StatusCode::CREATED, &stored)
        .await
        .map_err(ChangeError::Answer)?;
    if let Some(coupon) = &priced.coupon {
        let user = coupons::Holder {
            order: order.id,
            person: order.person_id,
            email_index: Some(&email_index),
        };
        let taken =
            coupons::take(connection, &coupon.code, coupon.max_uses_per_person, user).await?;
        taken.map_err(PlaceError::Coupon)?;
    }
    if stock::act(connection, stock::Act::Reserve, &wanted).await? {
        Ok(())
    } else {
        Err(PlaceError::OutOfStock(Vec::new()))
    }
}

fn draw_number() -> String {
    loop {
        // Each byte is of use 248 times of 256: sixteen of them hold nine all but always.
        if let Some(number) = Number::draw(&random_bytes::<16>()) {
            return number.plain().to_owned();
        }
    }
}
