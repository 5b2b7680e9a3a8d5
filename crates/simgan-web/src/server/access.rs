//! Who may see the pages: the token, and the names that the server answers to.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{Request, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::app::Shared;
use crate::error::WebError;
use crate::secret;
use crate::server::failure::Failure;
use crate::server::page::{self, Entered};

/// What lies below needs no token: pictures and styles, and the pages that a Turing test's random link opens.
const OPEN: [&str; 2] = ["/assets/", "/turing/t/"];

/// The address that the server listens on, and the token if other machines reach it.
pub(crate) struct Access {
    address: SocketAddr,
    /// The host that the user typed.
    host: String,
    token: Option<String>,
}

impl Access {
    /// `bind` is what the user typed, `address` what the system made of it.
    pub(crate) fn new(bind: &str, address: SocketAddr) -> Result<Self, WebError> {
        let host = bind.rsplit_once(':').map_or(bind, |(host, _)| host).to_ascii_lowercase();
        let token = match address.ip().is_loopback() {
            true => None,
            false => Some(secret::random_id().map_err(WebError::system("making a token"))?),
        };
        Ok(Self { address, host, token })
    }

    /// The first page's link.
    pub(crate) fn url(&self) -> String {
        let token = self.token.as_deref().map(|token| format!("?token={token}")).unwrap_or_default();
        format!("{}/{token}", self.origin())
    }

    /// Scheme, host and port for links that people open. An address that stands for all is given as this
    /// machine's own.
    pub(crate) fn origin(&self) -> String {
        let port = self.address.port();
        match self.address.ip() {
            ip if ip.is_unspecified() => format!("http://localhost:{port}"),
            _ => format!("http://{}", self.address),
        }
    }

    /// Whether a request for `host`, with or without a port, is meant for this server. A page elsewhere may
    /// point its own name here (DNS rebinding); it cannot take another's name or an address.
    pub(crate) fn is_ours(&self, host: &str) -> bool {
        let (name, port) = split(host);
        let port_is_ours = port.is_none_or(|port| port.parse() == Ok(self.address.port()));
        let ip: Option<IpAddr> = name.trim_start_matches('[').trim_end_matches(']').parse().ok();
        if self.token.is_some() {
            // Other machines may come through a router that changes the port.
            return ip.is_some()
                || name.eq_ignore_ascii_case("localhost")
                || name.eq_ignore_ascii_case(&self.host);
        }
        let named = ip.is_some_and(|ip| ip.is_loopback()) || name.eq_ignore_ascii_case("localhost");
        port_is_ours && named
    }

    /// The cookie that holds the token. Cookies ignore the port, so their name has it.
    fn cookie_name(&self) -> String {
        format!("simgan-{}", self.address.port())
    }

    fn has_cookie(&self, headers: &HeaderMap, token: &str) -> bool {
        let name = self.cookie_name();
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs =
            cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.any(|(key, value)| key == name && secret::is_equal(value, token))
    }
}

/// Splits `host:port`; an IPv6 address stands in brackets.
fn split(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') || name.ends_with(']') => (name, Some(port)),
        _ => (host, None),
    }
}

/// Lets in who brings the token in the link or in a cookie.
pub(crate) async fn admit(State(app): State<Shared>, request: Request, next: Next) -> Response {
    let Some(token) = &app.access.token else { return next.run(request).await };
    let path = request.uri().path();
    if OPEN.iter().any(|open| path.starts_with(open)) || app.access.has_cookie(request.headers(), token) {
        return next.run(request).await;
    }
    match given(request.uri().query().unwrap_or_default()) {
        Some(given) if secret::is_equal(given, token) => enter(&app, path, token),
        Some(_) => refused("This token is not the server's.").into_response(),
        None => refused("This server shows its pages to those who have its token.").into_response(),
    }
}

fn given(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("token="))
}

fn refused(message: &str) -> Failure {
    Failure::new(StatusCode::UNAUTHORIZED, message)
        .hint("Open the link that simgan serve printed, which ends with the token.")
}

/// Gives the cookie, and goes on to the page from here rather than by a redirect: a browser that followed a
/// link of another site would not send a strict cookie with the redirect.
fn enter(app: &Shared, path: &str, token: &str) -> Response {
    let path = if path.starts_with("//") || path.contains('\\') { "/" } else { path }; // another host
    let cookie = format!("{}={token}; Path=/; HttpOnly; SameSite=Strict", app.access.cookie_name());
    match page::render(&Entered { path }) {
        Ok(page) => ([(SET_COOKIE, cookie)], page).into_response(),
        Err(failure) => failure.into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(bind: &str) -> Access {
        let address =
            bind.replace("localhost", "127.0.0.1").replace("studio", "192.168.1.5").parse().unwrap();
        Access::new(bind, address).unwrap()
    }

    #[test]
    fn only_own_names_are_answered() {
        let local = access("localhost:7878");
        for ours in ["localhost:7878", "LOCALHOST:7878", "127.0.0.1:7878", "[::1]:7878", "127.0.0.1"] {
            assert!(local.is_ours(ours), "{ours}");
        }
        let foreign =
            ["evil.example:7878", "localhost.evil.example:7878", "127.0.0.1:80", "10.0.0.1:7878", ""];
        for foreign in foreign {
            assert!(!local.is_ours(foreign), "{foreign}");
        }
        let open = access("studio:7878");
        assert!(
            open.is_ours("studio:7878") && open.is_ours("192.168.1.5:7878") && open.is_ours("[fe80::1]:80")
        );
        assert!(!open.is_ours("evil.example:7878") && !open.is_ours("studio.evil.example"));
    }

    #[test]
    fn a_token_is_asked_for_only_where_others_come() {
        assert_eq!(access("127.0.0.1:7878").url(), "http://127.0.0.1:7878/");
        let open = access("0.0.0.0:7878");
        let token = open.token.clone().unwrap();
        assert_eq!(open.url(), format!("http://localhost:7878/?token={token}"));
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, format!("a=b; simgan-7878={token}").parse().unwrap());
        assert!(open.has_cookie(&headers, &token));
        headers.insert(COOKIE, format!("simgan-7879={token}; simgan-7878=").parse().unwrap());
        assert!(!open.has_cookie(&headers, &token));
    }
}
