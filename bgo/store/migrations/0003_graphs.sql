-- Chains and batches: rows of `task` that stand for others (their members), what they are made of, and staging.
ALTER TABLE task ADD COLUMN parent INTEGER;
ALTER TABLE task ADD COLUMN step INTEGER NOT NULL DEFAULT 0;
CREATE INDEX task_root ON task (seq) WHERE parent IS NULL;
CREATE INDEX task_member ON task (parent, step, seq) WHERE parent IS NOT NULL;
CREATE INDEX task_member_flow ON task (parent) WHERE parent IS NOT NULL AND kind <> 'task';
CREATE INDEX task_member_open ON task (parent, step) WHERE parent IS NOT NULL AND finished_at IS NULL;
CREATE INDEX task_member_held ON task (parent, step, seq) WHERE parent IS NOT NULL AND state = 'blocked';
ALTER TABLE lane ADD COLUMN stage TEXT;
CREATE INDEX lane_stage ON lane (stage) WHERE stage IS NOT NULL;
CREATE TABLE flow (
    seq INTEGER NOT NULL PRIMARY KEY REFERENCES task (seq),
    plan INTEGER REFERENCES payload (id),
    at INTEGER NOT NULL DEFAULT 0,
    ending TEXT CHECK (ending IN ('failed', 'cancelled', 'going')),
    open INTEGER NOT NULL DEFAULT 0,
    cursor INTEGER,
    told TEXT NOT NULL DEFAULT '{}',
    total INTEGER NOT NULL DEFAULT 0,
    succeeded INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    cancelled INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX flow_going ON flow (seq) WHERE ending = 'going';
CREATE TABLE stage (
    id TEXT NOT NULL PRIMARY KEY,
    flow INTEGER NOT NULL,
    owner TEXT NOT NULL,
    hidden INTEGER NOT NULL DEFAULT 1,
    count INTEGER NOT NULL DEFAULT 0,
    at INTEGER NOT NULL
);
