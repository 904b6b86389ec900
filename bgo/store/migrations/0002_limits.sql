-- Rates, keys of a kind, waiting for other tasks, expiry, pauses by tag and of running work, limits named in a config.
ALTER TABLE queue ADD COLUMN slots INTEGER CHECK (slots > 0);
-- A queue earns its first pick as it earns the others: what weighs little does not go second in a new store.
UPDATE queue SET pass_at = 1000.0 / weight WHERE pass_at = 0;
CREATE TABLE pause_new (
    kind TEXT NOT NULL CHECK (kind IN ('name', 'queue', 'tag')),
    value TEXT NOT NULL,
    at INTEGER NOT NULL,
    running INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, value)
);
INSERT INTO pause_new (kind, value, at) SELECT kind, value, at FROM pause;
DROP TABLE pause;
ALTER TABLE pause_new RENAME TO pause;
CREATE TABLE tag_move (
    tag TEXT NOT NULL PRIMARY KEY,
    after INTEGER NOT NULL DEFAULT 0
);
DROP INDEX lane_wake;
DROP INDEX lane_parked;
ALTER TABLE lane DROP COLUMN wake_at;
ALTER TABLE lane ADD COLUMN rate_key TEXT;
ALTER TABLE lane ADD COLUMN rate_max INTEGER;
ALTER TABLE lane ADD COLUMN rate_window INTEGER;
ALTER TABLE lane ADD COLUMN marks TEXT NOT NULL DEFAULT '[]';
ALTER TABLE lane ADD COLUMN first INTEGER;
UPDATE lane SET first = (
    SELECT order_key FROM task WHERE task.lane = lane.id AND ready = 1 ORDER BY order_key, seq LIMIT 1
) WHERE head IS NOT NULL;
CREATE INDEX lane_parked ON lane (concurrency_key, view, concurrency_max, strategy, first)
    WHERE parked = 1 AND paused = 0 AND head IS NOT NULL;
CREATE INDEX lane_group ON lane (concurrency_key, strategy, view, first)
    WHERE turn IS NOT NULL AND concurrency_key IS NOT NULL;
CREATE INDEX lane_rated ON lane (rate_key, view, rate_max, rate_window, head)
    WHERE parked = 2 AND paused = 0 AND head IS NOT NULL;
CREATE INDEX lane_limits ON lane (concurrency_key) WHERE concurrency_key IS NOT NULL;
CREATE INDEX lane_rates ON lane (rate_key) WHERE rate_key IS NOT NULL;
ALTER TABLE task ADD COLUMN expires_at INTEGER;
ALTER TABLE task ADD COLUMN unique_id TEXT;
ALTER TABLE task ADD COLUMN dedup_key TEXT;
ALTER TABLE task ADD COLUMN bump INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN waited TEXT NOT NULL DEFAULT '{}';
CREATE INDEX task_expiry ON task (expires_at)
    WHERE expires_at IS NOT NULL AND state IN ('blocked', 'queued', 'retrying');
CREATE INDEX task_unique ON task (unique_id, seq) WHERE unique_id IS NOT NULL;
CREATE INDEX task_unique_open ON task (unique_id, seq) WHERE unique_id IS NOT NULL AND finished_at IS NULL;
ALTER TABLE lease ADD COLUMN rate_key TEXT;
ALTER TABLE lease ADD COLUMN stamped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE lease ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;
CREATE INDEX lease_rate ON lease (rate_key) WHERE rate_key IS NOT NULL AND stamped = 0;
CREATE TABLE rate (
    key TEXT NOT NULL PRIMARY KEY,
    keep_ms INTEGER NOT NULL DEFAULT 0,
    wake_boot TEXT,
    wake_at INTEGER
);
CREATE INDEX rate_wake ON rate (wake_boot, wake_at) WHERE wake_at IS NOT NULL;
CREATE TABLE rate_start (
    key TEXT NOT NULL,
    n INTEGER NOT NULL,
    at INTEGER NOT NULL,
    boot TEXT NOT NULL,
    at_boot INTEGER NOT NULL,
    PRIMARY KEY (key, n)
);
CREATE TABLE named_limit (
    key TEXT NOT NULL PRIMARY KEY,
    source TEXT NOT NULL,
    concurrency_max INTEGER CHECK (concurrency_max > 0),
    rate_max INTEGER CHECK (rate_max > 0),
    rate_window INTEGER CHECK (rate_window > 0)
);
CREATE TABLE dedup (
    key TEXT NOT NULL PRIMARY KEY,
    task TEXT NOT NULL,
    until INTEGER,
    suppressed INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX dedup_task ON dedup (task);
CREATE TABLE dependency (
    task INTEGER NOT NULL,
    upstream INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('success', 'end')),
    PRIMARY KEY (task, upstream)
);
CREATE INDEX dependency_upstream ON dependency (upstream, task);
CREATE TABLE release (
    upstream INTEGER NOT NULL PRIMARY KEY
);
