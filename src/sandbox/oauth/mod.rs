//! OAuth as the sandbox has it: one user, one client, four grants, single-use refresh tokens (specs/vis.md §2 and §11).
//!
//! Tokens from here open the API and no knob. There is no login page: who asks for a code is taken for the one user.
//!
//! - `token`: `POST /token`; `form` and `client`: what it is sent, and by whom; `refusal`: what it answers instead
//! - `authorize`: `GET /authorize`; `pkce`: the proof that both were asked by the same program
//! - `ledger`: everything handed out; `id_token`: who the user is; `lock_out`: too many wrong passwords

pub(super) mod authorize;
pub(super) mod client;
pub(super) mod form;
mod id_token;
pub(super) mod ledger;
pub(super) mod lock_out;
mod pkce;
mod refusal;
pub(super) mod token;

/// The one client. Nothing about this account is a secret: it is a toy that listens on loopback.
pub const CLIENT_ID: &str = "sandbox-client";
/// What the client proves itself with.
pub const CLIENT_SECRET: &str = "sandbox-secret";
/// The one user, as the token endpoint wants it: with the tenant (specs/vis.md §2).
pub const USERNAME: &str = "demo@vbc.prod";
/// The user's password.
pub const PASSWORD: &str = "demo-password";

/// Where tokens are handed out: at the root, as `https://api.vonage.com/token` is, and not below the API's base.
pub(super) const TOKEN_PATH: &str = "/token";
/// Where codes are handed out.
pub(super) const AUTHORIZE_PATH: &str = "/authorize";
