# Sourced by the other scripts: where godwit keeps what it may download or build again.
GODWIT_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [ -z "${GODWIT_CACHE:-}" ]; then
  if [ -n "${XDG_CACHE_HOME:-}" ]; then
    GODWIT_CACHE=$XDG_CACHE_HOME/godwit
  elif [ -n "${HOME:-}" ] && [ -d "$HOME" ] && [ -w "$HOME" ]; then
    GODWIT_CACHE=$HOME/.cache/godwit
  else
    GODWIT_CACHE=$GODWIT_ROOT/.cache
  fi
fi
export GODWIT_CACHE

# A Python that the pinned wheels exist for (3.11, 3.12), the system's rather than a shim or some other environment's.
godwit_base_python() {
  local candidate
  for candidate in "${GODWIT_BASE_PYTHON:-}" /usr/bin/python3 "$(command -v python3 || true)"; do
    if [ -n "$candidate" ] && "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  return 1
}

# The folder is named by its contents, so checkouts with different requirements don't disturb each other.
godwit_venv() {
  local key
  key=$({ cat "$GODWIT_ROOT"/scripts/{requirements,milvus-protocol}.txt; "$(godwit_base_python)" -VV; } | sha256sum | cut -c1-12)
  echo "$GODWIT_CACHE/venv-$key"
}
