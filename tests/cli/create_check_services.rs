//! `vwh create --check` with Contact Center and VoIPBIN: a receiver is tried as its service would.

use crate::center::Center;
use crate::customer::Customer;
use crate::support::{Reply, Server};

fn url(server: &Server) -> String {
    format!("{}/hook", server.base_url())
}

#[test]
fn contact_center_tries_signed_notifications() {
    let receiver = Server::new(|_| Reply::new(204, ""));
    let center = Center::empty();
    center.create("CRM bridge", &["--check", "--allow-http", "--url", &url(&receiver)]);
    assert_eq!(center.list().len(), 1);
    let requests = receiver.requests();
    assert_eq!(requests.len(), 5);
    assert!(requests.iter().all(|request| request.header("Vonage-Signature").is_some()));
}

#[test]
fn voipbin_tries_until_nothing_would_be_lost() {
    let customer = Customer::honest("");
    let vwh = customer.vwh();
    let create = |url: &str| vwh.args(["create", "--check", "--allow-http", "--url", url]).run();
    let failing = Server::new(|_| Reply::new(500, ""));
    let bad = url(&failing);
    let outcome = create(&bad).exits(1);
    let hint = format!("vwh trigger {bad} --once --service voipbin ");
    assert!(outcome.stderr.contains(&hint), "{outcome}");
    // VoIPBIN itself would count a refusal as delivered, and the event would be lost.
    for status in [401, 404] {
        let refusing = Server::new(move |_| Reply::new(status, ""));
        let refused = create(&url(&refusing)).exits(1);
        assert!(refused.stderr.contains(&status.to_string()), "{refused}");
        assert!(
            refusing.requests()[0].header("X-VoIPBIN-Signature").is_some(),
            "signed with the customer's secret"
        );
    }
    assert_eq!(customer.url(), "");
    let receiver = Server::new(|_| Reply::new(204, ""));
    let _ = create(&url(&receiver)).exits(0);
    assert_eq!(customer.url(), url(&receiver));
    assert_eq!(receiver.requests().len(), 4);
}
