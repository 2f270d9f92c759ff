#!/usr/bin/env bash
# Installs what the tests need and this machine lacks: a C compiler for the race
# detector, PostgreSQL, Node, Python, openssl, a browser, and the Node packages of the apps in e2e.
# Quick when all is there. Whatever cannot be had is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/common.sh

package_lists_are_fresh=

# install WHAT FOR PACKAGE... installs Debian packages and says what for.
install() {
  local purpose=$1
  shift
  command -v apt-get >/dev/null || fail "$purpose is missing, and there is no apt-get to install it with. Install the like of: $*"
  local as_root=(env DEBIAN_FRONTEND=noninteractive)
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || fail "$purpose is missing. As root, run: apt-get update && apt-get install $*"
    as_root=(sudo "${as_root[@]}")
  fi
  say "$purpose is missing: installing $*"
  if [ -z "$package_lists_are_fresh" ]; then
    run "${as_root[@]}" apt-get update </dev/null || fail "apt-get update failed, see above"
    package_lists_are_fresh=yes
  fi
  run "${as_root[@]}" apt-get install --yes --no-install-recommends "$@" </dev/null ||
    fail "installing $* failed, see above"
}

has_c_compiler() {
  local compiler
  compiler=$(go env CC)
  # The headers come in a package of their own, so a compiler alone proves nothing.
  printf '#include <stdlib.h>\nint main(void) { return 0; }\n' |
    $compiler -x c -o /dev/null - 2>/dev/null
}

has_node() {
  command -v node >/dev/null && command -v npm >/dev/null
}

has_browser() {
  command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null
}

has_postgres() {
  bin/withpostgres -find >/dev/null 2>&1
}

command -v go >/dev/null || fail "Go is missing. Install the version that go.work names, or later."

has_c_compiler || install "a C compiler, for the race detector," gcc libc6-dev
has_c_compiler || fail "$(go env CC) cannot compile a C program, which the race detector needs. Check the variable CC."

has_node || install "Node with npm" nodejs npm
has_node || fail "node and npm are installed, but not on the PATH"

command -v python3 >/dev/null || install "Python" python3
command -v openssl >/dev/null || install "openssl" openssl

has_browser || install "a browser" chromium
has_browser || fail "chromium is installed, but not on the PATH"

say "building bin/withpostgres, which runs a PostgreSQL server for the tests"
CGO_ENABLED=0 go build -o bin/withpostgres ./server/internal/testpostgres/withpostgres
if [ -z "${RUNHOOK_TEST_POSTGRES:-}" ]; then
  has_postgres || install "PostgreSQL" postgresql
  has_postgres || fail "$(bin/withpostgres -find 2>&1)"
fi

for lock in e2e/*/package-lock.json; do
  app=$(dirname "$lock")
  # npm writes this file last, so it vouches for the whole folder.
  installed=$app/node_modules/.package-lock.json
  if [ ! -e "$installed" ] || [ "$lock" -nt "$installed" ] || [ "$app/package.json" -nt "$installed" ]; then
    say "installing the Node packages of $app"
    (cd "$app" && npm ci --omit=dev --no-audit --no-fund </dev/null) || fail "npm ci in $app failed, see above"
    # A file that npm found good as it was keeps its old date.
    touch "$installed"
  fi
done
