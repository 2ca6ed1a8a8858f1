//! The desk server: one binary, SQLite inside.
