-- Schedules, what became of their occurrences, and the tasks, chains and batches that they made.
CREATE TABLE schedule (
    seq INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    key TEXT,
    source TEXT NOT NULL DEFAULT '',
    name TEXT NOT NULL,
    handler TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('task', 'chain', 'batch')),
    wish TEXT NOT NULL,
    anchor INTEGER NOT NULL,
    plan INTEGER NOT NULL REFERENCES payload (id),
    state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'finished')),
    reason TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    next_at INTEGER,
    fire_at INTEGER,
    last_at INTEGER,
    boot TEXT,
    since_seq INTEGER NOT NULL DEFAULT 0,
    fired INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    missed INTEGER NOT NULL DEFAULT 0,
    coalesced INTEGER NOT NULL DEFAULT 0,
    CHECK ((next_at IS NULL) = (fire_at IS NULL)),
    CHECK (state = 'active' OR fire_at IS NULL)
);
CREATE UNIQUE INDEX schedule_id ON schedule (id);
CREATE UNIQUE INDEX schedule_key ON schedule (key) WHERE key IS NOT NULL;
CREATE INDEX schedule_fire ON schedule (fire_at) WHERE fire_at IS NOT NULL;
CREATE INDEX schedule_last ON schedule (last_at) WHERE fire_at IS NOT NULL AND last_at IS NOT NULL;
CREATE INDEX schedule_boot ON schedule (boot) WHERE boot IS NOT NULL AND state = 'active';
CREATE TABLE occurrence (
    schedule INTEGER NOT NULL,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('fired', 'skipped', 'missed', 'coalesced')),
    number INTEGER NOT NULL DEFAULT 1,
    task TEXT,
    noted_at INTEGER NOT NULL,
    PRIMARY KEY (schedule, at)
);
ALTER TABLE task ADD COLUMN schedule TEXT;
ALTER TABLE task ADD COLUMN occurrence INTEGER;
CREATE INDEX task_schedule ON task (schedule, seq) WHERE schedule IS NOT NULL;
CREATE INDEX task_schedule_open ON task (schedule, seq) WHERE schedule IS NOT NULL AND finished_at IS NULL;
-- Windows of the day: what the asker judges has one more part.
ALTER TABLE view ADD COLUMN window TEXT NOT NULL DEFAULT '';
DROP INDEX view_key;
CREATE UNIQUE INDEX view_key ON view (queue, handler, constraints, window);
