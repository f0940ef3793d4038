#!/bin/sh
# Runs a script of node's that drives headless Chromium. usage: in-chromium.sh SCRIPT ARG...
set -eu
# The driver is fetched once, outside of the tree.
driver=${XDG_CACHE_HOME:-$HOME/.cache}/densepred-report
[ -d "$driver/node_modules/playwright-core" ] || {
    mkdir -p "$driver"
    (cd "$driver" && npm install --silent --no-save playwright-core >/dev/null)
}
NODE_PATH=$driver/node_modules exec node "$@"
