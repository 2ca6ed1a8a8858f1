//! The typed catalogue of everything native windows, trays and toasts say.
