#!/bin/sh
# Pin the newest packages that pyproject.toml allows, with hashes, naming no host.
set -eu
cd "$(dirname "$0")/.."
lock() {
    out=$1
    shift
    .venv/bin/uv pip compile --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
        --no-emit-index-url --output-file "$out" "$@"
}
lock requirements-build.lock requirements-build.in
lock requirements.lock pyproject.toml
lock requirements-dev.lock --extra dev pyproject.toml
