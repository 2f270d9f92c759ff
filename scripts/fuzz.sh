#!/usr/bin/env bash
# Runs every fuzz test of both modules, one after the other, and continues when one
# finds something: what was found is kept beside the test, in testdata/fuzz.
#
#   scripts/fuzz.sh [name of a fuzz test]
#
# FUZZTIME is for how long each runs: 1m if not set.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

failed=()
while IFS=: read -r file _ line; do
  name=${line#func }
  name=${name%%(*}
  [ -z "${1:-}" ] || [ "$1" = "$name" ] || continue
  run go test -run '^$' -fuzz "^$name\$" -fuzztime "${FUZZTIME:-1m}" "./$(dirname "$file")" || failed+=("$name in $file")
done < <(git -c safe.directory='*' grep -nE --untracked '^func Fuzz[A-Za-z0-9_]*\(' -- '*_test.go')

[ ${#failed[@]} -eq 0 ] || fail "these fuzz tests found something:
$(printf '%s\n' "${failed[@]}")"
