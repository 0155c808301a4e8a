#!/usr/bin/env bash
# Installs Python packages into a virtual environment, unless it has these versions already:
# `install.sh <name> <package==version>...`. Prints the directory with their commands.
set -euo pipefail

if (($# < 2)); then
  echo "Usage: $0 <name of the environment> <package==version>..." >&2
  exit 2
fi

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
venv=$root/.venv/$1
shift

if [[ ! -x $venv/bin/python ]]; then python3 -m venv "$venv" >&2; fi
missing=$("$venv/bin/python" -c '
import importlib.metadata as m, sys
for package in sys.argv[1:]:
    name, version = package.split("==")
    try: installed = m.version(name)
    except m.PackageNotFoundError: installed = None
    if installed != version: print(package)' "$@")
if [[ -n $missing ]]; then "$venv/bin/pip" install --quiet --disable-pip-version-check "$@" >&2; fi
echo "$venv/bin"
