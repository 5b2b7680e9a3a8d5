//! Accepts connections. axum's own server knows neither a time limit nor a limit of their number.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

/// Open connections at most; more wait in the system's queue.
const MAX_CONNECTIONS: usize = 1024;
/// How long a browser may take to send a request's headers.
const HEADERS_WITHIN: Duration = Duration::from_secs(15);
/// How often the flag to stop is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long pages being written may take after the flag is set; followers of a run would stay for ever.
const END_WITHIN: Duration = Duration::from_secs(2);

/// Serves `router` until `stop` is set.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: &AtomicBool) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while !stop.load(Ordering::Relaxed) {
        // One wait for both, so that the flag is seen even while all connections are taken.
        let accepted = timeout(LOOK_EVERY, accept(&listener, &free)).await;
        match accepted {
            Ok(Ok((stream, permit))) => drop(tokio::spawn(connection(stream, router.clone(), permit))),
            Ok(Err(error)) => {
                tracing::warn!("accepting a connection: {error}");
                sleep(LOOK_EVERY).await; // such as too many open files, which passes
            }
            Err(_) => {}
        }
    }
    drop(listener);
    let all = u32::try_from(MAX_CONNECTIONS).unwrap_or(u32::MAX);
    let _ = timeout(END_WITHIN, free.acquire_many(all)).await; // those left end with the runtime
    Ok(())
}

async fn accept(
    listener: &tokio::net::TcpListener,
    free: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let permit = Arc::clone(free).acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    Ok((stream, permit))
}

async fn connection(stream: TcpStream, router: Router, permit: OwnedSemaphorePermit) {
    let _permit = permit;
    let _ = stream.set_nodelay(true); // only speed is lost
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS_WITHIN)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
        .await;
    if let Err(error) = served {
        tracing::debug!("a connection ended: {error}");
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::SocketAddr;

    use axum::middleware::from_fn;
    use axum::routing::get;

    use super::*;
    use crate::server::{failure, guard};

    async fn broken() -> &'static str {
        panic!("a mistake in a page")
    }

    fn ask(address: SocketAddr, path: &str) -> String {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn a_panic_is_an_error_page_and_the_server_goes_on() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let router = Router::new()
            .route("/broken", get(broken))
            .route("/", get("whole"))
            .layer(from_fn(guard::contain))
            .layer(from_fn(failure::present));
        let flag = Arc::clone(&stop);
        let serving = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(serve(listener, router, &flag)).unwrap();
        });
        for _ in 0..3 {
            let answer = ask(address, "/broken");
            assert!(
                answer.starts_with("HTTP/1.1 500") && answer.contains("Something went wrong"),
                "{answer}"
            );
        }
        assert!(ask(address, "/").ends_with("whole"));
        stop.store(true, Ordering::Relaxed);
        serving.join().unwrap();
    }
}
