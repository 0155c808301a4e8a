#!/usr/bin/env bash
# Runs the contract suite against MiniStack, which it installs (once), starts and ends. Arguments go to vitest.
set -euo pipefail

readonly VERSION=1.5.33
readonly HEALTH_WAIT_SECONDS=30
readonly STOP_WAIT_SECONDS=5

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=$root/.venv/ministack
log=$(mktemp "${TMPDIR:-/tmp}/ministack-XXXXXX.log")
# MiniStack runs functions with the first node on its PATH.
export PATH=$root/node_modules/.bin:$PATH

if [[ ! -x $venv/bin/python ]]; then python3 -m venv "$venv"; fi
installed=$("$venv/bin/python" -c '
import importlib.metadata as m
try: print(m.version("ministack"))
except m.PackageNotFoundError: pass')
if [[ $installed != "$VERSION" ]]; then "$venv/bin/pip" install --quiet "ministack==$VERSION"; fi

port=$(python3 -c 'import socket
with socket.socket() as s: s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port

BIND_HOST=127.0.0.1 GATEWAY_PORT=$port MINISTACK_HOST=127.0.0.1 LAMBDA_EXECUTOR=local \
  "$venv/bin/ministack" >"$log" 2>&1 &
pid=$!

stop() {
  kill "$pid" 2>/dev/null || return 0
  for ((tenths = 0; tenths < STOP_WAIT_SECONDS * 10; tenths++)); do
    kill -0 "$pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null || return 0
}
trap stop EXIT

deadline=$((SECONDS + HEALTH_WAIT_SECONDS))
until curl --silent --fail --max-time 2 "$url/_ministack/health" >/dev/null; do
  if ! kill -0 "$pid" 2>/dev/null || ((SECONDS >= deadline)); then
    echo "MiniStack did not come up on $url within $HEALTH_WAIT_SECONDS s. The end of its log, $log:" >&2
    tail -n 20 "$log" >&2
    exit 1
  fi
  sleep 0.2
done

echo "MiniStack $VERSION on $url, log in $log"
status=0
(cd "$root" && AWS_ENDPOINT_URL=$url vitest run --config test/contract/vitest.config.ts "$@") || status=$?
if ((status == 0)); then rm -f "$log"; fi
exit "$status"
