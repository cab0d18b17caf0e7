use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use http::StatusCode;
use jiff::Timestamp;
use kit::{
    auth::{ServiceTokens, Verifier},
    clock::Clock,
    inbox,
    mariadb::{Migration, MySqlPool},
    outbox::{self, Event, Relay, RelayError, Sinks},
    page::PageQuery,
    testing::{MariaDb, Sink, TestIssuer, wait_for},
};
use serde_json::json;
use uuid::Uuid;

pub(crate) const MIGRATIONS: [Migration; 1] = [Migration {
    version: 1,
    name: "outbox",
    sql: outbox::MIGRATION,
}];

/// A service that emits: a database, a key.
pub(crate) struct World {
    server: MariaDb,
    pool: MySqlPool,
    clock: Clock,
    tokens: ServiceTokens,
    verifier: Verifier,
}

impl World {
    pub(crate) async fn new() -> Self {
        let server = MariaDb::start().await;
        let clock = Clock::fixed(Timestamp::from_second(1_800_000_000).expect("a time"));
        let mut issuer = TestIssuer::new();
        let tokens = issuer.service(&clock, "things", &["events:send"]);
        Self {
            pool: server.pool(&MIGRATIONS).await,
            server,
            verifier: issuer.verifier(clock.clone()),
            tokens,
            clock,
        }
    }

    fn relay(&self, sinks: &[(&str, &Sink)]) -> Relay {
        let sinks: Vec<String> = sinks
            .iter()
            .map(|(name, sink)| format!("{name}={}", sink.url()))
            .collect();
        let sinks: Sinks = sinks.join(" ").parse().expect("sinks");
        Relay::new(
            self.pool.clone(),
            sinks,
            self.tokens.clone(),
            self.clock.clone(),
        )
        .expect("a relay")
    }

    async fn emit(&self, sinks: &[&str], kind: &'static str, subject: &str, number: u32) -> Uuid {
        let event = Event::new(&self.clock, kind, subject, &json!({"number": number}));
        let mut transaction = self.pool.begin().await.expect("begun");
        outbox::emit(&mut transaction, sinks, &event)
            .await
            .expect("emitted");
        transaction.commit().await.expect("committed");
        event.id
    }

    /// `count` events of each of `aggregates`, all in one transaction.
    async fn emit_many(&self, sinks: &[&str], aggregates: u32, count: u32) {
        let mut transaction = self.pool.begin().await.expect("begun");
        for number in 0..count {
            for aggregate in 0..aggregates {
                let data = json!({"number": number});
                let event = Event::new(&self.clock, "thing.changed", aggregate, &data);
                outbox::emit(&mut transaction, sinks, &event)
                    .await
                    .expect("emitted");
            }
        }
        transaction.commit().await.expect("committed");
    }

    async fn owed(&self) -> i64 {
        sqlx::query_scalar("SELECT COUNT(*) FROM outbox_delivery WHERE state = 'pending'")
            .fetch_one(&self.pool)
            .await
            .expect("counted")
    }

    async fn dead(&self) -> Vec<outbox::DeadLetter> {
        let mut connection = self.pool.acquire().await.expect("a connection");
        outbox::dead_letters(&mut connection, &PageQuery::default())
            .await
            .expect("listed")
            .items
    }
}

/// The numbers of each subject as they were first taken.
fn first_seen(events: &[inbox::Event]) -> HashMap<String, Vec<u64>> {
    let mut seen = HashSet::new();
    let mut numbers: HashMap<String, Vec<u64>> = HashMap::new();
    for event in events.iter().filter(|event| seen.insert(event.id)) {
        numbers
            .entry(event.subject.clone())
            .or_default()
            .push(event.data["number"].as_u64().expect("a number"));
    }
    numbers
}

fn assert_in_order(events: &[inbox::Event], aggregates: usize, count: usize) {
    let numbers = first_seen(events);
    assert_eq!(numbers.len(), aggregates);
    for (subject, numbers) in numbers {
        assert_eq!(numbers.len(), count, "{subject}");
        assert!(numbers.is_sorted(), "{subject}: {numbers:?}");
    }
}

#[tokio::test]
async fn an_event_is_a_cloud_event_that_its_sender_signs_for() {
    let world = World::new().await;
    let (sink, other) = (Sink::start().await, Sink::start().await);
    let relay = world.relay(&[("a", &sink), ("b", &other)]);
    let id = world.emit(&["a"], "thing.made", "t-1", 7).await;
    assert_eq!(relay.run_once().await.expect("delivered"), 1);
    let events = sink.events();
    assert_eq!(
        serde_json::to_value(&events).expect("JSON"),
        json!([{
            "specversion": "1.0", "id": id.to_string(), "source": "/things", "type": "thing.made", "subject": "t-1",
            "time": "2027-01-15T08:00:00Z", "data": {"number": 7},
        }])
    );
    let bearer = sink.authorization().expect("a token");
    let claims = world
        .verifier
        .verify(bearer.trim_start_matches("Bearer "))
        .expect("its own");
    assert_eq!(
        (&*claims.sub, &*claims.permissions[0]),
        ("service:things", "events:send")
    );
    assert_eq!(
        other.requests(),
        0,
        "each sink gets what it was meant to get"
    );
    assert_eq!(relay.run_once().await.expect("nothing"), 0);
    assert_eq!(world.owed().await, 0);
}

#[tokio::test]
async fn a_transaction_that_rolls_back_emits_nothing() {
    let world = World::new().await;
    let sink = Sink::start().await;
    let relay = world.relay(&[("a", &sink)]);
    let event = Event::new(&world.clock, "thing.made", "t-1", &json!({}));
    let mut transaction = world.pool.begin().await.expect("begun");
    outbox::emit(&mut transaction, &["a"], &event)
        .await
        .expect("emitted");
    assert_eq!(relay.run_once().await.expect("nothing yet"), 0);
    transaction.rollback().await.expect("rolled back");
    assert_eq!(relay.run_once().await.expect("nothing"), 0);
    assert_eq!(sink.requests(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relays_of_several_replicas_deliver_each_event_once_and_each_aggregate_in_order() {
    let world = World::new().await;
    let (one, two) = (Sink::start().await, Sink::start().await);
    let running: Vec<_> = (0..3)
        .map(|_| {
            let relay = world.relay(&[("one", &one), ("two", &two)]);
            (relay.clone(), tokio::spawn(relay.run()))
        })
        .collect();
    for round in 0..40_u32 {
        for aggregate in ["a", "b", "c", "d", "e"] {
            let number = round * 2;
            world
                .emit(&["one", "two"], "thing.changed", aggregate, number)
                .await;
            world
                .emit(&["one", "two"], "thing.changed", aggregate, number + 1)
                .await;
        }
        running[usize::try_from(round % 3).expect("small")].0.ring();
    }
    wait_for("all of it", || async {
        (world.owed().await == 0).then_some(())
    })
    .await;
    for sink in [&one, &two] {
        assert_eq!(sink.events().len(), 400, "none twice");
        assert_in_order(&sink.events(), 5, 80);
    }
    for (relay, running) in running {
        relay.stop();
        running.await.expect("it ends when told to");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_dies_between_delivery_and_marking_delivers_again_with_the_same_ids() {
    let world = World::new().await;
    let sink = Sink::start().await;
    world.emit_many(&["a"], 10, 5).await;
    sink.delay(Duration::from_mins(1));
    let relay = world.relay(&[("a", &sink)]);
    let running = tokio::spawn(async move { relay.run().await });
    wait_for("the delivery", || async {
        (sink.events().len() == 50).then_some(())
    })
    .await;
    running.abort();
    assert_eq!(world.owed().await, 50, "not marked");

    sink.delay(Duration::ZERO);
    let successor = world.relay(&[("a", &sink)]);
    assert_eq!(successor.run_once().await.expect("delivered"), 50);
    let events = sink.events();
    let ids: HashSet<Uuid> = events.iter().map(|event| event.id).collect();
    assert_eq!((events.len(), ids.len()), (100, 50));
    assert_in_order(&events, 10, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_reordered_while_relays_the_sink_and_the_database_die() {
    let mut world = World::new().await;
    let sink = Sink::start().await;
    world.emit_many(&["a"], 12, 150).await;
    let mut fuse = 0_u32;
    sink.judge(move |_| {
        fuse += 1;
        if fuse.is_multiple_of(3) {
            StatusCode::SERVICE_UNAVAILABLE
        } else {
            StatusCode::NO_CONTENT
        }
    });
    sink.delay(Duration::from_millis(20));
    for round in 0..8 {
        let before = sink.requests();
        let running = tokio::spawn(world.relay(&[("a", &sink)]).run());
        wait_for("a request", || async {
            let is_asked = sink.requests() > before;
            (is_asked || world.owed().await == 0).then_some(())
        })
        .await;
        // In the middle of whatever it does.
        running.abort();
        if round == 4 {
            world.server.kill().await;
            world.server.restart().await;
            world.pool = world.server.pool(&MIGRATIONS).await;
        }
    }
    sink.answer(StatusCode::NO_CONTENT);
    sink.delay(Duration::ZERO);
    world
        .relay(&[("a", &sink)])
        .run_once()
        .await
        .expect("the rest");
    assert_eq!(world.owed().await, 0);
    assert_in_order(&sink.events(), 12, 150);
}

#[tokio::test]
async fn a_sink_that_is_down_delays_only_itself() {
    let world = World::new().await;
    let (up, down) = (Sink::start().await, Sink::start().await);
    down.answer(StatusCode::SERVICE_UNAVAILABLE);
    let relay = world.relay(&[("down", &down), ("up", &up)]);
    let running = tokio::spawn(relay.clone().run());
    for number in 0..20 {
        world
            .emit(&["up", "down"], "thing.changed", "t", number)
            .await;
        relay.ring();
    }
    wait_for("the other", || async {
        (up.events().len() == 20).then_some(())
    })
    .await;
    wait_for("the marks", || async {
        (world.owed().await == 20).then_some(())
    })
    .await;
    assert!(
        down.requests() < 10,
        "it is left in peace between attempts: {}",
        down.requests()
    );
    down.answer(StatusCode::NO_CONTENT);
    wait_for("the one that is back", || async {
        (down.events().len() == 20).then_some(())
    })
    .await;
    assert_in_order(&down.events(), 1, 20);
    relay.stop();
    running.await.expect("ended");
    let away = world.relay(&[("down", &down)]);
    down.answer(StatusCode::UNAUTHORIZED);
    world.emit(&["down"], "thing.changed", "t", 20).await;
    assert!(matches!(
        away.run_once().await,
        Err(RelayError::Away { .. })
    ));
    assert!(
        world.dead().await.is_empty(),
        "being away is no refusal, however often"
    );
}

#[tokio::test]
async fn a_refused_event_is_found_waited_for_set_aside_and_sent_again() {
    let world = World::new().await;
    let sink = Sink::start().await;
    let refuse = |events: &[inbox::Event]| {
        if events.iter().any(|event| event.kind == "thing.poison") {
            StatusCode::BAD_REQUEST
        } else {
            StatusCode::NO_CONTENT
        }
    };
    sink.judge(refuse);
    let relay = world.relay(&[("a", &sink)]);
    for number in 0..30 {
        world
            .emit(
                &["a"],
                "thing.changed",
                &format!("other-{}", number % 3),
                number,
            )
            .await;
        if number == 15 {
            world.emit(&["a"], "thing.changed", "sick", 0).await;
            world.emit(&["a"], "thing.poison", "sick", 1).await;
            world.emit(&["a"], "thing.changed", "sick", 2).await;
        }
    }
    assert_eq!(
        relay.run_once().await.expect("delivered"),
        31,
        "all others, and what came before it"
    );
    assert_eq!(world.owed().await, 2, "it, and what follows it");
    assert_eq!(
        relay.run_once().await.expect("nothing"),
        0,
        "not tried before its time"
    );

    for attempt in 2..=outbox::ATTEMPTS {
        assert!(world.dead().await.is_empty(), "attempt {attempt}");
        let requests = sink.requests();
        world.clock.advance(Duration::from_mins(2));
        relay.run_once().await.expect("tried");
        assert!(sink.requests() > requests);
    }
    let dead = world.dead().await;
    assert_eq!(dead.len(), 1);
    assert_eq!(
        (&*dead[0].kind, &*dead[0].subject, dead[0].attempts),
        ("thing.poison", "sick", outbox::ATTEMPTS)
    );
    assert!(
        dead[0].last_error.starts_with("400"),
        "{}",
        dead[0].last_error
    );
    assert_eq!(
        world.owed().await,
        0,
        "what follows a dead letter is delivered"
    );
    assert_eq!(first_seen(&sink.events())["sick"], [0, 2]);

    sink.answer(StatusCode::NO_CONTENT);
    let mut connection = world.pool.acquire().await.expect("a connection");
    assert!(
        outbox::replay(&mut connection, dead[0].id)
            .await
            .expect("replayed")
    );
    assert!(
        !outbox::replay(&mut connection, dead[0].id)
            .await
            .expect("once")
    );
    assert_eq!(relay.run_once().await.expect("delivered"), 1);
    assert_eq!(first_seen(&sink.events())["sick"], [0, 2, 1]);
    assert!(world.dead().await.is_empty());
    let ids: HashSet<Uuid> = sink.events().iter().map(|event| event.id).collect();
    assert_eq!((ids.len(), sink.events().len()), (33, 33), "nothing twice");
}

#[tokio::test]
async fn delivery_follows_a_commit_at_once_and_a_crash_within_a_second() {
    let world = World::new().await;
    let sink = Sink::start().await;
    let relay = world.relay(&[("a", &sink)]);
    let running = tokio::spawn(relay.clone().run());
    world.emit(&["a"], "thing.changed", "t", 0).await;
    // Nobody rang: as after a process that died between commit and ring.
    wait_for("the poll", || async {
        (sink.events().len() == 1).then_some(())
    })
    .await;
    let mut slowest = Duration::ZERO;
    for number in 1..20 {
        world.emit(&["a"], "thing.changed", "t", number).await;
        let began = Instant::now();
        relay.ring();
        let taken = usize::try_from(number).expect("small") + 1;
        while sink.events().len() < taken {
            // As finely as the clock allows: this measures.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        slowest = slowest.max(began.elapsed());
    }
    println!("from ring to sink: at most {} ms", slowest.as_millis());
    assert!(
        slowest < Duration::from_millis(700),
        "not by polling: {slowest:?}"
    );
    relay.stop();
    running.await.expect("ended");
}

#[tokio::test]
async fn what_was_delivered_is_deleted_after_a_day_and_what_is_owed_stays() {
    let world = World::new().await;
    let sink = Sink::start().await;
    let relay = world.relay(&[("a", &sink)]);
    world.emit(&["a"], "thing.changed", "t", 0).await;
    relay.run_once().await.expect("delivered");
    world.emit(&["later"], "thing.changed", "t", 1).await;
    let kept = || async {
        relay.purge().await.expect("purged");
        let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM outbox")
            .fetch_one(&world.pool)
            .await
            .expect("counted");
        count
    };
    assert_eq!(kept().await, 2);
    world.clock.advance(Duration::from_hours(25));
    assert_eq!(kept().await, 1, "a sink that is not there yet will get it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_events_a_second_leave_one_relay() {
    let world = World::new().await;
    let sink = Sink::start().await;
    let relay = world.relay(&[("a", &sink)]);
    world.emit_many(&["a"], 500, 20).await;
    let began = Instant::now();
    let taken = relay.run_once().await.expect("delivered");
    let elapsed = began.elapsed();
    let rate = u128::try_from(taken).expect("small") * 1000 / elapsed.as_millis().max(1);
    println!(
        "{taken} events in {} ms: {rate} a second",
        elapsed.as_millis()
    );
    assert_eq!(taken, 10_000);
    assert_in_order(&sink.events(), 500, 20);
}
