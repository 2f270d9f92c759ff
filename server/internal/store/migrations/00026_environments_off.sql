-- On a million runs: takes a moment, as there are few environments.
--
-- Why an environment is switched off, and how to switch it on; NULL while it is on.
-- Each server that starts writes here what it is given.
ALTER TABLE environments ADD COLUMN off_because TEXT;
