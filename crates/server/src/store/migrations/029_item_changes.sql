-- The log tells of items (10) from now on; of those that there are, in the order in which they were made.
INSERT INTO change (seq, entity, id, audience, kind, site)
    SELECT desk.seq + row_number() OVER (ORDER BY item.id), 10, item.id, 0, 0, item.site FROM item CROSS JOIN desk;
UPDATE desk SET seq = seq + (SELECT count(*) FROM item);
