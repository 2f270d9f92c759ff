-- One name for one thing. A subscription's setting has the polarity of the API's
-- retryClientErrors, and a request of a source that used up its attempts is
-- EXHAUSTED, as a notification is. On a million requests: about a second for each
-- 100,000 of them that are exhausted; there are a few hundred subscriptions.
UPDATE subscriptions SET settings = CASE
    WHEN settings LIKE '%"giveUpOnRefusal":true%' THEN REPLACE(settings, '"giveUpOnRefusal":true', '"retryClientErrors":false')
    ELSE '{"retryClientErrors":true,' || SUBSTR(settings, 2)
END;
UPDATE source_deliveries SET status = 'EXHAUSTED' WHERE status = 'GIVEN_UP';
