-- Instants are INTEGER UTC milliseconds, except leases (awake milliseconds of their boot). Payloads are immutable.
CREATE TABLE meta (
    key TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);
CREATE TABLE payload (
    id INTEGER NOT NULL PRIMARY KEY,
    codec INTEGER NOT NULL DEFAULT 0,
    key_id TEXT,
    bytes BLOB NOT NULL
);
CREATE TABLE queue (
    name TEXT NOT NULL PRIMARY KEY,
    weight REAL NOT NULL CHECK (weight > 0),
    reserve INTEGER NOT NULL DEFAULT 0 CHECK (reserve >= 0),
    pass_at REAL NOT NULL DEFAULT 0,
    start REAL NOT NULL DEFAULT 0
);
CREATE TABLE pause (
    kind TEXT NOT NULL CHECK (kind IN ('name', 'queue')),
    value TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (kind, value)
);
CREATE TABLE view (
    id INTEGER NOT NULL PRIMARY KEY,
    queue TEXT NOT NULL,
    handler TEXT NOT NULL,
    constraints TEXT NOT NULL,
    held_by TEXT
);
CREATE UNIQUE INDEX view_key ON view (queue, handler, constraints);
CREATE TABLE lane (
    id INTEGER NOT NULL PRIMARY KEY,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    view INTEGER NOT NULL REFERENCES view (id),
    concurrency_key TEXT,
    concurrency_max INTEGER,
    strategy TEXT,
    paused INTEGER NOT NULL DEFAULT 0,
    parked INTEGER NOT NULL DEFAULT 0,
    head INTEGER,
    turn INTEGER,
    since INTEGER NOT NULL,
    wake_at INTEGER,
    held_by TEXT,
    CHECK (turn IS NULL OR (paused = 0 AND parked = 0 AND head IS NOT NULL))
);
CREATE UNIQUE INDEX lane_key ON lane (key);
CREATE INDEX lane_turn ON lane (view, turn) WHERE turn IS NOT NULL;
CREATE INDEX lane_name ON lane (name);
CREATE INDEX lane_parked ON lane (concurrency_key, view, concurrency_max, head)
    WHERE parked = 1 AND paused = 0 AND head IS NOT NULL;
CREATE INDEX lane_wake ON lane (wake_at) WHERE wake_at IS NOT NULL;
CREATE TABLE task (
    seq INTEGER NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    handler TEXT NOT NULL,
    kind TEXT NOT NULL DEFAULT 'task',
    state TEXT NOT NULL CHECK (
        state IN ('blocked', 'queued', 'running', 'retrying', 'succeeded', 'failed', 'cancelled')
    ),
    reason TEXT NOT NULL,
    lane INTEGER NOT NULL REFERENCES lane (id),
    queue TEXT NOT NULL,
    priority INTEGER NOT NULL,
    tags TEXT NOT NULL DEFAULT '[]',
    wish TEXT NOT NULL DEFAULT '{}',
    ready INTEGER NOT NULL,
    ready_at INTEGER,
    due_at INTEGER NOT NULL,
    order_key INTEGER NOT NULL,
    rank INTEGER NOT NULL,
    draw REAL NOT NULL DEFAULT 0,
    run INTEGER NOT NULL DEFAULT 0,
    attempt INTEGER NOT NULL DEFAULT 0,
    losses INTEGER NOT NULL DEFAULT 0,
    snoozes INTEGER NOT NULL DEFAULT 0,
    epoch INTEGER NOT NULL DEFAULT 1,
    cwd TEXT NOT NULL DEFAULT '',
    input INTEGER REFERENCES payload (id),
    setup INTEGER REFERENCES payload (id),
    output INTEGER REFERENCES payload (id),
    error INTEGER REFERENCES payload (id),
    checkpoint INTEGER REFERENCES payload (id),
    progress REAL,
    progress_message TEXT NOT NULL DEFAULT '',
    cancel_reason TEXT,
    created_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    CHECK (ready = 0 OR state IN ('queued', 'retrying')),
    CHECK ((state IN ('succeeded', 'failed', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK (cancel_reason IS NULL OR state = 'running')
);
CREATE UNIQUE INDEX task_id ON task (id);
CREATE INDEX task_ready ON task (lane, order_key, seq) WHERE ready = 1;
CREATE INDEX task_alarm ON task (due_at) WHERE ready = 0 AND state IN ('queued', 'retrying');
CREATE INDEX task_state ON task (state, seq);
CREATE INDEX task_name ON task (name, seq);
CREATE INDEX task_finished ON task (finished_at) WHERE finished_at IS NOT NULL;
CREATE TABLE task_tag (
    tag TEXT NOT NULL,
    task INTEGER NOT NULL,
    PRIMARY KEY (tag, task)
);
CREATE INDEX task_tag_task ON task_tag (task);
CREATE TABLE worker (
    id TEXT NOT NULL PRIMARY KEY,
    host TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    pid_start INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    slots INTEGER NOT NULL,
    queues TEXT NOT NULL DEFAULT '[]'
);
CREATE TABLE lease (
    task INTEGER NOT NULL PRIMARY KEY REFERENCES task (seq),
    run INTEGER NOT NULL,
    worker TEXT NOT NULL,
    host TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    until INTEGER NOT NULL,
    child_pid INTEGER NOT NULL,
    child_start INTEGER NOT NULL,
    claimed_at INTEGER NOT NULL,
    started_at INTEGER,
    queue TEXT NOT NULL,
    concurrency_key TEXT,
    waited TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX lease_worker ON lease (worker);
CREATE INDEX lease_concurrency ON lease (concurrency_key) WHERE concurrency_key IS NOT NULL;
CREATE TABLE history (
    id INTEGER NOT NULL PRIMARY KEY,
    task TEXT NOT NULL,
    name TEXT NOT NULL,
    event TEXT NOT NULL,
    run INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    duration_ms INTEGER,
    error INTEGER REFERENCES payload (id),
    worker TEXT,
    waited TEXT NOT NULL DEFAULT '{}',
    detail TEXT NOT NULL DEFAULT '{}',
    outcome INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX history_outcome ON history (task, run) WHERE outcome = 1;
CREATE INDEX history_task ON history (task, id);
CREATE INDEX history_name ON history (name, id);
CREATE INDEX history_at ON history (at);
CREATE TABLE hold_log (
    scope TEXT NOT NULL CHECK (scope IN ('lane', 'view')),
    ref INTEGER NOT NULL,
    at INTEGER NOT NULL,
    held_by TEXT,
    totals TEXT NOT NULL DEFAULT '{}',
    PRIMARY KEY (scope, ref, at)
);
