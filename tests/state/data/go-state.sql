-- A state.db as the older sloth-runner leaves it, with columns and tables that nobody knows.
CREATE TABLE workflow_states (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, version INTEGER DEFAULT 1, status TEXT NOT NULL,
    started_at DATETIME DEFAULT CURRENT_TIMESTAMP, completed_at DATETIME, duration_seconds INTEGER DEFAULT 0,
    metadata TEXT, error_msg TEXT, locked_by TEXT, tenant TEXT
);
CREATE TABLE workflow_resources (
    id TEXT PRIMARY KEY, workflow_id TEXT NOT NULL, type TEXT NOT NULL, name TEXT NOT NULL, action TEXT NOT NULL,
    status TEXT NOT NULL, attributes TEXT, created_at DATETIME, updated_at DATETIME
);
CREATE TABLE workflow_outputs (
    workflow_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, created_at DATETIME, PRIMARY KEY (workflow_id, key)
);
CREATE TABLE state_versions (
    id TEXT PRIMARY KEY, workflow_id TEXT NOT NULL, version INTEGER NOT NULL, state TEXT NOT NULL,
    created_at DATETIME, created_by TEXT, description TEXT
);
CREATE TABLE agents (id INTEGER PRIMARY KEY, address TEXT);

INSERT INTO workflow_states VALUES
    ('deploy-3', 'deploy', 9, 'running', '2025-03-03 10:00:00.5 +0100 CET m=+0.012', NULL, NULL, NULL, NULL, 'ada', NULL),
    ('deploy-1', 'deploy', 2, 'success', '2025-03-01T10:00:00.123456789Z', '2025-03-01 10:00:07+00:00', 7,
        '{"env":"prod","retries":3}', '', NULL, NULL),
    ('deploy-2', 'deploy', 4, 'failed', 1740909600, NULL, 12, 'null', 'deploy.sloth:4: no', NULL, 'x');
INSERT INTO workflow_states (id, name, status, started_at) VALUES ('site-1', 'site', 'success', '0001-01-01 00:00:00+00:00');
INSERT INTO workflow_resources VALUES
    ('r1', 'deploy-1', 'container', 'web', 'create', 'running', '{"image":"nginx:1.25"}', NULL, NULL),
    ('r2', 'deploy-1', 'file', 'conf', 'create', 'ok', NULL, NULL, NULL),
    ('r3', 'deploy-2', 'container', 'web', 'update', 'running', '{"image":"nginx:1.26"}', NULL, NULL),
    ('r4', 'deploy-2', 'file', 'conf', 'delete', 'gone', 'null', NULL, NULL),
    ('r5', 'deploy-3', 'container', 'web', 'noop', 'running', '{"image":"nginx:1.26"}', NULL, NULL);
INSERT INTO workflow_outputs VALUES ('deploy-1', 'url', 'http://one', NULL), ('deploy-2', 'url', 'http://two', NULL);
INSERT INTO state_versions VALUES
    ('deploy-1-v1', 'deploy-1', 1, '{}', '2025-03-01 10:00:00', 'system', 'Version 1'),
    ('deploy-1-v2', 'deploy-1', 2, '{}', '2025-03-01 10:00:07', 'grace', 'First deploy');
