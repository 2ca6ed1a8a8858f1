DELETE FROM message_words;
INSERT INTO contact_words (contact_words) VALUES ('delete-all');
INSERT INTO agent_words (agent_words) VALUES ('delete-all');
INSERT INTO page_words (page_words) VALUES ('delete-all');
INSERT INTO article_words (article_words) VALUES ('delete-all');
