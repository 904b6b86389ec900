-- When a task asks less of the device than before.
ALTER TABLE task ADD COLUMN relax_at INTEGER;
CREATE INDEX task_relax ON task (relax_at) WHERE relax_at IS NOT NULL AND finished_at IS NULL;
