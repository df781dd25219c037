//! The catalogue of event types, each with a small JSON Schema of its data (specs/contact-center.md §3, §4).

use serde_json::{Value, json};

use crate::services::contact_center::delivery::EVENT_TYPES;

/// The reply of `GET /event-types`.
pub(super) fn catalogue() -> Value {
    let kinds: Vec<Value> = EVENT_TYPES.iter().map(|(name, description)| kind(name, description)).collect();
    json!({ "eventTypes": kinds })
}

fn kind(name: &str, description: &str) -> Value {
    let text = json!({"type": "string"});
    let user = json!({"type": "object", "properties": {"agentId": text, "userId": text}});
    let (what, properties) = if name.starts_with("agent.") {
        let category =
            json!({"type": "object", "properties": {"type": text, "description": text, "subcategory": text}});
        let presence = json!({"type": "object",
            "properties": {"presenceId": text, "description": text, "category": category}});
        ("presence", json!({"timestamp": time(), "presence": presence, "user": user}))
    } else {
        let party = json!({"type": "object", "properties": {"role": text, "agentId": text, "userId": text}});
        let channel = json!({"type": "object",
            "properties": {"conversationId": text, "interactionId": text, "channelId": text, "party": party}});
        ("channel", json!({"timestamp": time(), "reason": text, "channel": channel}))
    };
    json!({
        "name": name,
        "description": description,
        "jsonSchema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema", "title": name, "type": "object",
            "required": ["timestamp", what], "properties": properties,
        },
        "releaseStatus": "General Availability",
    })
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}
