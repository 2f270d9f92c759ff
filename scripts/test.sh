#!/usr/bin/env bash
# The test command: installs what is missing, starts a PostgreSQL server for the
# run, and tests both modules with the race detector.
#
#   scripts/test.sh [flags and packages of go test]
#
# Without packages, all are tested. Vet is left to scripts/lint.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

scripts/install.sh

for argument in "$@"; do
  case $argument in
    ./* | github.com/runhook/runhook*) packages=() ;; # the caller names packages
  esac
done

export CGO_ENABLED=1 # the race detector is written in C
# Results are not taken from the cache, as Go cannot see all that they rest on:
# the other module, programs that a test builds, Node packages.
command=(go test -race -vet=off -count=1 -timeout=15m "$@" ${packages[@]+"${packages[@]}"})
say "${command[*]}"
exec bin/withpostgres "${command[@]}"
