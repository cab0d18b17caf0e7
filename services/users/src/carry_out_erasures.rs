//! Erasing people everywhere, however long a service is away.

use std::time::Duration;

use kit::{client::ClientError, mariadb};
use uuid::Uuid;

use crate::{
    App,
    db::{
        DbError, DbResult,
        accounts::{self, Account},
        erasures, registrations, sealed, throttles,
    },
    erasure::next_at,
    events,
    note_audit::note_with,
    throttle_attempts::bucket,
};

/// How often is looked for what is due.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Carries out erasures for ever.
pub async fn run(app: App) {
    loop {
        match run_once(&app).await {
            Ok(0) => {
                let wait = app.erasure_asked.notified();
                let _asked_or_not = tokio::time::timeout(LOOK_EVERY, wait).await;
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(error = kit::problem::chain(&error), "erasures have to wait");
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
    }
}

/// Carries out what is due, once each. How many people were tried.
pub async fn run_once(app: &App) -> DbResult<usize> {
    let mut tried = 0;
    while let Some(person) = claim(app).await? {
        tried += 1;
        carry_out(app, person).await?;
    }
    Ok(tried)
}

/// Takes one that is due by putting it off: who takes it and dies has only delayed it.
async fn claim(app: &App) -> DbResult<Option<Uuid>> {
    let now = app.clock.now();
    let mut transaction = app.pool.begin().await?;
    let Some((person, attempts)) = erasures::claim(&mut transaction, now).await? else {
        return Ok(None);
    };
    erasures::put_off(&mut transaction, person, next_at(attempts, now)).await?;
    transaction.commit().await?;
    Ok(Some(person))
}

async fn carry_out(app: &App, person: Uuid) -> DbResult<()> {
    let mut connection = app.pool.acquire().await?;
    let Some(account) = accounts::find(&mut connection, &app.sealer, person).await? else {
        return erasures::done(&mut connection, person, app.clock.now()).await;
    };
    let mut is_left = false;
    for name in erasures::open_steps(&mut connection, person).await? {
        let service = app
            .people_services
            .iter()
            .find(|service| service.name == name);
        let Some(service) = service else {
            // Taken out of the configuration: somebody has to say so on purpose, or add it again.
            is_left = true;
            erasures::step_failed(&mut connection, person, &name, "not in PEOPLE_SERVICES").await?;
            continue;
        };
        match service
            .erase(&app.service_tokens, person, &account.email)
            .await
        {
            Ok(()) => {
                erasures::step_done(&mut connection, person, &name, app.clock.now()).await?;
            }
            Err(error) => {
                is_left = true;
                tracing::warn!(service = name, person.id = %person, error = kit::problem::chain(&error), "a service has not erased a person yet");
                erasures::step_failed(&mut connection, person, &name, reason(&error)).await?;
            }
        }
    }
    drop(connection);
    if is_left {
        return Ok(());
    }
    mariadb::retrying(3, || forget(app, &account)).await?;
    app.relay.ring();
    Ok(())
}

/// Never in the words of the other side, which may name somebody.
fn reason(error: &ClientError) -> &'static str {
    if error.is_unavailable() {
        "unavailable"
    } else {
        "refused"
    }
}

/// Everybody else has forgotten; now we.
async fn forget(app: &App, account: &Account) -> Result<(), DbError> {
    let id = account.id;
    let mut transaction = app.pool.begin().await?;
    accounts::lock(&mut transaction, id).await?;
    let email_index = app.email_index(&account.email)?;
    for registration in registrations::of_email(&mut transaction, &email_index).await? {
        registrations::delete(&mut transaction, registration).await?;
        sealed::forget_key(&mut transaction, registration).await?;
    }
    for kind in ["account", "mail"] {
        throttles::clear(
            &mut transaction,
            &bucket(app, kind, account.email.as_str())?,
        )
        .await?;
    }
    accounts::delete(&mut transaction, id).await?;
    sealed::forget_key(&mut transaction, id).await?;
    events::forget(&mut transaction, id).await?;
    events::erased(&mut transaction, app, account.to()).await?;
    erasures::done(&mut transaction, id, app.clock.now()).await?;
    note_with(
        &mut transaction,
        app,
        "service:users",
        "person.erased",
        id,
        serde_json::json!({}),
    )
    .await?;
    transaction.commit().await?;
    Ok(())
}
