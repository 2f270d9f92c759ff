-- Subscriptions get X-Trigger-Signature-256 only if they ask for it.

-- On subscriptions, which are few: a moment. Those that exist have always been sent
-- the header, and their receivers may depend on it, so they keep it. Settings are an
-- object with at least one member.
UPDATE subscriptions SET settings = '{"legacySignature":true,' || substr(settings, 2);
