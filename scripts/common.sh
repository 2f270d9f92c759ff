# shellcheck shell=bash
# What the other scripts share. Sourced, never run.

# shellcheck disable=SC2034 # the scripts that source this use it
# Both modules of the workspace: a bare ./... stops at the second one's go.mod.
packages=(./... ./server/...)

# Builds need no version stamp here, and Go refuses to make one when the
# checkout belongs to another user.
export GOFLAGS="${GOFLAGS:+$GOFLAGS }-buildvcs=false"

say() {
  printf '\n==> %s\n' "$*" >&2
}

fail() {
  printf '\nerror: %s\n' "$*" >&2
  exit 1
}

# run prints a command, then runs it.
run() {
  say "$*"
  "$@"
}
