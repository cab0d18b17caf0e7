//! Passkeys, answered by an authenticator made of software.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Method, StatusCode};
use kit::clock::random_bytes;
use p256::ecdsa::{DerSignature, SigningKey, signature::Signer as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::world::{Answer, PASSWORD, Session, World};

const ORIGIN: &str = "https://shop.example";
/// The user was there, and was verified.
const PRESENT_AND_VERIFIED: u8 = 0b101;
const WITH_KEY: u8 = 0b100_0000;

/// What a phone does, with a key of its own for each shop.
struct Authenticator {
    key: SigningKey,
    id: Vec<u8>,
    owner: Vec<u8>,
    counter: u32,
}

impl Authenticator {
    /// Answers `navigator.credentials.create`.
    fn create(options: &Value, origin: &str) -> (Self, Value) {
        let public_key = &options["publicKey"];
        let owner = URL_SAFE_NO_PAD
            .decode(public_key["user"]["id"].as_str().expect("an id"))
            .expect("base64url");
        let this = Self {
            key: SigningKey::from_slice(&random_bytes::<32>()).expect("a key"),
            id: random_bytes::<32>().to_vec(),
            owner,
            counter: 0,
        };
        let point = this.key.verifying_key().to_sec1_point(false);
        // CBOR by hand: {1: EC2, 3: ES256, -1: P-256, -2: x, -3: y}
        let mut cose = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 32];
        cose.extend(point.x().expect("not at infinity"));
        cose.extend([0x22, 0x58, 32]);
        cose.extend(point.y().expect("uncompressed"));
        let mut data = this.data(PRESENT_AND_VERIFIED | WITH_KEY);
        data.extend([0; 16]);
        data.extend(u16::try_from(this.id.len()).expect("short").to_be_bytes());
        data.extend(&this.id);
        data.extend(cose);
        // {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = vec![0xa3];
        object.extend(b"\x63fmt\x64none\x67attStmt\xa0\x68authData\x58");
        object.push(u8::try_from(data.len()).expect("short"));
        object.extend(data);
        let client = client_data("webauthn.create", public_key, origin);
        let credential = json!({
            "id": text(&this.id), "rawId": text(&this.id), "type": "public-key",
            "response": {"attestationObject": text(&object), "clientDataJSON": text(&client)},
        });
        (this, credential)
    }

    /// Answers `navigator.credentials.get`.
    fn get(&mut self, options: &Value, origin: &str, flags: u8) -> Value {
        self.counter += 1;
        let data = self.data(flags);
        let client = client_data("webauthn.get", &options["publicKey"], origin);
        let signed: Vec<u8> = [data.clone(), Sha256::digest(&client).to_vec()].concat();
        let signature: DerSignature = self.key.sign(&signed);
        json!({
            "id": text(&self.id), "rawId": text(&self.id), "type": "public-key",
            "response": {
                "authenticatorData": text(&data), "clientDataJSON": text(&client),
                "signature": text(signature.as_bytes()), "userHandle": text(&self.owner),
            },
        })
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(b"shop.example").to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }
}

fn client_data(kind: &str, public_key: &Value, origin: &str) -> Vec<u8> {
    json!({"type": kind, "challenge": public_key["challenge"], "origin": origin, "crossOrigin": false})
        .to_string()
        .into_bytes()
}

fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

async fn begin(world: &World, ada: &Session) -> Value {
    let body = json!({"password": PASSWORD});
    let answer = world
        .by(ada, Method::POST, "/v1/me/passkeys/challenge", Some(body))
        .await;
    answer.expect(StatusCode::OK).json()
}

async fn finish(world: &World, ada: &Session, challenge: &Value, credential: Value) -> Answer {
    let body =
        json!({"challenge_id": challenge["id"], "name": "My phone", "credential": credential});
    world
        .by(ada, Method::POST, "/v1/me/passkeys", Some(body))
        .await
}

async fn with_passkey(world: &World, ada: &Session) -> (Authenticator, Uuid) {
    let challenge = begin(world, ada).await;
    let (phone, credential) = Authenticator::create(&challenge["options"], ORIGIN);
    let answer = finish(world, ada, &challenge, credential)
        .await
        .expect(StatusCode::CREATED);
    (
        phone,
        answer.json()["id"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("an id"),
    )
}

async fn ask(world: &World) -> Value {
    world
        .call(Method::POST, "/v1/sessions/passkey/challenge", &[], None)
        .await
        .expect(StatusCode::OK)
        .json()
}

async fn answer(world: &World, challenge: &Value, credential: &Value) -> Answer {
    world
        .post(
            "/v1/sessions/passkey",
            json!({"challenge_id": challenge["id"], "credential": credential}),
        )
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_lets_its_owner_in_without_typing_anything() {
    let world = World::new().await;
    let ada = world.customer("ada@example.com").await;
    let (mut phone, id) = with_passkey(&world, &ada).await;
    for _ in 0..2 {
        let challenge = ask(&world).await;
        assert_eq!(challenge["options"]["publicKey"]["rpId"], "shop.example");
        let credential = phone.get(&challenge["options"], ORIGIN, PRESENT_AND_VERIFIED);
        let let_in = answer(&world, &challenge, &credential)
            .await
            .expect(StatusCode::CREATED);
        assert_eq!(Session::of(&let_in).id, ada.id);
        answer(&world, &challenge, &credential)
            .await
            .expect(StatusCode::BAD_REQUEST);
    }
    let list = world
        .by(&ada, Method::GET, "/v1/me/passkeys", None)
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(list["items"][0]["name"], "My phone");
    assert!(list["items"][0]["last_used_at"].is_string());

    let path = format!("/v1/me/passkeys/{id}");
    let eve = world.customer("eve@example.com").await;
    world
        .by(&eve, Method::DELETE, &path, None)
        .await
        .expect(StatusCode::NOT_FOUND);
    world
        .by(&ada, Method::DELETE, &path, None)
        .await
        .expect(StatusCode::NO_CONTENT);
    let challenge = ask(&world).await;
    let credential = phone.get(&challenge["options"], ORIGIN, PRESENT_AND_VERIFIED);
    answer(&world, &challenge, &credential)
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_only_looks_like_a_passkey_is_refused() {
    let world = World::new().await;
    let (ada, eve) = (
        world.customer("ada@example.com").await,
        world.customer("eve@example.com").await,
    );
    let (mut phone, _) = with_passkey(&world, &ada).await;
    let challenge = ask(&world).await;
    let options = &challenge["options"];

    let phished = phone.get(
        options,
        "https://shop.example.evil.example",
        PRESENT_AND_VERIFIED,
    );
    let unverified = phone.get(options, ORIGIN, 0b001);
    let (other_options, other_id) = (ask(&world).await, phone.id.clone());
    let replayed = phone.get(&other_options["options"], ORIGIN, PRESENT_AND_VERIFIED);
    let mut forged = phone.get(options, ORIGIN, PRESENT_AND_VERIFIED);
    forged["response"]["signature"] = text(&[7; 64]).into();
    let mut somebody_else = phone.get(options, ORIGIN, PRESENT_AND_VERIFIED);
    somebody_else["response"]["userHandle"] = text(eve.id.as_bytes()).into();
    phone.id = vec![9; 32];
    let unknown = phone.get(options, ORIGIN, PRESENT_AND_VERIFIED);
    for (credential, why) in [
        (phished, "another site"),
        (unverified, "nobody looked who it was"),
        (replayed, "the answer to another question"),
        (forged, "no signature"),
        (somebody_else, "another owner"),
        (unknown, "an unknown key"),
    ] {
        assert_eq!(
            answer(&world, &challenge, &credential).await.status,
            StatusCode::UNAUTHORIZED,
            "{why}"
        );
    }
    // The counter of a copy is behind.
    phone.id = other_id;
    let good = phone.get(options, ORIGIN, PRESENT_AND_VERIFIED);
    answer(&world, &challenge, &good)
        .await
        .expect(StatusCode::CREATED);
    let challenge = ask(&world).await;
    phone.counter = 1;
    let copied = phone.get(&challenge["options"], ORIGIN, PRESENT_AND_VERIFIED);
    answer(&world, &challenge, &copied)
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_is_added_by_who_knows_the_password_within_minutes() {
    let world = World::new().await;
    let (ada, eve) = (
        world.customer("ada@example.com").await,
        world.customer("eve@example.com").await,
    );
    let wrong = world
        .by(
            &ada,
            Method::POST,
            "/v1/me/passkeys/challenge",
            Some(json!({"password": "not her password"})),
        )
        .await;
    wrong.expect(StatusCode::FORBIDDEN);

    let challenge = begin(&world, &ada).await;
    let (_, credential) = Authenticator::create(&challenge["options"], ORIGIN);
    finish(&world, &eve, &challenge, credential.clone())
        .await
        .expect(StatusCode::BAD_REQUEST);
    let (_, phished) = Authenticator::create(&challenge["options"], "https://evil.example");
    finish(&world, &ada, &challenge, phished)
        .await
        .expect(StatusCode::BAD_REQUEST);
    finish(&world, &ada, &challenge, credential.clone())
        .await
        .expect(StatusCode::CREATED);
    finish(&world, &ada, &challenge, credential)
        .await
        .expect(StatusCode::BAD_REQUEST);

    let challenge = begin(&world, &ada).await;
    let (_, credential) = Authenticator::create(&challenge["options"], ORIGIN);
    world.advance(6 * 60);
    finish(&world, &ada, &challenge, credential)
        .await
        .expect(StatusCode::BAD_REQUEST);
}
