//! Random input of all kinds: bytes, settings, stored values, functions of a user, constraints. It must
//! never end in a panic or a hang, and what comes out must keep what the crate promises.
//!
//! `cargo test --test fuzz` takes some seconds. `MIXLAW_FUZZ_INPUTS=1000000` tries that many inputs in
//! all campaigns together, and `MIXLAW_FUZZ_SEED=7` other ones. `MIXLAW_FUZZ_INPUT=123 cargo test --test
//! fuzz csv` repeats input 123 of the campaign `csv`, and `MIXLAW_FUZZ_INPUT=123..456` these. Every
//! campaign prints what it tried.

mod constraints;
#[cfg(feature = "csv")]
mod csv;
mod data;
mod determinism;
mod harness;
mod hostile;
mod settings;
#[cfg(feature = "serde")]
mod stored;
