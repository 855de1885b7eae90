#!/usr/bin/env bash
# Configures and builds.   build.sh [BUILD_DIR [CMAKE_ARGUMENT...]]     default: build, everything; GODWIT_TARGET: only that
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$GODWIT_ROOT"

build=${1:-build}
[ $# -eq 0 ] || shift
export CCACHE_DIR=${CCACHE_DIR:-$GODWIT_CACHE/ccache}
# The same file compiled for another checkout or build folder counts as the same.
export CCACHE_BASEDIR=${CCACHE_BASEDIR:-$GODWIT_ROOT} CCACHE_NOHASHDIR=${CCACHE_NOHASHDIR:-true}

mkdir -p "$build"
log=$build/configure.log
if ! cmake -S . -B "$build" -G Ninja -DGODWIT_PYTHON="$(godwit_venv)/bin/python" "$@" >"$log" 2>&1; then
  cat "$log" >&2
  exit 1
fi
jobs=${GODWIT_JOBS:-$(nproc)}
if [ -t 1 ]; then
  ninja -C "$build" -j "$jobs" ${GODWIT_TARGET:-}
else
  ninja -C "$build" -j "$jobs" --quiet ${GODWIT_TARGET:-}
fi
