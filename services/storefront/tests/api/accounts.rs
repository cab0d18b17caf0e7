//! Accounts: getting one, logging in and out, what is kept there, leaving.

use crate::{
    browser::DETAILS,
    neighbors::{EMAIL, PASSWORD},
    trade::Trade,
};
use http::{Method, StatusCode, header};

#[tokio::test]
async fn an_account_is_asked_for_and_finished_by_a_mail() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    let page = ada.open("/fr/account/register").await;
    let typed = [("name", "Ada"), ("email", "ada"), ("password", "short")];
    let page = ada.send(&page, "/fr/account/register", &typed).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(page.text().contains("2\u{a0}points à revoir"));
    assert!(
        page.text().contains("value=\"Ada\"") && !page.text().contains("value=\"short\""),
        "but for the password, nothing is wiped"
    );
    let typed = [("email", EMAIL), ("password", "password123")];
    let page = ada.send(&page, "/fr/account/register", &typed).await;
    assert!(page.text().contains("trop facile à deviner"));
    let page = ada
        .send(&page, "/fr/account/register", &[("password", PASSWORD)])
        .await;
    assert!(page.text().contains("Regardez votre messagerie"));

    let page = ada.open("/fr/account/verify?token=old").await;
    let page = ada.send(&page, "/fr/account/verify", &[]).await;
    assert!(page.text().contains("Ce lien ne fonctionne plus"));
    let before = trade.neighbors.known().changes.len();
    let page = ada.open("/fr/account/verify?token=good").await;
    assert_eq!(
        trade.neighbors.known().changes.len(),
        before,
        "a link that is only followed changes nothing"
    );
    let page = ada.send(&page, "/fr/account/verify", &[]).await;
    assert!(page.text().contains("Bonjour Ada Lovelace"));
}

#[tokio::test]
async fn logging_in_takes_the_second_step_where_there_is_one() {
    let trade = Trade::new().await;
    trade.neighbors.known().needs_code = true;
    let mut ada = trade.browser();
    let page = ada.open("/en/account/login?next=checkout").await;
    let wrong = [("email", EMAIL), ("password", "wrong words here")];
    let page = ada.send(&page, "/en/account/login", &wrong).await;
    assert!(
        page.text()
            .contains("The e-mail address or the password is wrong")
    );
    assert!(page.text().contains(&format!("value=\"{EMAIL}\"")));
    let page = ada
        .send(&page, "/en/account/login", &[("password", PASSWORD)])
        .await;
    assert!(
        page.text().contains("protected by a second step") && page.text().contains("one-time-code")
    );
    let typed = [("password", PASSWORD), ("code", "123456")];
    let answer = ada.send_only(&page, "/en/account/login", &typed).await;
    assert_eq!(answer.header(header::LOCATION), "/en/checkout");
}

#[tokio::test]
async fn a_session_is_renewed_once_however_many_tabs_ask() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    ada.log_in().await;
    ada.cookies.remove("__Host-access");
    let kept = ada.cookies.clone();
    let mut tabs: Vec<_> = (0..6)
        .map(|_| {
            let mut tab = trade.browser();
            tab.cookies.clone_from(&kept);
            tab
        })
        .collect();
    let pages = futures::future::join_all(tabs.iter_mut().map(|tab| tab.open("/en/account"))).await;
    for page in &pages {
        assert!(page.text().contains("Hello Ada Lovelace"));
    }
    assert_eq!(trade.neighbors.known().refreshes, 1);
    let renewed = &tabs[0].cookies["__Host-refresh"];
    assert!(
        renewed != &kept["__Host-refresh"]
            && tabs
                .iter()
                .all(|tab| &tab.cookies["__Host-refresh"] == renewed)
    );
}

#[tokio::test]
async fn a_session_that_was_ended_elsewhere_is_over_here() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    ada.log_in().await;
    let refresh = ada.cookies["__Host-refresh"].clone();
    trade.neighbors.known().sessions.clear();
    trade.neighbors.known().used.insert(refresh, String::new());
    let page = ada.open("/en/account").await;
    assert_eq!(ada.path, "/en/account/login");
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        !ada.cookies.contains_key("__Host-refresh") && !ada.cookies.contains_key("__Host-access")
    );
}

#[tokio::test]
async fn nobody_is_logged_out_because_users_is_away() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    ada.log_in().await;
    ada.cookies.remove("__Host-access");
    trade.neighbors.known().away.insert("users");
    let page = ada.open("/en/account").await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(ada.cookies.contains_key("__Host-refresh"));
    trade.neighbors.known().away.clear();
    kit::testing::wait_for("users to be asked again", || {
        let mut again = trade.browser();
        again.cookies.clone_from(&ada.cookies);
        async move {
            let page = again.open("/en/account").await;
            (page.status == StatusCode::OK && page.text().contains("Hello")).then_some(())
        }
    })
    .await;
}

#[tokio::test]
async fn logging_out_forgets_session_and_cart() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    let page = ada.log_in().await;
    ada.take_tea("1").await;
    let stale = ada.open("/en/cart").await;
    let page = ada.send(&page, "/en/account/logout", &[]).await;
    assert!(page.text().contains("You are logged out"));
    for cookie in [
        "__Host-access",
        "__Host-refresh",
        "__Host-cart",
        "__Host-known",
    ] {
        assert!(!ada.cookies.contains_key(cookie), "{cookie}");
    }
    assert_eq!(
        trade.neighbors.count(&Method::POST, "/v1/sessions/logout"),
        1
    );
    assert!(
        ada.open("/en/cart")
            .await
            .text()
            .contains("Your cart is empty")
    );
    let answer = ada.send(&stale, "/en/cart/quantity", &[("set", "9")]).await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "forms of before are over"
    );
}

#[tokio::test]
async fn password_and_profile_are_changed_and_addresses_kept() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    ada.log_in().await;
    let page = ada.open("/en/account/password").await;
    let wrong = [
        ("current", "not this one"),
        ("password", "new words of tea"),
    ];
    let page = ada.send(&page, "/en/account/password", &wrong).await;
    assert!(page.text().contains("The current password is wrong"));
    let right = [("current", PASSWORD), ("password", "new words of tea")];
    let page = ada.send(&page, "/en/account/password", &right).await;
    assert!(
        page.text().contains("Your password is changed") && page.text().contains("Hello"),
        "still logged in"
    );

    let page = ada.open("/en/account/profile").await;
    let page = ada
        .send(&page, "/en/account/profile", &[("name", "")])
        .await;
    assert!(page.text().contains("Enter your name"));
    let page = ada
        .send(&page, "/en/account/profile", &[("name", "Ada L.")])
        .await;
    assert!(page.text().contains("Saved."));

    let page = ada.open("/en/account/addresses/new").await;
    let page = ada
        .send(&page, "/en/account/addresses/new", &[("city", "Paris")])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.text().contains("href=\"#postal_code\"") && page.text().contains("value=\"Paris\"")
    );
    ada.send(&page, "/en/account/addresses/new", &DETAILS).await;
    let id = trade.neighbors.known().addresses[0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let page = ada.open("/en/account").await;
    let page = ada
        .send(&page, &format!("/en/account/addresses/{id}/remove"), &[])
        .await;
    assert!(page.text().contains("The address is removed"));

    let page = ada.send(&page, "/en/account/sessions/end", &[]).await;
    assert!(page.text().contains("You are logged out everywhere"));
}

#[tokio::test]
async fn a_forgotten_password_is_set_anew() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    let page = ada.open("/en/account/forgot").await;
    let page = ada
        .send(&page, "/en/account/forgot", &[("email", EMAIL)])
        .await;
    assert!(
        page.text()
            .contains("If there is an account with this address")
    );
    let page = ada.open("/en/account/reset?token=old").await;
    let typed = [("password", "brand new words")];
    let page = ada.send(&page, "/en/account/reset", &typed).await;
    assert!(page.text().contains("This link no longer works"));
    let page = ada.open("/en/account/reset?token=good").await;
    let page = ada.send(&page, "/en/account/reset", &typed).await;
    assert!(page.text().contains("Your new password is saved"));
    assert_eq!(trade.neighbors.known().password, "brand new words");
}

#[tokio::test]
async fn data_is_taken_along_and_the_account_deleted() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    let page = ada.log_in().await;
    let data = ada.send(&page, "/en/account/export", &[]).await;
    assert!(
        data.header(header::CONTENT_DISPOSITION)
            .starts_with("attachment")
    );
    assert!(data.text().contains(EMAIL));
    assert_eq!(data.header(header::CACHE_CONTROL), "private, no-store");
    let page = ada.open("/en/account/delete").await;
    let page = ada
        .send(&page, "/en/account/delete", &[("password", "wrong")])
        .await;
    assert!(page.text().contains("The current password is wrong"));
    let page = ada
        .send(&page, "/en/account/delete", &[("password", PASSWORD)])
        .await;
    assert!(page.text().contains("Your account is deleted"));
    assert!(!ada.cookies.contains_key("__Host-refresh"));
}

#[tokio::test]
async fn a_part_of_the_account_that_is_away_leaves_the_others() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    ada.log_in().await;
    trade.neighbors.known().away.insert("orders");
    let page = ada.open("/en/account").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.text().contains("Your orders can’t be shown right now")
            && page.text().contains("Firefox")
    );
}
