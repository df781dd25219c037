//! Where requests may go: base URLs that would give a token away, loopback, proxies.

use insta::assert_snapshot;

use crate::account::connected;
use crate::settings::one_webhook;
use crate::support::{Reply, Server, TOKEN, Vwh, refused};

#[test]
fn base_urls_that_would_give_the_token_away_are_refused() {
    for base_url in [
        "http://api.example.test",
        "http://127.0.0.1.example.test",
        "http://localhost.example.test/",
        "http://10.0.0.1",
        "http://[::2]",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "api.example.test",
        "",
        "https://",
        "https://api.example.test/?a=b",
        "https://api.example.test/#a",
    ] {
        let run = Vwh::new().args(["list"]).env("VWH_TOKEN", TOKEN).env("VWH_BASE_URL", base_url);
        let outcome = run.run().exits(2).without_answer();
        assert!(!outcome.stderr.contains(TOKEN), "{outcome}");
    }
    let vwh = Vwh::new().env("VWH_TOKEN", TOKEN);
    let plain = vwh.args(["list"]).env("VWH_BASE_URL", "http://api.example.test/vis").run();
    assert_snapshot!(plain.snapshot(), @r#"
    exit: 2
    --- stdout
    --- stderr
    error: the base URL "http://api.example.test/vis" in VWH_BASE_URL would send the token unencrypted

    hint: use https; http is for loopback hosts only
    "#);
}

#[test]
fn a_base_url_with_a_password_is_not_repeated() {
    for base_url in [
        "https://me:hunter2@api.example.test/",
        "http://me:hunter2@127.0.0.1/?token=hunter2",
        "ftp://x:hunter2@y",
    ] {
        let run = Vwh::new().args(["list", "-vv"]).env("VWH_TOKEN", TOKEN).env("VWH_BASE_URL", base_url);
        let outcome = run.run().exits(2).without_answer();
        assert!(!outcome.stderr.contains("hunter2") && outcome.stderr.contains("***"), "{outcome}");
        let vwh = Vwh::new();
        vwh.configure(&format!("[profiles.x]\nbase_url = '{base_url}'\n"));
        let outcome = vwh.args(["list", "-p", "x", "--json"]).run().exits(2).without_answer();
        assert!(!outcome.stderr.contains("hunter2"), "{outcome}");
    }
}

#[test]
fn loopback_is_reached_by_any_of_its_names() {
    let server = one_webhook();
    let port = server.address().port();
    for host in ["127.0.0.1", "localhost"] {
        let run = Vwh::new().args(["list"]).env("VWH_TOKEN", TOKEN);
        let _ = run.env("VWH_BASE_URL", format!("http://{host}:{port}")).run().exits(0);
    }
}

#[test]
fn a_proxy_is_never_asked_for_loopback() {
    let (server, proxy) = (one_webhook(), one_webhook());
    let mut run = connected(&server).args(["list"]);
    for name in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        run = run.env(name, proxy.base_url());
    }
    let _ = run.run().exits(0);
    assert_eq!((server.lines().len(), proxy.connections()), (1, 0));
}

#[test]
fn a_proxy_that_cannot_be_reached_is_named_without_its_password() {
    let proxy = refused();
    let address = proxy.base_url().replace("http://", "");
    let vwh = Vwh::new().env("VWH_TOKEN", TOKEN).env("VWH_BASE_URL", "https://api.example.test/vis");
    let vwh = vwh.env("HTTPS_PROXY", format!("http://me:hunter2@{address}"));
    let outcome = vwh.args(["list", "-vv"]).run().exits(5).without_answer();
    assert!(!outcome.stderr.contains("hunter2") && !outcome.stderr.contains("me:"), "{outcome}");
    let outcome = outcome.says(&format!("cannot connect to api.example.test: through the proxy {address}: "));
    let _ = outcome.says("hint: check HTTPS_PROXY; NO_PROXY lists hosts that are reached without it");
}

#[test]
fn a_receiver_elsewhere_is_reached_through_the_proxy() {
    let proxy = Server::new(|_| Reply::new(403, ""));
    let post = |url: &str| {
        let arguments = ["trigger", url, "--unsigned", "--state", "RINGING", "--once", "--yes"];
        let run = Vwh::new().args(arguments).env("HTTPS_PROXY", proxy.base_url());
        run.env("HTTP_PROXY", proxy.base_url()).run().exits(1)
    };
    let _ = post("https://hooks.example.test/hook");
    assert_eq!(proxy.lines(), ["CONNECT hooks.example.test:443"]);
    let nobody = refused();
    for scheme in ["http", "https"] {
        let outcome = post(&nobody.base_url().replace("http", scheme));
        assert!(outcome.stdout.contains("Connection refused"), "{outcome}");
    }
    assert_eq!(proxy.connections(), 1);
}
