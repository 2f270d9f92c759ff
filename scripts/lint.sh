#!/usr/bin/env bash
# Everything but the tests that must hold before a change is merged: format, a
# build without C, vet, staticcheck.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

# One setting for all, so that each package is compiled once for the lot.
export CGO_ENABLED=0

say "gofmt"
# The checkout may belong to another user than the one who checks it.
unformatted=$(git -c safe.directory='*' ls-files -z '*.go' | xargs -0 -r gofmt -l)
[ -z "$unformatted" ] || fail "these files are not formatted, run make format:
$unformatted"

# Each module names just what it needs, also for those who take it alone.
for module in . server tools; do
  say "go mod tidy -diff in $module"
  (cd "$module" && GOWORK=off go mod tidy -diff) || fail "$module/go.mod is not tidy: run GOWORK=off go mod tidy in $module"
done

run go build "${packages[@]}"
run go vet "${packages[@]}"

say "building bin/staticcheck"
# The tools are a module of their own, outside the workspace.
GOWORK=off go build -C tools -o ../bin/staticcheck honnef.co/go/tools/cmd/staticcheck
run bin/staticcheck "${packages[@]}"
