//! Checks before every page, and headers on every answer.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::header::{self, HeaderValue};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::app::Shared;
use crate::server::failure::Failure;

/// Everything a page shows comes from this server; nothing is embedded in it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// How long a request may take until its answer begins, its body included.
const LONGEST: Duration = Duration::from_secs(120);

/// Refuses requests for names that are not the server's.
pub(crate) async fn known_host(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let host = host_of(request.headers());
    let uri_is_ours = request.uri().host().is_none_or(|host| app.access.is_ours(host));
    match host {
        Some(host) if app.access.is_ours(host) && uri_is_ours => next.run(request).await,
        _ => Failure::new(StatusCode::MISDIRECTED_REQUEST, "This server does not go by that name.")
            .hint("Open it at the address that simgan serve printed.")
            .into_response(),
    }
}

fn host_of(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    hosts.next().is_none().then_some(host)
}

/// Refuses requests that change something and come from another site's page.
pub(crate) async fn same_origin(request: Request, next: Next) -> Response {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD);
    if is_safe || is_from_here(request.headers()) {
        return next.run(request).await;
    }
    Failure::new(StatusCode::FORBIDDEN, "A page of another site sent this form.")
        .hint("Open this server's own page and send it from there.")
        .into_response()
}

/// Browsers say where a form comes from, and pages cannot change what they say. A request that says nothing is
/// refused.
fn is_from_here(headers: &HeaderMap) -> bool {
    let value = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let site = value(header::HeaderName::from_static("sec-fetch-site"));
    let origin = value(header::ORIGIN).filter(|origin| *origin != "null");
    let is_own_host = |origin: &str| {
        let host = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        host.is_some_and(|host| host_of(headers).is_some_and(|own| own.eq_ignore_ascii_case(host)))
    };
    match (site, origin) {
        (None, None) => false,
        (site, origin) => {
            site.is_none_or(|site| matches!(site, "same-origin" | "none")) && origin.is_none_or(is_own_host)
        }
    }
}

/// Ends a request that takes too long, and turns a panic into an error page.
pub(crate) async fn contain(request: Request, next: Next) -> Response {
    let mut task = JoinSet::new(); // ends with this future, when the browser goes away
    task.spawn(async move { next.run(request).await });
    match timeout(LONGEST, task.join_next()).await {
        Ok(Some(Ok(response))) => response,
        Ok(_) => {
            tracing::error!("a page failed; please report it");
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "The server made a mistake; its log says more.")
                .into_response()
        }
        Err(_) => Failure::new(StatusCode::REQUEST_TIMEOUT, "The request took too long.").into_response(),
    }
}

/// Adds the headers that keep pages to themselves. A page with its own policy keeps it.
pub(crate) async fn secure_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Not "no-referrer", under which browsers hide the origin of our own forms, too.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_here(pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("localhost:7878"));
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        is_from_here(&headers)
    }

    #[test]
    fn forms_of_other_sites_are_told_from_ours() {
        assert!(from_here(&[("origin", "http://localhost:7878")]));
        assert!(from_here(&[("origin", "http://localhost:7878"), ("sec-fetch-site", "same-origin")]));
        assert!(from_here(&[("origin", "null"), ("sec-fetch-site", "same-origin")]));
        assert!(!from_here(&[]) && !from_here(&[("origin", "null")]));
        assert!(!from_here(&[("origin", "http://evil.example")]));
        assert!(!from_here(&[("origin", "http://localhost:7879")]));
        assert!(!from_here(&[("origin", "http://localhost:7878"), ("sec-fetch-site", "cross-site")]));
        assert!(!from_here(&[("origin", "http://evil.example"), ("sec-fetch-site", "same-origin")]));
    }
}
