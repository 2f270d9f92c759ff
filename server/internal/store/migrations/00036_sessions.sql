-- Who is signed in to the dashboard. An empty table, so this takes no time.
CREATE TABLE sessions (
    -- token_hash is the SHA-256 of the cookie, which is nowhere else on this side.
    token_hash TEXT NOT NULL PRIMARY KEY,
    -- link_id is of the sign-in link that the session was opened with, which opens no other.
    link_id TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sessions_expires_at ON sessions (expires_at);
