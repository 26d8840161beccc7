#!/bin/bash
# A blob service for the tests: Azurite from npm, in memory, loopback only, in a cache folder. Nothing is installed on the machine.
#
#   server.sh install   fills the cache (about 360 MB), if it is not there yet
#   server.sh run       installs if needed, starts on a free port, prints "ready <endpoint> <container> <account> <key>" and serves until its standard
#                       input is closed: so it ends with whoever started it, even if that was killed
#
# KAFKABACKUP_CACHE   the cache folder; default ~/.cache/kafkabackup
#
# What Azurite 3.37 does not do like Azure: it has no throttling, no immutability policies that hold, no roles, and no hierarchical namespace.
set -euo pipefail

cache=${KAFKABACKUP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kafkabackup}
version=3.37.0
root=$cache/azurite-$version
program=$root/node_modules/azurite/dist/src/blob/main.js
account=kafkabackuptest container=kafka-backups
key=$(printf 'a key of the tests, which protects nothing: they are on this machine' | base64 -w 0)

install() {
  mkdir -p "$cache"
  exec 9>"$cache/azurite.lock"
  flock 9
  if [ ! -f "$program" ]; then
    command -v node >/dev/null || { echo "no node to run Azurite with" >&2; exit 3; }
    command -v npm >/dev/null || { echo "no cached Azurite in $root and no npm to fetch one" >&2; exit 3; }
    local work; work=$(mktemp -d "$cache/azurite.XXXXXX")
    npm install --prefix "$work" --ignore-scripts --no-audit --no-fund --loglevel=error "azurite@$version" >&2
    rm -rf "$root"
    mv "$work" "$root"
  fi
  flock -u 9
  exec 9>&-
}

stop() {
  if [ -n "${server:-}" ]; then kill -9 "$server" 2>/dev/null || true; fi
  rm -rf "$dir"
}

case ${1:-run} in
install) install ;;
run)
  install
  dir=$(mktemp -d "${TMPDIR:-/tmp}/kafkabackup-azure.XXXXXX")
  trap stop EXIT
  trap 'exit 1' INT TERM HUP
  (cd "$dir" && AZURITE_ACCOUNTS="$account:$key" exec node "$program" --inMemoryPersistence --blobPort 0 --silent --disableTelemetry --extentMemoryLimit 6144) \
    >"$dir/log" 2>&1 </dev/null &
  server=$!
  for _ in $(seq 300); do
    port=$(sed -n 's|.*listens.*http://127\.0\.0\.1:\([0-9]\+\).*|\1|p' "$dir/log" | head -n 1)
    if [ -n "$port" ]; then break; fi
    if ! kill -0 "$server" 2>/dev/null; then break; fi
    sleep 0.1
  done
  if [ -z "${port:-}" ]; then
    cat "$dir/log" >&2
    exit 1
  fi
  echo "ready http://127.0.0.1:$port $container $account $key"
  cat >/dev/null
  ;;
*) echo "usage: server.sh [install|run]" >&2; exit 2 ;;
esac
