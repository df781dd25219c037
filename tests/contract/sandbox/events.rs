//! `/self/events`: what happened, with literal member names.

use serde_json::{Value, json};

use super::Sandbox;
use super::receiver::Receiver;

async fn rows(sandbox: &Sandbox, query: &str) -> Vec<Value> {
    let reply = sandbox.api("GET", &format!("/self/events{query}"), "").await;
    assert_eq!(reply.status, 200, "{}", reply.text());
    reply.json().as_array().expect("an array").clone()
}

fn milliseconds(row: &Value, member: &str) -> i64 {
    let text = row[member].as_str().expect("a time");
    let time =
        chrono::DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.3f%z").expect("an offset without colon");
    time.timestamp_millis()
}

#[tokio::test]
async fn there_is_a_row_for_every_state_whether_or_not_anybody_is_told() {
    let sandbox = Sandbox::frozen().await;
    sandbox.call("outbound-answered").await;
    sandbox.advance(60).await;
    let rows = rows(&sandbox, "").await;
    let states: Vec<&Value> = rows.iter().map(|row| &row["state"]).collect();
    assert_eq!(states, ["INITIALIZING", "RINGING", "ACTIVE", "ANSWERED"]);
    let start = &rows[0]["startTime"];
    assert_eq!(
        rows[0],
        json!({
            "id": 7_340_013, "externalId": "callhalf-7340013:0", "accountId": 4711, "userId": 9001, "type": "CALL",
            "direction": "OUTBOUND", "phoneNumber": rows[0]["phoneNumber"], "state": "INITIALIZING", "duration": 0,
            "startTime": start,
        })
    );
    assert_eq!(milliseconds(&rows[3], "endTime") - milliseconds(&rows[3], "startTime"), 36_000);
    assert_eq!(milliseconds(&rows[3], "endTime") - milliseconds(&rows[3], "answerTime"), 30_000);
    assert_eq!(rows[3]["duration"], 30_000);
    assert_eq!((rows[1].get("answerTime"), rows[2].get("endTime")), (None, None));
}

#[tokio::test]
async fn a_row_says_what_was_delivered() {
    let sandbox = Sandbox::frozen().await;
    let receiver = Receiver::answering("200 OK").await;
    sandbox.plant(&[json!({"id": "hook", "url": receiver.url()})]).await;
    sandbox.call("held").await;
    sandbox.advance(60).await;
    let rows = rows(&sandbox, "").await;
    let delivered: Vec<Value> =
        receiver.posted().iter().map(|posted| posted.json()["event"].clone()).collect();
    assert_eq!(rows.len(), delivered.len());
    for (row, event) in rows.iter().zip(delivered) {
        for (name, value) in row.as_object().expect("an object") {
            let text = if value.is_number() && name != "duration" {
                json!(value.to_string())
            } else {
                value.clone()
            };
            assert_eq!(event[name], text, "{name}");
        }
    }
}

#[tokio::test]
async fn pages_of_twenty_and_no_more_than_a_hundred() {
    let sandbox = Sandbox::frozen().await;
    sandbox.turn("call", &json!({"scenario": "inbound-missed", "count": 41})).await;
    sandbox.advance(60).await;
    assert_eq!(sandbox.api("GET", "/self/events/count", "").await.json(), json!({"count": 123}));
    assert_eq!(rows(&sandbox, "/").await.len(), 20);
    assert_eq!(rows(&sandbox, "?size=1000").await.len(), 100);
    let mut paged = Vec::new();
    for page in 0.. {
        let rows = rows(&sandbox, &format!("?size=50&offset={page}")).await;
        if rows.is_empty() {
            break;
        }
        paged.extend(rows);
    }
    assert_eq!(paged.len(), 123);
    let mut reversed = rows(&sandbox, "?size=100&order=DESC").await;
    reversed.extend(rows(&sandbox, "?size=100&order=DESC&offset=1").await);
    reversed.reverse();
    assert_eq!(paged, reversed);
}

#[tokio::test]
async fn filters_narrow_both_rows_and_count() {
    let sandbox = Sandbox::frozen().await;
    for scenario in ["inbound-missed", "outbound-cancelled", "inbound-answered"] {
        sandbox.call(scenario).await;
        sandbox.advance(60).await;
    }
    let all = rows(&sandbox, "").await;
    let second = milliseconds(&all[3], "startTime");
    for (query, count) in [
        (String::new(), 10),
        ("types=CALL".to_owned(), 10),
        ("direction=OUTBOUND".to_owned(), 3),
        ("states=MISSED,CANCELLED".to_owned(), 2),
        (format!("fromDate={second}"), 7),
        (format!("fromDate={}", second + 1), 4),
        (format!("toDate={second}"), 6),
        (format!("toDate={}", second - 1), 3),
        (format!("fromDate={second}&toDate={second}&states=RINGING"), 1),
        ("direction=INBOUND&states=CANCELLED".to_owned(), 0),
    ] {
        assert_eq!(rows(&sandbox, &format!("?{query}")).await.len(), count, "{query}");
        let counted = sandbox.api("GET", &format!("/self/events/count?{query}&size=1"), "").await.json();
        assert_eq!(counted, json!({"count": count}), "{query}");
    }
}

#[tokio::test]
async fn one_call_is_an_array() {
    let sandbox = Sandbox::frozen().await;
    sandbox.turn("call", &json!({"scenario": "inbound-rejected", "count": 2})).await;
    sandbox.advance(60).await;
    let reply = sandbox.api("GET", "/self/events/7340014", "").await;
    let rows = reply.json().as_array().expect("an array").clone();
    assert_eq!(rows.iter().map(|row| &row["id"]).collect::<Vec<_>>(), [7_340_014; 3]);
    for id in ["7340015", "none", "-1", "7340014x"] {
        let reply = sandbox.api("GET", &format!("/self/events/{id}"), "").await;
        assert_eq!((reply.status, reply.json()["errorCode"].as_str()), (404, Some("NOT_FOUND")), "{id}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_named() {
    let sandbox = Sandbox::frozen().await;
    for (query, field) in
        [("fromDate=today", "fromDate"), ("size=0", "size"), ("order=UP", "order"), ("states=BUSY", "states")]
    {
        for path in ["/self/events", "/self/events/count"] {
            let reply = sandbox.api("GET", &format!("{path}?{query}"), "").await;
            let body = reply.json();
            assert_eq!((reply.status, &body["errorCode"]), (400, &json!("BAD_REQUEST")), "{query}");
            assert_eq!(
                (body["errorMessage"].is_string(), &body["errors"][0]["field"]),
                (true, &json!(field))
            );
        }
    }
}

#[tokio::test]
async fn it_is_behind_the_gateway() {
    let sandbox = Sandbox::frozen().await;
    assert_eq!(sandbox.api_as(&json!("another"), "/self/events").await.status, 401);
    for path in ["/self/events", "/self/events/count", "/self/events/1"] {
        assert_eq!(sandbox.api("POST", path, "").await.status, 405, "{path}");
    }
    assert_eq!(sandbox.api("GET", "/self/events/1/2", "").await.status, 404);
}

#[tokio::test]
async fn the_demo_account_has_a_history() {
    let sandbox = Sandbox::start(vwh::sandbox::Options::default()).await;
    let rows = rows(&sandbox, "?size=100").await;
    assert_eq!((rows.len(), &rows[0]["id"]), (47, &json!(7_340_001)));
    let list = sandbox.list().await;
    let last_success = |url: &str| {
        let webhook =
            list.iter().find(|webhook| webhook["url"].as_str().is_some_and(|text| text.contains(url)));
        let text = webhook.expect("a webhook")["statistics"]["lastSuccess"].as_str().expect("a time");
        text.parse::<chrono::DateTime<chrono::Utc>>().expect("a time").timestamp_millis()
    };
    let moment = |row: &Value| {
        let members =
            ["startTime", "answerTime", "endTime"].into_iter().filter(|name| row[*name].is_string());
        members.map(|name| milliseconds(row, name)).max()
    };
    for (url, missed) in [("support.example.com", 11), ("billing.example.com", 36)] {
        let since = Some(last_success(url));
        assert_eq!(rows.iter().filter(|row| moment(row) > since).count(), missed, "{url}");
        assert!(rows.iter().any(|row| moment(row) == since), "{url}: the last one that arrived is there");
    }
}
