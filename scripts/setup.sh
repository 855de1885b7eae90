#!/usr/bin/env bash
# Installs what godwit is built and tested with: Debian packages, and a Python environment in the cache folder.
# Safe to run again; a second run only looks at a stamp.
#   setup.sh                  do it
#   setup.sh --print-python   print the path of the environment's Python, change nothing
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

packages=(
  build-essential g++ cmake ninja-build ccache mold pkg-config clang-format-16
  libgrpc++-dev protobuf-compiler-grpc libprotobuf-dev protobuf-compiler
  libssl-dev libyaml-cpp-dev libcli11-dev libfmt-dev libsqlite3-dev libxxhash-dev
  nlohmann-json3-dev libsimdjson-dev
  libgtest-dev libgmock-dev libbenchmark-dev
  ca-certificates openssl python3 python3-venv
)

install_packages() {
  if ! command -v dpkg-query >/dev/null; then
    echo "setup: not a Debian system; godwit needs the equivalents of: ${packages[*]}" >&2
    return
  fi
  local missing=() package
  for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    echo "setup: packages are missing. As root, run:" >&2
    echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq -o DPkg::Lock::Timeout=300 update
  apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "${missing[@]}" >/dev/null
}

make_venv() {
  local venv=$1 base
  base=$(godwit_base_python)
  echo "setup: making $venv"
  rm -rf "$venv"
  "$base" -m venv "$venv"
  "$venv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet \
    -r "$GODWIT_ROOT/scripts/requirements.txt"
  "$venv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --no-deps \
    --target "$venv/milvus-protocol" -r "$GODWIT_ROOT/scripts/milvus-protocol.txt"
  touch "$venv/.complete"
}

# Two versions of Milvus Lite, for the tests. They exclude each other and what the environment has, so each gets a folder
# inside it, named by its list; tests/servers/milvus_lite.py looks there.
install_milvus_lite() {
  local venv=$1 list folder
  for list in "$GODWIT_ROOT"/scripts/milvus-lite-*.txt; do
    folder=$venv/milvus-lite-$(sha256sum <"$list" | cut -c1-12)
    [ ! -e "$folder/.complete" ] || continue
    echo "setup: making $folder"
    rm -rf "$folder"
    "$venv/bin/python" -m pip --disable-pip-version-check --no-input install --quiet --no-deps --target "$folder" -r "$list"
    touch "$folder/.complete"
  done
}

if [ "${1:-}" = --print-python ]; then
  echo "$(godwit_venv)/bin/python"
  exit
elif [ $# -gt 0 ]; then
  echo "usage: setup.sh [--print-python]" >&2
  exit 2
fi

mkdir -p "$GODWIT_CACHE"
# Two runs at once must not make the same environment.
exec 9>"$GODWIT_CACHE/setup.lock"
flock 9

stamp=$GODWIT_CACHE/packages-$(printf '%s\n' "${packages[@]}" | sha256sum | cut -c1-12)
# The cache may be carried to another machine, so the stamp counts only together with a tool of the list.
if [ ! -e "$stamp" ] || ! command -v ninja >/dev/null || ! command -v grpc_cpp_plugin >/dev/null; then
  install_packages
  touch "$stamp"
fi

godwit_base_python >/dev/null || { echo "setup: no python3 3.11 or 3.12 with venv and pip found" >&2; exit 1; }
venv=$(godwit_venv)
[ -e "$venv/.complete" ] || make_venv "$venv" 9>&-
install_milvus_lite "$venv" 9>&-
