#!/usr/bin/env bash
# Builds godwit and runs it.
#   ./run.sh                  a demonstration: a real Milvus, a collection moved to Parquet and to another database
#   ./run.sh FILE [ARG...]    the job in FILE, as `godwit run FILE ARG...` does, with its exit code
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/scripts/environment.sh"

if [ "${1:-}" = -h ] || [ "${1:-}" = --help ]; then
  sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
  exit
fi
# Standard output belongs to the job's report.
"$here/scripts/setup.sh" >&2
echo "building godwit ..." >&2
"$here/scripts/build.sh" >&2
if [ $# -gt 0 ]; then
  exec "$here/build/godwit" run "$@"
fi
exec "$(godwit_venv)/bin/python" "$here/scripts/demo.py"
