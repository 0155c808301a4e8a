#!/usr/bin/env bash
# Runs a command with its own MiniStack: `start.sh <command> [arguments]`. Installs MiniStack once, starts it on a free
# port of the loopback interface, passes its address in AWS_ENDPOINT_URL, and exits with the command's exit code.
# MiniStack, the command and all processes that they started are ended in any case.
set -euo pipefail

readonly VERSION=1.5.33
readonly HEALTH_WAIT_SECONDS=30
readonly STOP_WAIT_SECONDS=5

if (($# == 0)); then
  echo "Usage: $0 <command> [arguments]" >&2
  exit 2
fi

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
log=$(mktemp "${TMPDIR:-/tmp}/ministack-XXXXXX.log")
groups=()
# MiniStack runs functions with the first node on its PATH.
export PATH=$root/node_modules/.bin:$PATH

# Each job has its own process group, whose id is that of its first process.
start() {
  set -m
  "$@" </dev/null &
  set +m
  groups+=("$!")
}

# The command is ended first, because it may still use MiniStack.
stop() {
  local index group tenths
  for ((index = ${#groups[@]} - 1; index >= 0; index--)); do
    group=${groups[index]}
    kill -TERM -- "-$group" 2>/dev/null || continue
    for ((tenths = 0; tenths < STOP_WAIT_SECONDS * 10; tenths++)); do
      kill -0 -- "-$group" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL -- "-$group" 2>/dev/null || true
  done
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

commands=$("$root/test/python/install.sh" ministack "ministack==$VERSION")

port=$(python3 -c 'import socket
with socket.socket() as s: s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
url=http://127.0.0.1:$port

ministack() {
  BIND_HOST=127.0.0.1 GATEWAY_PORT=$port MINISTACK_HOST=127.0.0.1 LAMBDA_EXECUTOR=local \
    exec "$commands/ministack" >"$log" 2>&1
}
start ministack

deadline=$((SECONDS + HEALTH_WAIT_SECONDS))
until curl --silent --fail --max-time 2 "$url/_ministack/health" >/dev/null; do
  if ! kill -0 "${groups[0]}" 2>/dev/null || ((SECONDS >= deadline)); then
    echo "MiniStack did not start on $url within $HEALTH_WAIT_SECONDS s. The end of its log, $log:" >&2
    tail -n 20 "$log" >&2
    exit 1
  fi
  sleep 0.2
done
echo "MiniStack $VERSION on $url, log in $log"

status=0
cd "$root"
AWS_ENDPOINT_URL=$url start "$@"
wait "${groups[1]}" || status=$?
if ((status == 0)); then rm -f "$log"; fi
exit "$status"
