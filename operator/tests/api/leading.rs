//! Two operators, one lease.

use crate::cluster::{Cluster, MINIMAL, now};
use amazoff_operator::desired::Kind;
use amazoff_operator::leader::{Elector, Settings};
use std::time::{Duration, Instant};

fn elector(cluster: &Cluster, identity: &str) -> Elector {
    let settings = Settings {
        namespace: cluster.namespace.clone(),
        name: "operator".to_owned(),
        identity: identity.to_owned(),
        duration: Duration::from_secs(2),
        deadline: Duration::from_millis(1400),
        period: Duration::from_millis(200),
    };
    Elector::new(cluster.client.clone(), settings, now)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_leads_and_the_next_takes_over_when_it_falls_silent() {
    let cluster = Cluster::new("silent").await;
    let (mut first, mut second) = (elector(&cluster, "first"), elector(&cluster, "second"));
    first.acquire().await;
    let silent_since = Instant::now();
    // The first renews no more: its process is gone.
    tokio::time::timeout(Duration::from_secs(10), second.acquire())
        .await
        .expect("someone has to lead");
    assert!(
        silent_since.elapsed() >= Duration::from_secs(2),
        "not before the first's promise has run out"
    );
    // The first comes back, and finds that it no longer leads.
    tokio::time::timeout(Duration::from_secs(5), first.hold(Instant::now()))
        .await
        .expect("it notices");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_renewing_keeps_leading() {
    let cluster = Cluster::new("renewing").await;
    let (mut first, mut second) = (elector(&cluster, "first"), elector(&cluster, "second"));
    let since = first.acquire().await;
    tokio::select! {
        () = first.hold(since) => panic!("the first lost the lease although it renewed it"),
        _ = second.acquire() => panic!("two lead at once"),
        // Twice as long as the lease would last without renewal.
        () = tokio::time::sleep(Duration::from_secs(4)) => {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_in_good_order_is_followed_at_once() {
    let cluster = Cluster::new("orderly").await;
    let (mut first, mut second) = (elector(&cluster, "first"), elector(&cluster, "second"));
    first.acquire().await;
    first.release().await.expect("the lease can be released");
    let released = Instant::now();
    second.acquire().await;
    assert!(
        released.elapsed() < Duration::from_secs(1),
        "it took {:?}",
        released.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_writes_nothing_and_is_ready_to_lead() {
    let mut cluster = Cluster::new("follower").await;
    cluster.start().await;
    cluster.apply(MINIMAL).await.expect("the store is sound");
    cluster.settle().await;
    assert!(cluster.owned().await.is_empty());
    assert_eq!(cluster.telemetry.writes(), 0);

    cluster.lead();
    cluster
        .until_exists(Kind::Deployment, "corner-gateway")
        .await;
}
