-- On a million runs: takes a moment, as no row is rewritten.
--
-- Rows that are leased to a process which lives and does not work on them, as that
-- process itself has found. It releases them when it finds them so again.
CREATE TABLE idle_leases (
    table_name   TEXT NOT NULL,
    id           TEXT NOT NULL,
    lease_owner  TEXT NOT NULL,
    lease_number BIGINT NOT NULL,
    PRIMARY KEY (table_name, id)
);
