"""Schema 2: declared resources, the journal of changes to them, and contents that they name."""

STATEMENTS = """
-- JSON of Resource.declaration; NULL for a resource that was only recorded. The checksum of a row
-- leaves out a NULL, so rows of schema 1 stay as they are.
ALTER TABLE workflow_resources ADD COLUMN declaration TEXT;
ALTER TABLE workflow_resource_history ADD COLUMN declaration TEXT;

-- Why reality could not be read, where drifted is NULL.
ALTER TABLE drift_detections ADD COLUMN error TEXT;

-- The journal: a change to the world begins before it is made, and ends after. No ended_at: it was
-- interrupted. `before` is what was read before, NULL if nothing was there. A command that has a
-- key is journaled too, as exec/KEY with the verb run; `result` is what it gave.
CREATE TABLE operations (
    operation_key INTEGER PRIMARY KEY,
    run_key INTEGER NOT NULL REFERENCES workflow_states ON DELETE CASCADE,
    number INTEGER NOT NULL,
    verb TEXT NOT NULL CHECK (verb IN ('create', 'update', 'delete', 'run')),
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    natural_key TEXT,
    task TEXT,
    before TEXT,
    wanted TEXT NOT NULL,
    declaration TEXT NOT NULL,
    began_at INTEGER NOT NULL,
    ended_at INTEGER,
    error TEXT,
    result TEXT,
    checksum INTEGER NOT NULL,
    UNIQUE (run_key, number)
) STRICT;

CREATE INDEX operations_unfinished ON operations (run_key) WHERE ended_at IS NULL;

-- The run that did the task, where a resumed one did not do it again.
ALTER TABLE workflow_tasks ADD COLUMN done_by TEXT;

-- What the steps of tasks gave, in the order of a task, so that they are not done again.
CREATE TABLE steps (
    step_key INTEGER PRIMARY KEY,
    run_key INTEGER NOT NULL REFERENCES workflow_states ON DELETE CASCADE,
    task TEXT NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    UNIQUE (run_key, task, position)
) STRICT;

-- What scripts have dispatched, in the order of a run; `data` is a JSON map. No task: the top level
-- of the file did it.
CREATE TABLE events (
    event_key INTEGER PRIMARY KEY,
    run_key INTEGER NOT NULL REFERENCES workflow_states ON DELETE CASCADE,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    task TEXT,
    dispatched_at INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_run ON events (run_key);

-- Lua files beside the workflow file that a version was made from.
CREATE TABLE version_modules (
    run_key INTEGER NOT NULL REFERENCES workflow_states ON DELETE CASCADE,
    name TEXT NOT NULL,
    content_key INTEGER NOT NULL REFERENCES contents,
    PRIMARY KEY (run_key, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX version_modules_by_content ON version_modules (content_key);

-- Contents that resources of a workflow name by hash, in any of its versions.
CREATE TABLE kept_contents (
    workflow_key INTEGER NOT NULL REFERENCES workflows ON DELETE CASCADE,
    content_key INTEGER NOT NULL REFERENCES contents,
    PRIMARY KEY (workflow_key, content_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX kept_contents_by_content ON kept_contents (content_key);

-- Versions that came from another store. Their hashes cover the keys that their rows had there.
CREATE TABLE imported_versions (
    run_key INTEGER PRIMARY KEY REFERENCES workflow_states ON DELETE CASCADE,
    hashed_workflow_key INTEGER NOT NULL,
    hashed_run_key INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

-- What a version still needs of the versions right before it, which were pruned, so that its hash
-- and its counts can be checked. `closed` is JSON: the checksums of the states of resources that it
-- ended and that are gone; `closed_live` is how many of them were no deletions.
CREATE TABLE version_anchors (
    run_key INTEGER PRIMARY KEY REFERENCES workflow_states ON DELETE CASCADE,
    parent_hash TEXT NOT NULL,
    parent_resource_count INTEGER NOT NULL,
    closed TEXT NOT NULL,
    closed_live INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
"""
