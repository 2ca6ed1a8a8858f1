//! One socket, HTTP for files, driving the engine and writing the cache.
