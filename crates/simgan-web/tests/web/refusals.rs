//! What the server refuses before any page.

use simgan_web::{Server, ServerOptions, WebError};

use crate::{Running, local};

#[test]
fn a_foreign_host_is_refused() {
    let server = Running::start(local());
    for host in ["evil.example", "evil.example:80", "localhost:1", "127.0.0.1.evil.example"] {
        let answer = server.send("GET", "/", &[("Host", host)], b"");
        assert_eq!(answer.status, 421, "{host}");
        assert!(answer.text().contains("does not go by that name"), "{}", answer.text());
    }
    let twice = server.send("GET", "/", &[("Host", "127.0.0.1"), ("Host", "evil.example")], b"");
    assert!(matches!(twice.status, 400 | 421), "{twice:?}");
    let host = format!("localhost:{}", server.address.port());
    assert_eq!(server.send("GET", "/", &[("Host", &host)], b"").status, 200);
    let absolute = server.send("GET", "http://evil.example/", &[], b"");
    assert!(matches!(absolute.status, 400 | 421), "{absolute:?}");
}

#[test]
fn a_form_of_another_site_is_refused() {
    let server = Running::start(local());
    let sent = |headers: &[(&str, &str)]| server.send("POST", "/", headers, b"a=b").status;
    assert_eq!(sent(&[("Origin", "http://evil.example")]), 403);
    assert_eq!(sent(&[("Origin", "null")]), 403);
    assert_eq!(sent(&[("Sec-Fetch-Site", "cross-site")]), 403);
    assert_eq!(sent(&[]), 403);
    assert_eq!(sent(&[("Origin", &server.origin())]), 405, "ours reaches the page, which takes no form");
}

#[test]
fn pages_carry_the_headers_that_keep_them_to_themselves() {
    let server = Running::start(local());
    for path in ["/", "/none", "/assets/app.css"] {
        let answer = server.get(path);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'"), "{path}: {policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
    }
    assert_eq!(server.get("/").header("cache-control"), Some("no-store"));
}

#[test]
fn other_machines_need_the_token() {
    let server = Running::start(ServerOptions::new("0.0.0.0:0"));
    let token = server.url.split_once("token=").unwrap().1.to_owned();
    let refused = server.get("/");
    assert_eq!(refused.status, 401);
    assert!(refused.text().contains("name=\"token\"") && !refused.text().contains(&token));
    assert_eq!(server.get("/?token=0123").status, 401);
    assert_eq!(server.get(&format!("/?token={}", &token[..31])).status, 401);
    let entered = server.get(&format!("/?token={token}"));
    assert_eq!(entered.status, 200);
    let cookie = entered.header("set-cookie").unwrap();
    assert!(cookie.ends_with("HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap();
    assert_eq!(server.send("GET", "/", &[("Cookie", cookie)], b"").status, 200);
    assert_eq!(server.send("GET", "/", &[("Cookie", "simgan=1")], b"").status, 401);
    assert_eq!(server.get("/assets/app.css").status, 200, "the page that asks for it needs its looks");
    let elsewhere = server.get(&format!("//evil.example/?token={token}"));
    assert!(!elsewhere.text().contains("url=//evil"), "{}", elsewhere.text());
}

#[test]
fn a_port_in_use_is_named_with_the_way_out() {
    let first = Running::start(local());
    let bind = first.address.to_string();
    let Err(error) = Server::bind(ServerOptions::new(&bind)) else { panic!("the port is taken") };
    assert!(matches!(error, WebError::PortInUse { .. }), "{error}");
    assert!(error.to_string().contains(&bind) && error.hint().unwrap().to_string().contains("127.0.0.1:0"));
    let Err(error) = Server::bind(ServerOptions::new("nowhere")) else { panic!("no address") };
    assert!(error.to_string().contains("nowhere"));
}

#[test]
fn what_is_not_there_is_said_in_words() {
    let server = Running::start(local());
    let page = server.get("/no%3Cscript%3Epage");
    assert_eq!(page.status, 404);
    assert!(!page.text().contains("<script>page"), "{}", page.text());
    let api = server.get("/api/none");
    assert_eq!((api.status, api.header("content-type")), (404, Some("application/json")));
    assert!(api.text().contains("\"error\""), "{}", api.text());
    assert_eq!(server.get("/assets/..%2f..%2fsrc%2flib.rs").status, 404);
}
