//! What is told to others: mails to be sent. They hear it from an outbox that is written in the same transaction.

use jiff::Timestamp;
use kit::{
    mariadb::{At, MySqlConnection},
    outbox::{self, Event},
};
use serde::Serialize;
use serde_json::json;
use url::Url;
use uuid::Uuid;

use crate::{App, db::DbResult, email::Email, person::Locale, secret::Secret};

/// Who sends mails.
const NOTIFICATIONS: &[&str] = &["notifications"];

/// To whom a mail goes.
#[derive(Debug, Clone, Copy)]
pub struct To<'a> {
    /// Whom it is about.
    pub person: Uuid,
    /// The address.
    pub email: &'a Email,
    /// The name.
    pub name: &'a str,
    /// The language.
    pub locale: Locale,
}

impl To<'_> {
    fn page(&self, app: &App, page: &str, token: &Secret) -> String {
        page_with_token(&app.public_url, self.locale, page, token)
    }
}

/// Somebody wants an account, and has to prove that the address is theirs.
pub async fn registered(
    connection: &mut MySqlConnection,
    app: &App,
    to: To<'_>,
    token: &Secret,
) -> DbResult<()> {
    let verify_url = to.page(app, "verify", token);
    let data = json!({"email": to.email.as_str(), "name": to.name, "locale": to.locale, "verify_url": verify_url});
    emit(
        connection,
        app,
        "amazoff.person.registered",
        to.person,
        &data,
    )
    .await
}

/// Somebody wants an account who has one.
pub async fn registration_repeated(
    connection: &mut MySqlConnection,
    app: &App,
    to: To<'_>,
) -> DbResult<()> {
    let data = json!({"email": to.email.as_str(), "name": to.name, "locale": to.locale});
    emit(
        connection,
        app,
        "amazoff.person.registration_repeated",
        to.person,
        &data,
    )
    .await
}

/// Somebody forgot the password.
pub async fn password_reset_requested(
    connection: &mut MySqlConnection,
    app: &App,
    to: To<'_>,
    token: &Secret,
) -> DbResult<()> {
    let reset_url = to.page(app, "reset", token);
    let data = json!({"email": to.email.as_str(), "name": to.name, "locale": to.locale, "reset_url": reset_url});
    emit(
        connection,
        app,
        "amazoff.person.password_reset_requested",
        to.person,
        &data,
    )
    .await
}

/// The password changed; its owner should know, in case it was somebody else.
pub async fn password_changed(
    connection: &mut MySqlConnection,
    app: &App,
    to: To<'_>,
) -> DbResult<()> {
    let data = json!({"email": to.email.as_str(), "name": to.name, "locale": to.locale});
    emit(
        connection,
        app,
        "amazoff.person.password_changed",
        to.person,
        &data,
    )
    .await
}

/// Nothing of the person is left but this last mail.
pub async fn erased(connection: &mut MySqlConnection, app: &App, to: To<'_>) -> DbResult<()> {
    let data = json!({"email": to.email.as_str(), "locale": to.locale});
    emit(connection, app, "amazoff.person.erased", to.person, &data).await
}

async fn emit(
    connection: &mut MySqlConnection,
    app: &App,
    kind: &'static str,
    subject: Uuid,
    data: &(impl Serialize + Sync),
) -> DbResult<()> {
    let event = Event::new(&app.clock, kind, subject, data);
    outbox::emit(connection, NOTIFICATIONS, &event).await?;
    Ok(())
}

const FORGET_DELIVERED: &str = "DELETE FROM outbox WHERE created_at < ? AND NOT EXISTS (SELECT 1 FROM outbox_delivery WHERE outbox_delivery.seq = outbox.seq)";
const FORGET_OWED: &str = "DELETE outbox_delivery FROM outbox_delivery JOIN outbox ON outbox.seq = outbox_delivery.seq WHERE outbox.aggregate = ?";
const FORGET_OF: &str = "DELETE FROM outbox WHERE aggregate = ?";

/// Takes out what was delivered, of what happened before. Elsewhere events stay a day for those who look into what happened; these name
/// people, and open doors. `before` lies some time back: of an event that is just being committed, the row could be seen before what is owed of it.
pub async fn forget_delivered(connection: &mut MySqlConnection, before: Timestamp) -> DbResult<()> {
    sqlx::query(FORGET_DELIVERED)
        .bind(At(before))
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes out all that was to be told about a person.
pub async fn forget(connection: &mut MySqlConnection, person: Uuid) -> DbResult<()> {
    let person = person.to_string();
    sqlx::query(FORGET_OWED)
        .bind(&person)
        .execute(&mut *connection)
        .await?;
    sqlx::query(FORGET_OF)
        .bind(&person)
        .execute(connection)
        .await?;
    Ok(())
}

/// The address of a page of the shop; the token only a browser that follows the link knows.
fn page_with_token(shop: &Url, locale: Locale, page: &str, token: &Secret) -> String {
    let mut url = shop.clone();
    let base = shop.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{base}/{}/account/{page}", locale.as_str()));
    url.query_pairs_mut().append_pair("token", token.as_str());
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_lead_to_the_shop_wherever_it_is() {
        let token = Secret::from("abc");
        for (shop, expected) in [
            (
                "https://shop.example",
                "https://shop.example/fr/account/verify?token=abc",
            ),
            (
                "https://shop.example/",
                "https://shop.example/fr/account/verify?token=abc",
            ),
            (
                "https://example.com/shop/",
                "https://example.com/shop/fr/account/verify?token=abc",
            ),
        ] {
            let shop = Url::parse(shop).expect("an address");
            assert_eq!(
                page_with_token(&shop, Locale::Fr, "verify", &token),
                expected
            );
        }
    }
}
