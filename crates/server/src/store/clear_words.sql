DELETE FROM message_words;
DELETE FROM contact_words;
INSERT INTO agent_words (agent_words) VALUES ('delete-all');
DELETE FROM page_words;
INSERT INTO article_words (article_words) VALUES ('delete-all');
