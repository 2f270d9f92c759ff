#!/bin/sh
# Verifies a completion webhook with openssl: exits with 0 if it is to be believed.
#
#   verify.sh ID TIMESTAMP SIGNATURES < body
#
# SIGNATURES is the header webhook-signature. What verifies comes from one of the
# variables RUNHOOK_API_KEY (callback URLs), RUNHOOK_WEBHOOK_SECRET (whsec_...) and
# RUNHOOK_WEBHOOK_PUBLIC_KEY (whpk_..., needs openssl 3). NOW stands for the clock.
# Keys are seen by whoever lists the processes of this machine.
set -eu
id=$1 timestamp=$2 signatures=$3

case $timestamp in '' | *[!0-9]*) exit 1 ;; esac
away=$((${NOW:-$(date +%s)} - timestamp))
[ "$away" -le 300 ] && [ "$away" -ge -300 ] || exit 1

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{ printf '%s.%s.' "$id" "$timestamp"; cat; } > "$work/signed"

hexadecimal() { od -An -v -tx1 | tr -d ' \n'; }

if [ -n "${RUNHOOK_WEBHOOK_PUBLIC_KEY:-}" ]; then
  { printf '\060\052\060\005\006\003\053\145\160\003\041\000'; printf %s "${RUNHOOK_WEBHOOK_PUBLIC_KEY#whpk_}" | openssl base64 -d -A; } > "$work/key"
  for signature in $signatures; do
    case $signature in v1a,*) ;; *) continue ;; esac
    printf %s "${signature#v1a,}" | openssl base64 -d -A > "$work/signature"
    openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key" -rawin -in "$work/signed" -sigfile "$work/signature" > /dev/null 2>&1 && exit 0
  done
  exit 1
fi

if [ -n "${RUNHOOK_API_KEY:-}" ]; then
  key=$(printf %s 'runhook completion webhook, version 1' | openssl dgst -sha256 -hmac "$RUNHOOK_API_KEY" -binary | hexadecimal)
else
  key=$(printf %s "${RUNHOOK_WEBHOOK_SECRET#whsec_}" | openssl base64 -d -A | hexadecimal)
fi
[ -n "$key" ] || exit 1
expected=v1,$(openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary "$work/signed" | openssl base64 -A)
for signature in $signatures; do
  [ "$signature" = "$expected" ] && exit 0
done
exit 1
