//! What goes wrong, and what shoppers notice of it. These tests change the cluster: nextest runs them one at a time.

use std::{
    process::Stdio,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use e2e::{Failure, cluster::Cluster, shop::Shop, within};
use serde_json::{Value, json};
use tokio::process::Command;

#[tokio::test]
async fn an_edited_deployment_is_put_back_within_two_seconds() -> Result<(), Failure> {
    let cluster = Cluster::from_env().await?;
    let image = |deployment: &k8s_openapi::api::apps::v1::Deployment| {
        deployment.spec.as_ref()?.template.spec.as_ref()?.containers[0]
            .image
            .clone()
    };
    let name = cluster.deployment_name("storefront");
    let before = image(&cluster.deployments().get(&name).await?);
    let change = json!({"spec": {"template": {"spec": {"automountServiceAccountToken": true}}}});
    cluster.edit("storefront", &change).await?;
    let took = within(Duration::from_secs(2), "the edit is undone", || async {
        let Ok(deployment) = cluster.deployments().get(&name).await else {
            return false;
        };
        let pod = deployment.spec.and_then(|spec| spec.template.spec);
        pod.is_some_and(|pod| pod.automount_service_account_token == Some(false))
    });
    let took = took.await?;
    assert_eq!(image(&cluster.deployments().get(&name).await?), before);
    println_figure("an edited Deployment put back", took);
    within(
        Duration::from_mins(1),
        "the storefront is whole again",
        || cluster.is_rolled_out("storefront"),
    )
    .await?;
    Ok(())
}

/// How long shoppers may do without a service all of whose pods were killed at once.
const SERVES_AGAIN: Duration = Duration::from_secs(3);

#[tokio::test]
async fn killed_services_serve_again_by_themselves() -> Result<(), Failure> {
    let (cluster, shop) = (Cluster::from_env().await?, Shop::from_env()?);
    let mut late = Vec::new();
    for (service, path) in [
        ("storefront", "/en/search?q="),
        ("gateway", "/en/search?q="),
        ("catalog", "/v1/products?limit=1&q="),
        // Behind these, any answer but a 5xx comes from the service itself: no one is logged in, no such cart or order.
        ("users", "/v1/me?q="),
        ("cart", "/v1/carts/00000000-0000-7000-8000-000000000000?q="),
        (
            "orders",
            "/v1/orders/00000000-0000-7000-8000-000000000000?q=",
        ),
        (
            "payment",
            "/v1/payments/00000000-0000-7000-8000-000000000000?q=",
        ),
        ("notifications", "/en/search?q="),
    ] {
        let killed = cluster.kill(service).await?;
        // Another query at each look, so that no cache answers for the pods that are gone.
        let looks = AtomicU32::new(0);
        let took = within(
            Duration::from_secs(30),
            &format!("{service} serves again"),
            || async {
                let path = format!("{path}tea{}", looks.fetch_add(1, Ordering::Relaxed));
                cluster.is_replaced(service, &killed).await
                    && matches!(shop.status(&path).await, 200..500)
            },
        )
        .await?;
        println_figure(
            &format!("every pod of {service} killed, served again"),
            took,
        );
        if took > SERVES_AGAIN {
            late.push(format!("{service} after {} ms", took.as_millis()));
        }
        within(Duration::from_mins(1), "it is whole again", || {
            cluster.is_rolled_out(service)
        })
        .await?;
    }
    assert!(
        late.is_empty(),
        "later than {SERVES_AGAIN:?}: {}",
        late.join(", ")
    );
    Ok(())
}

#[tokio::test]
async fn one_killed_pod_of_two_fails_no_page_for_long() -> Result<(), Failure> {
    let (cluster, shop) = (Cluster::from_env().await?, Shop::from_env()?);
    within(Duration::from_mins(1), "the store is ready", || async {
        cluster
            .condition("Ready")
            .await
            .is_ok_and(|ready| ready == "True")
    })
    .await?;
    cluster.kill("catalog").await?;
    // The home page answers all the while, if need be without the part that the catalog gives it.
    let started = std::time::Instant::now();
    while !cluster.is_rolled_out("catalog").await && started.elapsed() < Duration::from_secs(30) {
        assert_eq!(
            shop.status("/en/").await,
            200,
            "the home page while the catalog is away"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_rolling_restart_of_every_service_fails_no_request() -> Result<(), Failure> {
    let cluster = Cluster::from_env().await?;
    let load =
        std::env::var("E2E_LOAD").map_err(|_unset| "E2E_LOAD is not set; `make e2e` sets it")?;
    let url = std::env::var("E2E_URL")?;
    let running = Command::new(load)
        .args(["pages", &url, "--rate", "200", "--seconds", "60", "--json"])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    for service in ["catalog", "storefront", "gateway"] {
        let took = cluster
            .rolling_restart(service, &format!("{:?}", std::time::Instant::now()))
            .await?;
        println_figure(&format!("{service} restarted pod by pod"), took);
    }
    let report: Value = serde_json::from_slice(&running.wait_with_output().await?.stdout)?;
    assert_eq!(report["failed"], 0, "{report}");
    assert!(
        report["sent"].as_u64().unwrap_or_default() >= 10_000,
        "{report}"
    );
    Ok(())
}

/// Figures stand in the test's output, where `make e2e` collects them.
#[expect(clippy::print_stdout, reason = "figures are what this run is for")]
fn println_figure(what: &str, took: Duration) {
    println!("figure: {what}: {} ms", took.as_millis());
}
