#!/bin/sh
# Verifies a completion webhook with openssl. Exits with 0 if it is to be believed;
# with 1 if it is not, and 2 if the key verifies nothing, and says why.
#
#   verify.sh ID TIMESTAMP SIGNATURES < body
#
# SIGNATURES is the header webhook-signature. The key is in exactly one of the
# variables RUNHOOK_API_KEY (callback URLs), RUNHOOK_WEBHOOK_SECRET (whsec_...) and
# RUNHOOK_WEBHOOK_PUBLIC_KEY (whpk_..., needs openssl 3). NOW stands for the clock.
# Any user who lists the processes of this machine can see the key.
set -eu
LC_ALL=C
export LC_ALL

refuse() { echo "refused: $1" >&2; exit 1; }
misuse() { echo "verify.sh: $1" >&2; exit 2; }

[ $# -eq 3 ] || misuse "usage: verify.sh ID TIMESTAMP SIGNATURES < body"
id=$1 timestamp=$2 signatures=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

hexadecimal() { od -An -v -tx1 | tr -d ' \n'; }

# decode TEXT FILE writes the bytes of strict Base64, and fails on anything else.
decode() {
  [ -n "$1" ] || return 1
  printf %s "$1" | openssl base64 -d -A > "$2" 2> /dev/null || return 1
  [ "$(openssl base64 -A < "$2")" = "$1" ]
}
bytes() { wc -c < "$1" | tr -d ' '; }

keys=0
[ -z "${RUNHOOK_API_KEY:-}" ] || keys=$((keys + 1))
[ -z "${RUNHOOK_WEBHOOK_SECRET:-}" ] || keys=$((keys + 1))
[ -z "${RUNHOOK_WEBHOOK_PUBLIC_KEY:-}" ] || keys=$((keys + 1))
[ "$keys" -eq 1 ] || misuse "set exactly one of RUNHOOK_API_KEY, RUNHOOK_WEBHOOK_SECRET and RUNHOOK_WEBHOOK_PUBLIC_KEY"

if [ -n "${RUNHOOK_API_KEY:-}" ]; then
  wrong="RUNHOOK_API_KEY is not a secret API key, which is like tr_prod_ and 20 or more characters"
  case $RUNHOOK_API_KEY in tr_[a-z]*_*) ;; *) misuse "$wrong" ;; esac
  environment=${RUNHOOK_API_KEY#tr_} && environment=${environment%%_*}
  random=${RUNHOOK_API_KEY#tr_"$environment"_}
  case $environment in *[!a-z]*) misuse "$wrong" ;; esac
  case $random in *[!A-Za-z0-9]*) misuse "$wrong" ;; esac
  [ ${#random} -ge 20 ] || misuse "$wrong"
  key=$(printf %s 'runhook completion webhook, version 1' | openssl dgst -sha256 -hmac "$RUNHOOK_API_KEY" -binary | hexadecimal)
elif [ -n "${RUNHOOK_WEBHOOK_SECRET:-}" ]; then
  wrong="RUNHOOK_WEBHOOK_SECRET is not whsec_ and the Base64 of 24 to 64 bytes"
  case $RUNHOOK_WEBHOOK_SECRET in whsec_*) ;; *) misuse "$wrong" ;; esac
  decode "${RUNHOOK_WEBHOOK_SECRET#whsec_}" "$work/secret" || misuse "$wrong"
  [ "$(bytes "$work/secret")" -ge 24 ] && [ "$(bytes "$work/secret")" -le 64 ] || misuse "$wrong"
  key=$(hexadecimal < "$work/secret")
else
  wrong="RUNHOOK_WEBHOOK_PUBLIC_KEY is not whpk_ and the Base64 of 32 bytes"
  case $RUNHOOK_WEBHOOK_PUBLIC_KEY in whpk_*) ;; *) misuse "$wrong" ;; esac
  decode "${RUNHOOK_WEBHOOK_PUBLIC_KEY#whpk_}" "$work/public" || misuse "$wrong"
  [ "$(bytes "$work/public")" -eq 32 ] || misuse "$wrong"
  { printf '\060\052\060\005\006\003\053\145\160\003\041\000'; cat "$work/public"; } > "$work/key"
fi

case $id in '') refuse "the ID is missing" ;; *.*) refuse "the ID holds a dot" ;; esac
case $timestamp in '' | *[!0-9]* | ?????????????*) refuse "the timestamp is not in seconds since 1970" ;; esac
case $timestamp in 0?*) refuse "the timestamp begins with a zero" ;; esac # which would be octal below
away=$((${NOW:-$(date +%s)} - timestamp))
[ "$away" -le 300 ] && [ "$away" -ge -300 ] || refuse "the timestamp is more than 5 minutes from the clock"
{ printf '%s.%s.' "$id" "$timestamp"; cat; } > "$work/signed"

set -f # a signature is no pattern of file names
if [ -n "${RUNHOOK_WEBHOOK_PUBLIC_KEY:-}" ]; then
  for signature in $signatures; do
    case $signature in v1a,*) ;; *) continue ;; esac
    decode "${signature#v1a,}" "$work/signature" || continue
    openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key" -rawin -in "$work/signed" -sigfile "$work/signature" > /dev/null 2>&1 && exit 0
  done
  refuse "no v1a signature was made by this key over this body"
fi
expected=v1,$(openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary "$work/signed" | openssl base64 -A)
for signature in $signatures; do
  [ "$signature" = "$expected" ] && exit 0
done
refuse "no v1 signature was made by this key over this body"
