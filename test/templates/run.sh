#!/usr/bin/env bash
# Checks the templates of several deployments with cfn-lint and checkov, which it installs. Arguments go to vitest.
set -euo pipefail

readonly PACKAGES=(cfn-lint==1.58.0 checkov==3.3.30)

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
commands=$(test/python/install.sh templates "${PACKAGES[@]}")
PATH=$PWD/node_modules/.bin:$commands:$PATH \
  exec vitest run --config test/templates/vitest.templates.config.ts "$@"
