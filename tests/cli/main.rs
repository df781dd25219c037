//! The shipped `vwh` binary as a black box: one file per topic, over real sockets, with a cleared environment.
//!
//! Nothing here imports the library: what a test may know about vwh is its arguments, environment, files, exit code
//! and streams. Logic is tested beside the code, wire shapes in `tests/contract`.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a helper that cannot do its work fails the test that asked for it"
)]

mod config;
mod exposition;
mod listening;
mod nagios;
mod running;
mod service;
mod support;
mod token_service;
mod watched;

mod account;
mod addresses;
mod ambiguous;
mod browser;
mod check;
mod check_states;
mod confirm;
mod create;
mod delete;
mod doctor;
mod failed_sign_in;
mod forgotten;
mod generated_key;
mod harness;
mod help;
mod hostile;
mod https;
mod if_absent;
mod if_absent_renewal;
mod interrupt;
mod journal;
mod kill;
mod knobs;
mod list;
mod list_filters;
mod list_terminal;
mod listen;
mod listen_forward;
mod listen_hostile;
mod listen_lines;
mod listen_record;
mod listen_register;
mod listen_rehearsal;
mod login;
mod logout;
mod nothing_to_do;
mod odd_json;
mod odd_lists;
mod patience;
mod pipes;
mod profiles;
mod prometheus;
mod prometheus_file;
mod prune_failed;
mod quota;
mod refresh;
mod refresh_under_way;
mod refusals;
mod refused_items;
mod renew;
mod renew_replies;
mod renew_wait;
mod replace;
mod replace_cut_short;
mod replace_found;
mod replace_kill;
mod replace_unfit;
mod restore;
mod rotate;
mod sandbox;
mod secrecy;
mod settings;
mod several;
mod sign_in;
mod sign_in_sandbox;
mod since_last;
mod status;
mod streams;
mod together;
mod tokens;
mod tolerance;
mod transport;
mod unknown_user;
mod wait_lock;
mod whoami;
mod widths;
