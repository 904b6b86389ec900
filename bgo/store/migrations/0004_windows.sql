-- Windows of the day: what the asker judges has one more part.
ALTER TABLE view ADD COLUMN window TEXT NOT NULL DEFAULT '';
DROP INDEX view_key;
CREATE UNIQUE INDEX view_key ON view (queue, handler, constraints, window);
