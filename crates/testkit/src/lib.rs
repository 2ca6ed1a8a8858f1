//! Personas, a test server, a fault proxy and fixtures.
