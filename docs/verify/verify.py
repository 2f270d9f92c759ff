"""Verifies a completion webhook with nothing but Python 3.8 or later.

verify(headers, raw_body, api_key="tr_...")       what goes to callback URLs
verify(headers, raw_body, secret="whsec_...")     what goes to a subscription
verify(headers, raw_body, public_key="whpk_...")  one with an asymmetric key

headers have names in lower case; raw_body is bytes, as they came. Python knows no
ed25519 by itself, so for asymmetric keys openssl 3 must be installed.
"""

import base64
import hashlib
import hmac
import os
import subprocess
import tempfile
import time

LABEL = b"runhook completion webhook, version 1"
ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")


def verify(headers, raw_body, api_key="", secret="", public_key="", now=None):
    id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not id or not timestamp.isdigit() or not (api_key or secret or public_key):
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > 300:
        return False
    signed = f"{id}.{timestamp}.".encode() + raw_body
    signatures = headers.get("webhook-signature", "").split(" ")
    if public_key:
        return any(asymmetric(public_key, signed, s[len("v1a,"):]) for s in signatures if s.startswith("v1a,"))
    if api_key:
        key = hmac.new(api_key.encode(), LABEL, hashlib.sha256).digest()
    else:
        key = base64.b64decode(secret[len("whsec_"):])
    expected = b"v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    return any([hmac.compare_digest(expected, s.encode()) for s in signatures])


def asymmetric(public_key, signed, signature):
    with tempfile.TemporaryDirectory() as work:

        def path(name, content):
            with open(os.path.join(work, name), "wb") as file:
                file.write(content)
            return file.name

        key = path("key", ED25519_PREFIX + base64.b64decode(public_key[len("whpk_"):]))
        try:
            given = path("signature", base64.b64decode(signature))
        except ValueError:
            return False
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", key, "-rawin"]
        command += ["-in", path("signed", signed), "-sigfile", given]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
