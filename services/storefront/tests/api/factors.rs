//! Second factors: codes from an app, and passkeys as far as the server has a part in them.

use crate::{neighbors::PASSWORD, trade::Trade};
use http::{StatusCode, header};

#[tokio::test]
async fn codes_are_switched_on_by_a_first_one_and_off_by_another() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    ada.log_in().await;
    let page = ada.open("/en/account/totp").await;
    let page = ada
        .send(&page, "/en/account/totp", &[("password", "wrong words")])
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = ada
        .send(&page, "/en/account/totp", &[("password", PASSWORD)])
        .await;
    let scan = page.text();
    assert!(scan.contains("<svg class=\"qr\"") && scan.contains("JBSWY3DPEHPK3PXP"));
    assert!(scan.contains("href=\"otpauth://totp/"));
    let page = ada
        .send(&page, "/en/account/totp/confirm", &[("code", "000000")])
        .await;
    assert!(
        page.text().contains("<svg class=\"qr\""),
        "the picture stays"
    );
    let page = ada
        .send(&page, "/en/account/totp/confirm", &[("code", "123456")])
        .await;
    assert!(page.text().contains("abcd-efgh") && page.text().contains("not shown again"));
    assert_eq!(page.header(header::CACHE_CONTROL), "private, no-store");

    let page = ada.open("/en/account/totp").await;
    let wrong = [("password", PASSWORD), ("code", "000000")];
    let page = ada.send(&page, "/en/account/totp/remove", &wrong).await;
    assert!(page.text().contains("not the code of this moment"));
    let right = [("password", PASSWORD), ("code", "123456")];
    let page = ada.send(&page, "/en/account/totp/remove", &right).await;
    assert!(page.text().contains("Codes are switched off"));
}

#[tokio::test]
async fn only_a_link_for_authenticator_apps_is_drawn_again() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    ada.log_in().await;
    let page = ada.open("/en/account/totp").await;
    let page = ada
        .send(&page, "/en/account/totp", &[("password", PASSWORD)])
        .await;
    let forged = [("code", "000000"), ("uri", "javascript:alert(1)")];
    let page = ada.send(&page, "/en/account/totp/confirm", &forged).await;
    assert!(!page.text().contains("javascript:"), "{}", page.text());
}

#[tokio::test]
async fn passkeys_are_kept_used_and_removed() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    ada.log_in().await;
    let page = ada.open("/fr/account/passkeys").await;
    assert!(page.text().contains("passkey.") && !page.text().contains("<script>"));
    let asked = [("name", "Mon téléphone"), ("password", "wrong words")];
    let answer = ada
        .send_to(
            &page,
            "/fr/account/passkeys",
            "/fr/account/passkeys/challenge",
            &asked,
        )
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().contains("\"problem\""));
    let asked = [("name", "Mon téléphone"), ("password", PASSWORD)];
    let answer = ada
        .send_to(
            &page,
            "/fr/account/passkeys",
            "/fr/account/passkeys/challenge",
            &asked,
        )
        .await;
    assert!(answer.text().contains("\"challenge\":\"AAAA\""));
    for (credential, said) in [
        ("no JSON", "pas fonctionné"),
        ("{\"id\":\"k\"}", "enregistrée"),
    ] {
        let made = [
            ("name", "Mon téléphone"),
            ("challenge", "c"),
            ("credential", credential),
        ];
        let answer = ada.send(&page, "/fr/account/passkeys", &made).await;
        assert!(answer.text().contains(said), "{credential}");
    }

    let mut other = trade.browser();
    for (key, way) in [("x", "problem=passkey"), ("k", "/fr/checkout")] {
        let page = other.open("/fr/account/login?next=checkout").await;
        let credential = format!("{{\"id\":\"{key}\"}}");
        let shown = [("challenge", "c"), ("credential", credential.as_str())];
        let answer = other
            .send_only(&page, "/fr/account/login/passkey", &shown)
            .await;
        assert!(answer.header(header::LOCATION).contains(way), "{key}");
    }

    let page = ada.open("/fr/account/passkeys").await;
    let page = ada.send(&page, "/fr/account/passkeys/remove", &[]).await;
    assert!(page.text().contains("supprimée") && page.text().contains("pas encore"));
}
