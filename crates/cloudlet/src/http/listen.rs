//! Connections: how many at once, how long one may say nothing, and how all of them end.
//!
//! A client that shuts its writing side while it waits counts as gone, since nothing tells that from
//! a client which was killed: its synchronous call is withdrawn if it has not begun. Knows nothing of
//! what is asked and answered, but for answers that are not to be sent.

use super::limits::{CONNECTION_LIMIT, HEADER_PATIENCE};
use axum::{Router, extract::ConnectInfo};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service as _, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// How long accepting rests after the system refused a connection, e.g. for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// Marks an answer that is not to be sent: its connection is closed instead.
#[derive(Clone, Copy, Debug)]
pub struct Unanswered;

/// What a connection is held to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many there may be; the next one waits to be accepted.
    pub connections: usize,
    /// How long a request's head may take to arrive, and how long a connection may rest between two.
    pub header_patience: Duration,
    /// How long requests under way may take to end after the closing.
    pub drain: Duration,
}

impl Limits {
    /// The server's own, with this time to drain.
    pub const fn draining_for(drain: Duration) -> Self {
        Self {
            connections: CONNECTION_LIMIT,
            header_patience: HEADER_PATIENCE,
            drain,
        }
    }
}

/// Answers until `closing`; then what is under way may end, and what takes too long is cut off.
///
/// Nothing of it is left when this returns, nor for long after it was dropped.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    closing: CancellationToken,
    limits: Limits,
) {
    let (room, open) = (
        Arc::new(Semaphore::new(limits.connections)),
        TaskTracker::new(),
    );
    let cut = CancellationToken::new();
    let _dropped = cut.clone().drop_guard();
    while let Some((stream, peer, permit)) = next(&listener, &room, &closing).await {
        let (router, closing, cut) = (router.clone(), closing.clone(), cut.clone());
        open.spawn(async move {
            tokio::select! {
                () = connection(stream, peer, router, closing, limits.header_patience) => {}
                () = cut.cancelled() => {}
            }
            drop(permit);
        });
    }
    drop(listener);
    open.close();
    if tokio::time::timeout(limits.drain, open.wait())
        .await
        .is_err()
    {
        cut.cancel();
        open.wait().await;
    }
}

/// The next connection, once there is room for it; none after the closing.
async fn next(
    listener: &TcpListener,
    room: &Arc<Semaphore>,
    closing: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    closing
        .run_until_cancelled(async {
            let permit = Arc::clone(room).acquire_owned().await.ok()?;
            loop {
                match listener.accept().await {
                    Ok((stream, peer)) => return Some((stream, peer, permit)),
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => {
                        tracing::warn!(%error, "no connection can be accepted now");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                }
            }
        })
        .await?
}

/// Whether one client went away before it was accepted, which is nothing to wait for.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

async fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    closing: CancellationToken,
    header_patience: Duration,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answering = router.call(request);
        async move {
            let Ok(answer) = answering.await;
            match answer.extensions().get::<Unanswered>() {
                None => Ok(answer),
                Some(Unanswered) => Err(io::Error::other("closed without an answer, by a fault")),
            }
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_patience)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = pin!(served);
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = closing.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

#[cfg(test)]
#[path = "listen_tests.rs"]
mod tests;
