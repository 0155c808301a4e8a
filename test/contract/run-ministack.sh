#!/usr/bin/env bash
# Runs the contract suite against MiniStack. Arguments go to vitest.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/../ministack/start.sh" vitest run --config test/contract/vitest.config.ts "$@"
