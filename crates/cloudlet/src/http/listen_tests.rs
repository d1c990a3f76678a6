//! Connections as slow, idle and numerous clients make them.

use super::*;
use axum::routing::get;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::Notify,
    task::JoinHandle,
};

const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);
const QUICK: &[u8] = b"GET /quick HTTP/1.1\r\nHost: x\r\n\r\n";
const SLOW: &[u8] = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";

struct Served {
    address: SocketAddr,
    closing: CancellationToken,
    serving: JoinHandle<()>,
    /// Told when a slow request is being answered.
    begun: Arc<Notify>,
    /// Told to let a slow request end.
    go_on: Arc<Notify>,
}

async fn start(limits: Limits) -> Served {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (told, waits) = (begun.clone(), go_on.clone());
    let slow = move || async move {
        told.notify_one();
        waits.notified().await;
        "slow"
    };
    let router = Router::new()
        .route("/quick", get(async || "quick"))
        .route("/slow", get(slow));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let closing = CancellationToken::new();
    let serving = tokio::spawn(serve(listener, router, closing.clone(), limits));
    Served {
        address,
        closing,
        serving,
        begun,
        go_on,
    }
}

fn limits() -> Limits {
    Limits {
        connections: 8,
        header_patience: LONG,
        drain: LONG,
    }
}

async fn send(address: SocketAddr, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    stream
}

/// What comes until the server closes.
async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

#[tokio::test]
async fn a_head_that_does_not_arrive_closes_the_connection() {
    let served = start(Limits {
        header_patience: SHORT,
        ..limits()
    })
    .await;
    let half = send(served.address, b"GET /quick HTTP/1.1\r\nHo").await;
    assert_eq!(rest(half).await, "");
    let silent = send(served.address, b"").await;
    assert_eq!(rest(silent).await, "");
    let answered = rest(send(served.address, QUICK).await).await;
    assert!(
        answered.starts_with("HTTP/1.1 200") && answered.ends_with("quick"),
        "{answered}"
    );
}

#[tokio::test]
async fn one_connection_too_many_waits_for_room() {
    let served = start(Limits {
        connections: 1,
        ..limits()
    })
    .await;
    let mut first = send(served.address, QUICK).await;
    let mut byte = [0];
    first.read_exact(&mut byte).await.unwrap();
    let mut second = send(served.address, QUICK).await;
    let early = tokio::time::timeout(SHORT, second.read_exact(&mut byte)).await;
    assert!(early.is_err(), "there is room for one");
    drop(first);
    second.read_exact(&mut byte).await.unwrap();
}

#[tokio::test]
async fn what_is_under_way_at_the_closing_is_answered() {
    let served = start(limits()).await;
    let idle = send(served.address, b"").await;
    let slow = send(served.address, SLOW).await;
    served.begun.notified().await;
    served.closing.cancel();
    assert_eq!(rest(idle).await, "", "an idle connection is closed");
    served.go_on.notify_one();
    assert!(rest(slow).await.ends_with("slow"));
    served.serving.await.unwrap();
}

#[tokio::test]
async fn what_does_not_end_in_time_is_cut_off() {
    let served = start(Limits {
        drain: SHORT,
        ..limits()
    })
    .await;
    let slow = send(served.address, SLOW).await;
    served.begun.notified().await;
    served.closing.cancel();
    served.serving.await.unwrap();
    assert_eq!(rest(slow).await, "");
}
