-- Who is erased takes along what was sent to them.
CREATE INDEX sent_of_conversation ON sent (conversation);
