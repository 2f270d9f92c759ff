-- On a million events: reads them once for an index of no rows, a second or two.
--
-- What the database refuses to record, however often it is tried. failures counts the
-- tries in a row that were refused, and error is why the last of them was.
-- set_aside_at is when an event was given up, so that it is not due any more; or when
-- the tick of a schedule that was due at missed_tick_at was.
ALTER TABLE events ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN error TEXT;
ALTER TABLE events ADD COLUMN set_aside_at BIGINT;
CREATE INDEX events_set_aside ON events (id) WHERE set_aside_at IS NOT NULL;

ALTER TABLE schedules ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE schedules ADD COLUMN error TEXT;
ALTER TABLE schedules ADD COLUMN set_aside_at BIGINT;
ALTER TABLE schedules ADD COLUMN missed_tick_at BIGINT;
CREATE INDEX schedules_set_aside ON schedules (id) WHERE set_aside_at IS NOT NULL;
