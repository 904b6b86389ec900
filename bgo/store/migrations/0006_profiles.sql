-- Profiles: what kind of work it is, under which profile it runs, and which of those runs are over.
ALTER TABLE view ADD COLUMN traits TEXT NOT NULL DEFAULT '';
DROP INDEX view_key;
CREATE UNIQUE INDEX view_key ON view (queue, handler, constraints, window, traits);
ALTER TABLE lease ADD COLUMN profile TEXT NOT NULL DEFAULT '';
CREATE TABLE run_over (
    seq INTEGER NOT NULL PRIMARY KEY,
    profile TEXT NOT NULL,
    run TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX run_over_profile ON run_over (profile, seq);
