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
# The engine of SQLite is C made into Go: watching each of its reads and writes for
# races takes most of a test's time, and what it is handed is watched on our side.
# Only a package that instantiates no generic function can be left out, as the
# linker may take its copy of one for all packages.
command=(go test -race "-gcflags=modernc.org/sqlite/lib=-race=false" -vet=off -count=1 -timeout=15m "$@" ${packages[@]+"${packages[@]}"})
say "${command[*]}"
exec bin/withpostgres "${command[@]}"
