//! Stories over real sockets and a real database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
mod api;
mod assignment;
mod auto_answers;
mod availability;
mod blocks;
mod canned_texts;
mod crash;
mod deployment;
mod desk;
mod devices;
mod files;
mod forms;
mod hostile;
mod items;
mod kills;
mod links;
mod logs;
mod matrix;
mod merges;
mod metrics;
mod operations;
mod participants;
mod provider;
mod rights;
mod rings;
mod schemathesis;
mod search;
mod second_factor;
mod settings;
mod slow;
mod stories;
mod uploads;
mod visitors;
mod webhooks;
