//! What staff see and do.

use std::collections::HashMap;

use amazoff_users::{
    appoint_first_admin::{FirstAdmin, appoint_first_admin},
    role::Role,
};
use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{PASSWORD, Session, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_act_on_the_next_request() {
    let world = World::new().await;
    let admin = world.staff("admin@example.com", Role::Admin).await;
    let ada = world.customer("ada@example.com").await;
    let path = format!("/v1/users/{}/roles", ada.id);
    let put = |roles: &[&str]| world.by(&admin, Method::PUT, &path, Some(json!({"roles": roles})));
    let users = async |session: &Session| world.by(session, Method::GET, "/v1/users", None).await;
    users(&ada).await.expect(StatusCode::FORBIDDEN);
    put(&["support"]).await.expect(StatusCode::OK);
    let support = Session::of(&world.refresh(&ada.refresh).await.expect(StatusCode::OK));
    users(&support).await.expect(StatusCode::OK);

    put(&[]).await.expect(StatusCode::OK);
    world.app.follow_own_revocations().await;
    assert_eq!(
        users(&support).await.status,
        StatusCode::UNAUTHORIZED,
        "the token that says support is refused"
    );
    let ada = Session::of(&world.refresh(&support.refresh).await.expect(StatusCode::OK));
    users(&ada).await.expect(StatusCode::FORBIDDEN);
    // Every other service learns of it here.
    let list = world
        .call(Method::GET, "/internal/v1/revocations", &[], None)
        .await
        .expect(StatusCode::OK)
        .json();
    let refused_before = list["people"][ada.id.to_string()].as_i64();
    assert!(refused_before > Some(world.clock.now().as_second()));
    world.advance(16 * 60);
    let list = world
        .call(Method::GET, "/internal/v1/revocations", &[], None)
        .await
        .json();
    assert_eq!(list["people"], json!({}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gives_more_than_they_have() {
    let world = World::new().await;
    let admin = world.staff("admin@example.com", Role::Admin).await;
    let support = world.staff("support@example.com", Role::Support).await;
    let put = async |session: &Session, id: uuid::Uuid, roles: &[&str]| {
        let path = format!("/v1/users/{id}/roles");
        world
            .by(session, Method::PUT, &path, Some(json!({"roles": roles})))
            .await
    };
    assert_eq!(
        put(&support, support.id, &["admin"])
            .await
            .expect(StatusCode::FORBIDDEN)
            .kind(),
        "forbidden"
    );
    assert_eq!(
        put(&admin, admin.id, &[])
            .await
            .expect(StatusCode::CONFLICT)
            .kind(),
        "last-admin"
    );
    put(&admin, support.id, &["support", "merchandiser"])
        .await
        .expect(StatusCode::OK);
    put(&admin, support.id, &["emperor"])
        .await
        .expect(StatusCode::BAD_REQUEST);
    put(&admin, uuid::Uuid::nil(), &["support"])
        .await
        .expect(StatusCode::NOT_FOUND);

    // Taken the role meanwhile, the token of before is worth nothing here, even where the list was not read yet.
    put(&admin, support.id, &["admin"])
        .await
        .expect(StatusCode::OK);
    let second = world.log_in("support@example.com").await;
    put(&second, admin.id, &["support"])
        .await
        .expect(StatusCode::OK);
    world.app.verifier.revoke(HashMap::new());
    assert_eq!(
        put(&admin, second.id, &[])
            .await
            .expect(StatusCode::FORBIDDEN)
            .kind(),
        "exceeds-own-permissions"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_listed_and_found_by_address_or_id() {
    let world = World::new().await;
    let admin = world.staff("admin@example.com", Role::Admin).await;
    let mut ids = vec![admin.id];
    for number in 0..4 {
        ids.push(world.customer(&format!("p{number}@example.com")).await.id);
    }
    ids.reverse();
    let get = async |path: String| {
        world
            .by(&admin, Method::GET, &path, None)
            .await
            .expect(StatusCode::OK)
            .json()
    };
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = get(format!("/v1/users?limit=2{cursor}")).await;
        found.extend(
            page["items"]
                .as_array()
                .expect("items")
                .iter()
                .map(|item| item["id"].clone()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(
        found,
        ids.iter().map(|id| json!(id)).collect::<Vec<_>>(),
        "the newest first"
    );
    for (q, count) in [
        ("P2@example.com", 1),
        (ids[0].to_string().as_str(), 1),
        ("nobody@example.com", 0),
        ("p2", 0),
        ("%25", 0),
    ] {
        assert_eq!(
            get(format!("/v1/users?q={q}")).await["items"]
                .as_array()
                .map(Vec::len),
            Some(count),
            "{q}"
        );
    }
    let one = get(format!("/v1/users/{}", ids[0])).await;
    assert_eq!(
        (&one["email"], &one["roles"]),
        (&json!("p3@example.com"), &json!(["customer"]))
    );
    let roles = get("/v1/roles".to_owned()).await;
    assert_eq!(roles["items"].as_array().map(Vec::len), Some(4));
    world
        .by(&admin, Method::GET, "/v1/users?limit=0", None)
        .await
        .expect(StatusCode::BAD_REQUEST);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_audit_trail_says_who_did_what_and_names_no_one() {
    let world = World::new().await;
    let admin = world.staff("admin@example.com", Role::Admin).await;
    let ada = world.customer("ada@example.com").await;
    let path = format!("/v1/users/{}/roles", ada.id);
    world
        .by(
            &admin,
            Method::PUT,
            &path,
            Some(json!({"roles": ["support"]})),
        )
        .await
        .expect(StatusCode::OK);
    let audit = world
        .by(&admin, Method::GET, "/v1/audit", None)
        .await
        .expect(StatusCode::OK);
    let text = String::from_utf8_lossy(&audit.body).into_owned();
    assert!(!text.contains('@') && !text.contains("Lovelace"), "{text}");
    for (query, count) in [
        ("action=roles.changed", 1),
        (&*format!("subject={}&action=person.registered", ada.id), 1),
        (&*format!("actor={}", admin.id), 2),
        ("actor=nobody", 0),
        ("action=a", 0),
    ] {
        let path = format!("/v1/audit?{query}");
        let found = world
            .by(&admin, Method::GET, &path, None)
            .await
            .expect(StatusCode::OK);
        assert_eq!(
            found.json()["items"].as_array().map(Vec::len),
            Some(count),
            "{query}"
        );
    }
    let odd = world
        .by(&admin, Method::GET, "/v1/audit?action=%F0%9F%91%8D", None)
        .await;
    assert_eq!(odd.expect(StatusCode::BAD_REQUEST).fields(), ["action"]);
    let last = &audit.json()["items"][0];
    assert_eq!(
        (&last["action"], &last["actor"], &last["subject"]),
        (&json!("roles.changed"), &json!(admin.id), &json!(ada.id))
    );
    let ada = Session::of(&world.refresh(&ada.refresh).await.expect(StatusCode::OK));
    world
        .by(&ada, Method::GET, "/v1/audit", None)
        .await
        .expect(StatusCode::FORBIDDEN);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_admin_is_made_once() {
    let world = World::new().await;
    let first = FirstAdmin {
        email: amazoff_users::email::Email::parse("first@example.com").expect("an address"),
        password: PASSWORD.into(),
    };
    let (one, two) = tokio::join!(
        appoint_first_admin(&world.app, &first),
        appoint_first_admin(&world.app, &first)
    );
    one.and(two).expect("appointed");
    let admin = world.log_in("first@example.com").await;
    world
        .by(&admin, Method::GET, "/v1/audit", None)
        .await
        .expect(StatusCode::OK);
    let other = FirstAdmin {
        email: amazoff_users::email::Email::parse("other@example.com").expect("an address"),
        ..first
    };
    appoint_first_admin(&world.app, &other)
        .await
        .expect("nothing to do");
    world
        .try_log_in("other@example.com", PASSWORD)
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_an_account_becomes_the_first_admin_with_the_password_of_their_own() {
    let world = World::new().await;
    world.customer("ada@example.com").await;
    let first = FirstAdmin {
        email: amazoff_users::email::Email::parse("ada@example.com").expect("an address"),
        password: "another password".into(),
    };
    appoint_first_admin(&world.app, &first)
        .await
        .expect("appointed");
    let admin = world.log_in("ada@example.com").await;
    world
        .by(&admin, Method::GET, "/v1/audit", None)
        .await
        .expect(StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_was_refused_for_good_is_listed_and_sent_again() {
    let world = World::new().await;
    world.staff("admin@example.com", Role::Admin).await;
    let ada = world.customer("ada@example.com").await;
    world.sink.answer(StatusCode::BAD_REQUEST);
    world
        .call(
            Method::POST,
            "/v1/password-resets",
            &[],
            Some(json!({"email": "ada@example.com"})),
        )
        .await
        .expect(StatusCode::ACCEPTED);
    for _ in 0..kit::outbox::ATTEMPTS {
        world.app.relay.run_once().await.expect("tried");
        world.advance(2 * 60);
    }
    let admin = world.log_in("admin@example.com").await;
    let path = "/v1/users/dead-letters";
    let listed = world.by(&admin, Method::GET, path, None).await;
    let letter = listed.expect(StatusCode::OK).json()["items"][0].clone();
    assert_eq!(
        (&letter["type"], &letter["sink"], &letter["subject"]),
        (
            &json!("amazoff.person.password_reset_requested"),
            &json!("notifications"),
            &json!(ada.id)
        )
    );
    let by_ada = world.log_in("ada@example.com").await;
    let by_ada = world.by(&by_ada, Method::GET, path, None).await;
    by_ada.expect(StatusCode::FORBIDDEN);

    world.sink.answer(StatusCode::NO_CONTENT);
    let replay = format!("{path}/{}/replay", letter["id"].as_str().expect("an id"));
    let replay = async || world.by(&admin, Method::POST, &replay, None).await;
    replay().await.expect(StatusCode::ACCEPTED);
    world.app.relay.run_once().await.expect("delivered");
    let kind = "amazoff.person.password_reset_requested";
    assert_eq!(world.sink.count(kind), 1);
    replay().await.expect(StatusCode::NOT_FOUND);
    let audit = world.by(&admin, Method::GET, "/v1/audit", None).await;
    let last = &audit.json()["items"][0];
    assert_eq!(
        (&last["action"], &last["actor"], &last["subject"]),
        (&json!("event.replay"), &json!(admin.id), &letter["id"])
    );
}
