-- Who of an identity provider's people is which agent. Once known, the address that the provider tells decides nothing
-- any more: addresses are given to other people.
CREATE TABLE agent_identity (
    issuer  TEXT NOT NULL,
    subject TEXT NOT NULL,
    agent   INTEGER NOT NULL REFERENCES agent (id),
    PRIMARY KEY (issuer, subject),
    UNIQUE (agent, issuer)
) STRICT, WITHOUT ROWID;
