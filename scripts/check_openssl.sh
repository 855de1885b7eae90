#!/usr/bin/env bash
# Proves that TLS of gRPC and of the system's OpenSSL stays their own: libparquet of the pyarrow wheel exports a second,
# static OpenSSL, and a wrong link order binds them to it without any visible failure (see godwit_add_executable).
#   check_openssl.sh PROGRAM [ARGUMENT...]     a program that ends soon, for example build/godwit --version
set -euo pipefail

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT
LD_BIND_NOW=1 LD_DEBUG=bindings LD_DEBUG_OUTPUT=$log/bindings "$@" >/dev/null
if ! ls "$log"/bindings.* >/dev/null 2>&1; then
  echo "check_openssl: the loader wrote nothing" >&2
  exit 1
fi
# Weak symbols of the C++ library are shared on purpose; what counts is C symbols.
if grep -hE 'binding file [^ ]*lib(ssl|crypto|grpc)[^ ]* .* to [^ ]*lib(parquet|arrow)\.' "$log"/bindings.* |
  grep -vE "symbol \`_Z"; then
  echo "check_openssl: the bindings above are wrong" >&2
  exit 1
fi
