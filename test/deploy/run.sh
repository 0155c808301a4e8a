#!/usr/bin/env bash
# Deploys to the emulator at AWS_ENDPOINT_URL, or to a new MiniStack, and sends events through it. Arguments are passed
# to vitest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export PATH=$PWD/node_modules/.bin:$PATH
run=(vitest run --config test/deploy/vitest.deploy.config.ts "$@")
if [[ -n ${AWS_ENDPOINT_URL:-} ]]; then exec "${run[@]}"; fi
exec test/ministack/start.sh "${run[@]}"
