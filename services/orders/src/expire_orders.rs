//! Orders that are not paid in time give back what they hold.

use std::time::Duration;

use kit::{mariadb::retrying, problem::chain};
use uuid::Uuid;

use crate::{
    App,
    change_order::{ATTEMPTS, ChangeError, close, note, release, save},
    db::orders,
    state::OrderEvent,
};

/// How many are looked up at once.
const BATCH: u32 = 100;

/// Expires orders for ever. Every replica does: whoever locks an order first expires it.
pub async fn run(app: App, every: Duration) {
    loop {
        match sweep(&app).await {
            // There may be more.
            Ok(expired) if expired >= usize::try_from(BATCH).unwrap_or(usize::MAX) => {}
            Ok(_) => tokio::time::sleep(every).await,
            Err(error) => {
                tracing::warn!(error = chain(&error), "orders could not be expired");
                tokio::time::sleep(every).await;
            }
        }
    }
}

/// Expires the orders whose time is up, oldest first; says how many. One that can't be expired stops no other.
pub async fn sweep(app: &App) -> Result<usize, ChangeError> {
    let due = {
        let mut connection = app.pool.acquire().await?;
        orders::due(&mut connection, app.clock.now(), BATCH).await?
    };
    let mut expired = 0;
    for id in due {
        match retrying(ATTEMPTS, || expire(app, id)).await {
            Ok(()) => expired += 1,
            Err(error) => {
                tracing::error!(order.id = %id, error = chain(&error), "the order could not be expired");
            }
        }
    }
    if expired > 0 {
        app.relay.ring();
    }
    Ok(expired)
}

async fn expire(app: &App, id: Uuid) -> Result<(), ChangeError> {
    let mut transaction = app.pool.begin().await?;
    let Some(mut order) = orders::lock(&mut transaction, id).await? else {
        return Ok(());
    };
    // It was paid, called off or expired by another replica since it was found.
    if order.expires_at.is_none_or(|at| at > app.clock.now()) {
        return Ok(());
    }
    order.states.order = order.states.order.after(OrderEvent::Expire)?;
    note(app, &mut transaction, id, "expired", "clock", None).await?;
    close(app, &mut transaction, &order, "expired").await?;
    release(&mut transaction, &mut order).await?;
    save(&mut transaction, &mut order).await?;
    transaction.commit().await?;
    tracing::info!(order.id = %id, "order expired");
    Ok(())
}
