"""Verifies a completion webhook with nothing but Python 3.8 or later.

verify(headers, raw_body, api_key="tr_...")    what goes to callback URLs
verify(headers, raw_body, secret="whsec_...")  what goes to a subscription

headers have names in lower case; raw_body is bytes, as they came. For asymmetric
keys (whpk_...) use a library that knows ed25519.
"""

import base64
import hashlib
import hmac
import time

LABEL = b"runhook completion webhook, version 1"


def verify(headers, raw_body, api_key="", secret="", now=None):
    id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not id or not timestamp.isdigit() or not (api_key or secret):
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > 300:
        return False
    if api_key:
        key = hmac.new(api_key.encode(), LABEL, hashlib.sha256).digest()
    else:
        key = base64.b64decode(secret[len("whsec_"):])
    signed = f"{id}.{timestamp}.".encode() + raw_body
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any([hmac.compare_digest(expected, signature) for signature in given])
