//! A day at the desk as Prometheus sees it.

use std::collections::BTreeMap;

use deskbell_protocol::*;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::desk::*;

/// The page's samples, by name and labels.
async fn samples(address: &str) -> BTreeMap<String, f64> {
    let response = http().get(format!("http://{address}/metrics")).send().await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    let text = response.text().await.unwrap();
    assert!(text.ends_with("# EOF\n"), "{text}");
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples
        .map(|line| line.rsplit_once(' ').unwrap())
        .map(|(name, value)| (name.to_owned(), value.parse().unwrap()))
        .collect()
}

#[tokio::test]
async fn dk_25_prometheus_is_told_how_the_server_does_and_nothing_of_anybody() {
    let desk = TestDesk::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let tasks = TaskTracker::new();
    let (serving, stop) = (desk.desk.clone(), desk.stop.clone());
    let served = tasks.spawn(async move { serving.serve_metrics(listener, stop).await.unwrap() });
    let quiet = samples(&address).await;
    assert_eq!(quiet["deskbell_connections{kind=\"agent\"}"], 0.0);
    assert_eq!(quiet["deskbell_rings_total"], 0.0);

    let mut ann = desk.agent(&desk.ann, None).await.synced().await;
    let mut page = desk.page(Some(SHOP), &presence(), "https://shop.example/zanzibar").await;
    page.welcome().await;
    let (mut vic, _) = desk.visitor().await;
    let hello = reply(None, "zanzibar");
    vic.command(&hello).await.unwrap();
    vic.command(&hello).await.unwrap();
    vic.command(&reply(None, "")).await.unwrap_err();
    ann.message("zanzibar").await;
    ann.until(|frame| matches!(frame, ServerFrame::Ring(_)).then_some(())).await;
    http().get(desk.url("/v1/agents")).send().await.unwrap();

    let busy = samples(&address).await;
    for (name, expected) in [
        ("connections{kind=\"agent\"}", 1.0),
        ("connections{kind=\"page\"}", 1.0),
        ("connections{kind=\"panel\"}", 1.0),
        ("commands_total{outcome=\"done\"}", 1.0),
        ("commands_total{outcome=\"repeated\"}", 1.0),
        ("commands_total{outcome=\"refused\"}", 1.0),
        ("errors_total{code=\"invalid\"}", 1.0),
        ("errors_total{code=\"expired\"}", 1.0),
        ("writer_queue", 0.0),
    ] {
        assert_eq!(busy.get(&format!("deskbell_{name}")), Some(&expected), "{name}: {busy:?}");
    }
    for name in ["rings_total", "deltas_total", "commit_jobs_count", "commit_seconds_count"] {
        let name = format!("deskbell_{name}");
        assert!(busy[&name] > quiet[&name], "{name} stood still: {busy:?}");
    }
    for name in ["received_bytes_total", "sent_bytes_total", "database_bytes", "disk_free_bytes"] {
        assert!(busy[&format!("deskbell_{name}")] > 100.0, "{name}: {busy:?}");
    }
    let own = [desk.site.key.as_str(), "zanzibar", "Ann", "shop", "127.0.0.1"];
    assert!(busy.keys().all(|name| own.iter().all(|word| !name.contains(word))), "{busy:?}");

    // The desk's own address serves nothing of it.
    let elsewhere = http().get(desk.url("/metrics")).send().await.unwrap();
    assert_eq!(elsewhere.status().as_u16(), 404);
    desk.stop.cancel();
    served.await.unwrap();
}
