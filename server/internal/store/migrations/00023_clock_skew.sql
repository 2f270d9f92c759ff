-- On a million runs: takes a moment, as no row is rewritten.
--
-- By how much the clock of a server was ahead of the database's when it last renewed
-- its leases, in microseconds; less than zero for behind.
ALTER TABLE nodes ADD COLUMN clock_ahead_us BIGINT NOT NULL DEFAULT 0;
