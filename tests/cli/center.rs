//! A sandbox whose Contact Center a profile of its own is connected to, by client credentials. It has no tests.

use std::path::PathBuf;

use serde_json::Value;

use crate::running::Sandbox;
use crate::support::{Outcome, Vwh};

/// A key of 32 bytes in base64.
pub(crate) const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// The sandbox, and the vwh that is connected to it.
pub(crate) struct Center {
    pub(crate) vwh: Vwh,
    pub(crate) sandbox: Sandbox,
}

impl Center {
    /// One with the demo account, started with `flags`.
    pub(crate) fn start(flags: &[&str]) -> Self {
        let vwh = Vwh::new();
        let sandbox = Sandbox::start(&vwh, flags);
        vwh.write("secret", "sandbox-secret\n");
        vwh.configure(&profile(&sandbox.address));
        Self { vwh, sandbox }
    }

    /// One without subscriptions, whose clock stands still.
    pub(crate) fn empty() -> Self {
        Self::start(&["--empty", "--speed", "0", "--allow-http"])
    }

    /// Runs vwh.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.vwh.args(arguments.iter().copied()).run()
    }

    /// The profile's list.
    pub(crate) fn list(&self) -> Vec<Value> {
        self.run(&["list", "--json"]).exits(0).json().as_array().unwrap().clone()
    }

    /// A key file.
    pub(crate) fn key(&self) -> PathBuf {
        self.vwh.write("key", KEY)
    }

    /// Registers a webhook with these flags besides; gives its id.
    pub(crate) fn create(&self, name: &str, flags: &[&str]) -> String {
        let key = self.key();
        let usual =
            ["create", "--name", name, "--event", "channel.*", "--signing-key-file", key.to_str().unwrap()];
        let created = self.run(&[&usual, flags].concat()).exits(0);
        created.stdout.trim_end().to_owned()
    }

    /// How many API and token requests the sandbox has had.
    pub(crate) fn requests(&self) -> (u64, u64) {
        let status = self.sandbox.turn("GET", "status", &Value::Null);
        let count = |name: &str| status[name].as_u64().unwrap();
        (count("requests"), count("tokenRequests"))
    }
}

/// The configuration of a profile that is connected to the Contact Center of the sandbox at `address`.
pub(crate) fn profile(address: &str) -> String {
    format!(
        "default_profile = \"office\"\n\n[profiles.office]\nservice = \"contact-center\"\n\
         base_url = \"http://{address}/webhooks\"\ntoken_url = \"http://{address}/Auth/connect/token\"\n\
         client_id = \"sandbox-client\"\nclient_secret_file = \"secret\"\n"
    )
}
