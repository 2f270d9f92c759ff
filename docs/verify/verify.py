"""Verifies a completion webhook with nothing but Python 3.8 or later.

verify(headers, raw_body, api_key="tr_...")       sent to a callback URL
verify(headers, raw_body, secret="whsec_...")     sent to a subscription
verify(headers, raw_body, public_key="whpk_...")  sent to one with an asymmetric key

verify returns the webhook's id, which is the same each time the webhook is sent, or
raises WebhookError with the reason. headers are a mapping or a list of pairs; their
names may be in any case. raw_body is bytes, as they came. Python knows no ed25519 by
itself, so for asymmetric keys openssl 3 must be installed.
"""

import base64
import binascii
import hashlib
import hmac
import os
import re
import subprocess
import tempfile
import time

LABEL = b"runhook completion webhook, version 1"
ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")
TOLERANCE_SECONDS = 300


class WebhookError(Exception):
    """A webhook that is not to be believed, or a key that verifies nothing."""


def verify(headers, raw_body, api_key=None, secret=None, public_key=None, now=None):
    version, made = read_key(api_key, secret, public_key)
    if not isinstance(raw_body, (bytes, bytearray, memoryview)):
        raise WebhookError("raw_body must be the bytes as they came")
    id = read_header(headers, "webhook-id")
    timestamp = read_header(headers, "webhook-timestamp")
    signatures = read_header(headers, "webhook-signature")
    if "." in id:
        raise WebhookError("webhook-id holds a dot")
    if not re.fullmatch("[0-9]{1,12}", timestamp):
        raise WebhookError("webhook-timestamp is not in seconds since 1970")
    if not abs((time.time() if now is None else now) - int(timestamp)) <= TOLERANCE_SECONDS:
        raise WebhookError("webhook-timestamp is more than 5 minutes from the clock")
    signed = f"{id}.{timestamp}.".encode() + bytes(raw_body)
    for signature in signatures.split(" "):
        name, _, encoded = signature.partition(",")
        given = decode(encoded) if name == version else None
        if given is not None and made(given, signed):
            return id
    raise WebhookError(f"no {version} signature in webhook-signature was made by this key over this body")


def read_key(api_key, secret, public_key):
    """Takes exactly one key. An empty one, such as a variable that is not set, is
    refused, as anyone can sign with an empty key."""
    given = [key for key in (api_key, secret, public_key) if key is not None]
    if len(given) != 1 or not isinstance(given[0], str):
        raise WebhookError("give exactly one of api_key, secret and public_key, a str")
    if api_key is not None:
        if not re.fullmatch("tr_[a-z]+_[A-Za-z0-9]{20,}", api_key):
            raise WebhookError("api_key is not a secret API key, which is like tr_prod_ and 20 or more characters")
        return symmetric(hmac.new(api_key.encode(), LABEL, hashlib.sha256).digest())
    if secret is not None:
        key = decode(secret[len("whsec_"):]) if secret.startswith("whsec_") else None
        if key is None or not 24 <= len(key) <= 64:
            raise WebhookError("secret is not whsec_ and the Base64 of 24 to 64 bytes")
        return symmetric(key)
    key = decode(public_key[len("whpk_"):]) if public_key.startswith("whpk_") else None
    if key is None or len(key) != 32:
        raise WebhookError("public_key is not whpk_ and the Base64 of 32 bytes")
    return "v1a", lambda given, signed: len(given) == 64 and asymmetric(key, signed, given)


def symmetric(key):
    return "v1", lambda given, signed: hmac.compare_digest(given, hmac.new(key, signed, hashlib.sha256).digest())


def asymmetric(key, signed, given):
    with tempfile.TemporaryDirectory() as work:

        def path(name, content):
            with open(os.path.join(work, name), "wb") as file:
                file.write(content)
            return file.name

        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", path("key", ED25519_PREFIX + key)]
        command += ["-rawin", "-in", path("signed", signed), "-sigfile", path("signature", given)]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def read_header(headers, name):
    pairs = headers.items() if hasattr(headers, "items") else headers
    values = []
    for key, value in pairs:
        if text(key).lower() == name and value is not None:
            values.extend(value if isinstance(value, (list, tuple)) else [value])
    if len(values) > 1:
        raise WebhookError(f"the header {name} is there more than once")
    if not values or not text(values[0]):
        raise WebhookError(f"the header {name} is missing")
    return text(values[0])


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def decode(encoded):
    """Returns the bytes of strict Base64, or None."""
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
    return decoded if base64.b64encode(decoded).decode() == encoded else None
