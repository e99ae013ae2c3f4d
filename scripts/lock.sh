#!/usr/bin/env bash
# Write the two locks anew: hashed, and naming no host. The clients of the tests pin much with ==,
# so everything is resolved once, and the base is cut out of that.
set -eu
cd "$(dirname "$0")/.."
options="--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet"
uv pip compile pyproject.toml --all-extras --group pyproject.toml:test --group pyproject.toml:clients \
    --group pyproject.toml:lint --group pyproject.toml:build $options -o requirements/test.txt
uv pip compile pyproject.toml --extra fast --group pyproject.toml:build -c requirements/test.txt $options -o requirements/base.txt
