-- Bodies of notifications, apart from the notifications.

-- What was frozen in the transaction that made a notification. All notifications of
-- one end of a run have the same, under the id of the first of them. It is written
-- once and read for each attempt, while the row of a notification is written anew by
-- each claim and each attempt, and is small without it.
CREATE TABLE notification_bodies (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL
);
-- On a million notifications: these write every row again, which takes a minute or
-- so. No version that was released knows the column that goes.
INSERT INTO notification_bodies (id, body) SELECT id, body FROM notifications;
ALTER TABLE notifications ADD COLUMN body_id TEXT NOT NULL DEFAULT '';
UPDATE notifications SET body_id = id;
ALTER TABLE notifications DROP COLUMN body;
