"""Schema 1, the first. A released schema is never edited: later ones change what is in the file.

Inside, rows refer to each other by integer keys; outside they are known by ids and names. Times are
microseconds since 1970 in UTC. A `checksum` covers the other columns of its row.
"""

STATEMENTS = """
CREATE TABLE schema_migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT;

CREATE TABLE workflows (
    workflow_key INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    checksum INTEGER NOT NULL
) STRICT;

-- Runs. The counts of a run stand here and in state_versions once it is final.
CREATE TABLE workflow_states (
    run_key INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    workflow_key INTEGER NOT NULL REFERENCES workflows ON DELETE CASCADE,
    version INTEGER NOT NULL CHECK (version > 0),
    status TEXT NOT NULL
        CHECK (status IN ('pending', 'running', 'success', 'failed', 'rolled_back')),
    started_at INTEGER NOT NULL,
    completed_at INTEGER,
    metadata TEXT NOT NULL,
    error_msg TEXT,
    locked_by TEXT,
    resource_count INTEGER,
    checksum INTEGER NOT NULL,
    UNIQUE (workflow_key, version)
) STRICT;
CREATE INDEX workflow_states_by_start ON workflow_states (started_at);
CREATE INDEX workflow_states_by_workflow ON workflow_states (workflow_key, started_at);
CREATE INDEX workflow_states_by_status ON workflow_states (status, started_at);

-- Workflow files and values, once per SHA-256.
CREATE TABLE contents (
    content_key INTEGER PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    content BLOB NOT NULL
) STRICT;

CREATE TABLE state_versions (
    run_key INTEGER PRIMARY KEY REFERENCES workflow_states ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    description TEXT NOT NULL,
    parent INTEGER,
    source_key INTEGER REFERENCES contents,
    values_key INTEGER REFERENCES contents,
    created INTEGER,
    updated INTEGER,
    deleted INTEGER,
    read INTEGER,
    unchanged INTEGER,
    hash TEXT,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX state_versions_by_source ON state_versions (source_key);
CREATE INDEX state_versions_by_values ON state_versions (values_key);

-- Each resource as it is since version valid_from; created_in is the version its life began in.
-- One that was deleted keeps its row, and with it its id, with action 'delete'.
CREATE TABLE workflow_resources (
    resource_key INTEGER PRIMARY KEY,
    workflow_key INTEGER NOT NULL REFERENCES workflows ON DELETE CASCADE,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    name TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    created_in INTEGER NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('create', 'update', 'delete', 'read', 'noop')),
    status TEXT NOT NULL,
    attributes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    UNIQUE (workflow_key, type, name)
) STRICT;
CREATE INDEX workflow_resources_by_version ON workflow_resources (workflow_key, valid_from);

-- Each resource as it was from version valid_from up to, but not in, version valid_to.
CREATE TABLE workflow_resource_history (
    history_key INTEGER PRIMARY KEY,
    workflow_key INTEGER NOT NULL REFERENCES workflows ON DELETE CASCADE,
    resource_key INTEGER NOT NULL REFERENCES workflow_resources ON DELETE CASCADE,
    valid_from INTEGER NOT NULL,
    valid_to INTEGER NOT NULL CHECK (valid_to > valid_from),
    created_in INTEGER NOT NULL,
    action TEXT NOT NULL CHECK (action IN ('create', 'update', 'delete', 'read', 'noop')),
    status TEXT NOT NULL,
    attributes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    UNIQUE (resource_key, valid_to)
) STRICT;
CREATE INDEX workflow_resource_history_by_version
    ON workflow_resource_history (workflow_key, valid_from, valid_to);

CREATE TABLE workflow_outputs (
    output_key INTEGER PRIMARY KEY,
    run_key INTEGER NOT NULL REFERENCES workflow_states ON DELETE CASCADE,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    sensitive INTEGER NOT NULL CHECK (sensitive IN (0, 1)),
    checksum INTEGER NOT NULL,
    UNIQUE (run_key, key)
) STRICT;

CREATE TABLE workflow_tasks (
    task_key INTEGER PRIMARY KEY,
    run_key INTEGER NOT NULL REFERENCES workflow_states ON DELETE CASCADE,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('running', 'success', 'failed', 'skipped')),
    attempts INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER,
    output TEXT NOT NULL,
    error_msg TEXT,
    location TEXT,
    checksum INTEGER NOT NULL,
    UNIQUE (run_key, name)
) STRICT;

-- drifted is NULL where reality could not be read, actual where the thing is not there.
CREATE TABLE drift_detections (
    detection_key INTEGER PRIMARY KEY,
    resource_key INTEGER NOT NULL REFERENCES workflow_resources ON DELETE CASCADE,
    version INTEGER NOT NULL,
    detected_at INTEGER NOT NULL,
    expected TEXT NOT NULL,
    actual TEXT,
    drifted INTEGER CHECK (drifted IN (0, 1)),
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX drift_detections_by_resource ON drift_detections (resource_key, detected_at);

-- A name that was locked once keeps its row, so that its token only grows. Free: no holder.
CREATE TABLE locks (
    lock_key INTEGER PRIMARY KEY,
    scope TEXT NOT NULL CHECK (scope IN ('workflow', 'script')),
    name TEXT NOT NULL,
    token INTEGER NOT NULL,
    user TEXT,
    host TEXT,
    pid INTEGER,
    process_started INTEGER,
    boot_id TEXT,
    run_id TEXT,
    acquired_at INTEGER,
    heartbeat_at INTEGER,
    expires_at INTEGER,
    checksum INTEGER NOT NULL,
    UNIQUE (scope, name)
) STRICT;

CREATE TABLE key_values (
    pair_key INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    value TEXT NOT NULL,
    expires_at INTEGER,
    checksum INTEGER NOT NULL
) STRICT;

CREATE TABLE run_tags (
    tag_key INTEGER PRIMARY KEY,
    run_key INTEGER NOT NULL REFERENCES workflow_states ON DELETE CASCADE,
    tag TEXT NOT NULL,
    checksum INTEGER NOT NULL,
    UNIQUE (run_key, tag)
) STRICT;
CREATE INDEX run_tags_by_tag ON run_tags (tag, run_key);

CREATE TABLE audit_trail (
    entry_key INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    workflow TEXT,
    detail TEXT NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX audit_trail_by_workflow ON audit_trail (workflow);
"""
