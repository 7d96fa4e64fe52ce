"""Schema 3: tickets, which say in which order those who wait for a lock get it."""

STATEMENTS = """
-- A row for each who waits. Keys grow, so those of one lock are in the order in which they came.
CREATE TABLE lock_tickets (
    ticket_key INTEGER PRIMARY KEY,
    scope TEXT NOT NULL CHECK (scope IN ('workflow', 'script')),
    name TEXT NOT NULL,
    user TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    process_started INTEGER NOT NULL,
    boot_id TEXT NOT NULL,
    run_id TEXT,
    came_at INTEGER NOT NULL,
    renewed_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;
CREATE INDEX lock_tickets_by_lock ON lock_tickets (scope, name);
"""
