//! Pure decisions: who is alerted, how loudly, and why not.
