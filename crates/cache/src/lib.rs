//! The agent's SQLite: migrations, one file per table, full-text search.
