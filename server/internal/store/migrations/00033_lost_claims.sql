-- Rows whose worker was lost or panicked, with how often in a row, and those that were
-- set aside for it.
--
-- On a million rows of any table: takes a moment, as none is read.
CREATE TABLE lost_claims (
    table_name TEXT NOT NULL,
    id TEXT NOT NULL,
    -- lease_number is of the claim that was lost last, and claims how many were lost in a
    -- row. progress is what was on record of a run by then.
    lease_number BIGINT NOT NULL,
    claims BIGINT NOT NULL,
    progress BIGINT NOT NULL,
    lost_at BIGINT NOT NULL,
    set_aside_at BIGINT,
    reason TEXT NOT NULL,
    PRIMARY KEY (table_name, id)
);
CREATE INDEX lost_claims_set_aside ON lost_claims (table_name, id) WHERE set_aside_at IS NOT NULL;
