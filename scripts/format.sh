#!/usr/bin/env bash
# Formats the C++ sources in place; with --check only says which files are not formatted, and fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

mode=(-i)
case "${1:-}" in
  '') ;;
  --check) mode=(--dry-run --Werror) ;;
  *)
    echo "usage: format.sh [--check]" >&2
    exit 2
    ;;
esac
# One version only: another one formats differently.
find src include tests bench \( -name '*.cc' -o -name '*.h' \) -type f -print0 2>/dev/null |
  xargs -0 --no-run-if-empty clang-format-16 --style=file "${mode[@]}"
