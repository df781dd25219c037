//! The shipped `vwh` binary as a black box: one file per topic, over real sockets, with a cleared environment.
//!
//! Nothing here imports the library: what a test may know about vwh is its arguments, environment, files, exit code
//! and streams. Logic is tested beside the code, wire shapes in `tests/contract`.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a helper that cannot do its work fails the test that asked for it"
)]

mod call_log;
mod config;
mod exposition;
mod listening;
mod nagios;
mod running;
mod service;
mod signing;
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
mod create_check;
mod delete;
mod doctor;
mod failed_sign_in;
mod forgotten;
mod gaps;
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
mod listen_services;
mod login;
mod logout;
mod missed;
mod missed_again;
mod missed_pages;
mod missed_post;
mod nothing_to_do;
mod odd_json;
mod odd_lists;
mod offline_loop;
mod patience;
mod pipes;
mod profiles;
mod prometheus;
mod prometheus_file;
mod prune_failed;
mod quota;
mod readme_loop;
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
mod sandbox_call;
mod sandbox_delivery;
mod secrecy;
mod sender;
mod settings;
mod several;
mod sign_in;
mod sign_in_sandbox;
mod since_last;
mod status;
mod status_missed;
mod streams;
mod together;
mod tokens;
mod tolerance;
mod transport;
mod trigger;
mod trigger_consent;
mod trigger_ended;
mod trigger_replay;
mod trigger_services;
mod unknown_user;
mod verify;
mod verify_explain;
mod verify_services;
mod wait_lock;
mod whoami;
mod widths;
