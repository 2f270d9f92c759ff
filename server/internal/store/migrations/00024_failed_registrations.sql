-- Why an app could not register a source or a webhook with its service.

-- On sources and webhooks: a moment, as no row is rewritten.
ALTER TABLE trigger_sources ADD COLUMN registration_error TEXT;
ALTER TABLE webhooks ADD COLUMN registration_error TEXT;
-- The event that last asked an app to register a webhook; it may be due later.
ALTER TABLE webhooks ADD COLUMN registration_event TEXT;
CREATE INDEX trigger_sources_unregistered ON trigger_sources (dynamic_trigger_id, register_after)
    WHERE dynamic_trigger_id IS NOT NULL AND listed AND (NOT active OR registration_error IS NOT NULL);
