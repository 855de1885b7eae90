#!/usr/bin/env bash
# Builds godwit and runs its tests. The last line is `N passed, N failed`; the exit code is not 0 when anything failed.
#   ./test.sh              everything but the long sweeps
#   ./test.sh --quick      no slow tests, no sanitizers
#   ./test.sh --full       the long sweeps, too
#   ./test.sh --sanitize   only the sanitizer builds and their tests
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source scripts/environment.sh

mode=default
case "${1:-}" in
  '') ;;
  --quick | --full | --sanitize) mode=${1#--} ;;
  *)
    sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
    ;;
esac
exec </dev/null

logs=$GODWIT_ROOT/build/test-logs
rm -rf "$logs"
mkdir -p "$logs"
passed=0
failed=0
summary=()
server_state=$logs/milvus.json
declare -A background # what runs beside the stages: pid and second of its beginning, by name
milvus_url=
python=

finish() {
  local code=$?
  trap - EXIT
  local name
  for name in "${!background[@]}"; do kill "${background[$name]% *}" 2>/dev/null || true; done
  [ ! -e "$server_state" ] || (cd tests && "$python" -m servers.milvus stop --state "$server_state") || true
  [ "$code" -eq 0 ] || failed=$((failed + 1)) # this script itself broke off
  echo
  echo "---- summary ($SECONDS s; logs in ${logs#"$GODWIT_ROOT"/}/)"
  [ ${#summary[@]} -eq 0 ] || printf '%s\n' "${summary[@]}"
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ] || exit 1
  exit 0
}
trap finish EXIT
trap 'exit 130' INT TERM

# stage NAME KIND COMMAND...   KIND: step  counts only when it fails
#                                    check counts as one
#                                    xml   counts what the JUnit file build/test-logs/NAME.xml says
# Returns whether it passed.
stage() {
  local name=$1 kind=$2 begin=$SECONDS code=0
  shift 2
  printf '==== %s\n' "$name"
  "$@" >"$logs/$name.log" 2>&1 || code=$?
  settle "$name" "$kind" "$code" "$begin"
}

# settle NAME KIND EXIT_CODE BEGIN   counts and reports what ran.
settle() {
  local name=$1 kind=$2 code=$3 begin=$4 good=0 bad=0 skipped=0
  case $kind in
    step) [ "$code" -eq 0 ] || bad=1 ;;
    check) if [ "$code" -eq 0 ]; then good=1; else bad=1; fi ;;
    xml)
      read -r good bad skipped < <(python3 scripts/count_results.py "$logs/$name.xml")
      # A crash, a race or a time limit fails no single test.
      if [ "$code" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
      ;;
  esac
  passed=$((passed + good))
  failed=$((failed + bad))
  local line
  line=$(printf '%-24s %5d passed %4d failed %4d skipped %5d s' "$name" "$good" "$bad" "$skipped" $((SECONDS - begin)))
  summary+=("$line")
  echo "     $line"
  if [ "$bad" -gt 0 ]; then
    echo "---- end of $logs/$name.log (exit code $code)"
    tail -n 80 "$logs/$name.log"
    echo "----"
    return 1
  fi
}

# launch NAME COMMAND...   Begins what join waits for, and counts by its JUnit file.
launch() {
  local name=$1
  shift
  printf '==== %s, in the background\n' "$name"
  "$@" >"$logs/$name.log" 2>&1 &
  background[$name]="$! $SECONDS"
}
# join NAME
join() {
  [ -n "${background[$1]:-}" ] || return 0
  local code=0 pid begin
  read -r pid begin <<<"${background[$1]}"
  printf '==== %s\n' "$1"
  wait "$pid" || code=$?
  unset "background[$1]"
  settle "$1" xml "$code" "$begin" || true
}

# gtest BUILD_DIR PROGRAM STAGE SECONDS [COMMAND_PREFIX...]
# in_background=1 gtest ... for one that join waits for.
gtest() {
  local program=$1/$2 name=$3 seconds=$4
  shift 4
  [ -x "$program" ] || return 0
  local command=(timeout -k 10 "$seconds" "$@" "$program" --gtest_brief=1 "--gtest_output=xml:$logs/$name.xml")
  if [ -n "${in_background:-}" ]; then
    launch "$name" "${command[@]}"
  else
    stage "$name" xml "${command[@]}" || true
  fi
}

# One Milvus for the C++ tests that want a real one; they find it by GODWIT_TEST_MILVUS_URL.
start_milvus() {
  [ ! -e "$server_state" ] || return 0
  stage milvus step env -C tests "$python" -m servers.milvus start --data "$logs/milvus" --state "$server_state" || return 0
  milvus_url=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["uri"])' "$server_state")
}

stage setup step scripts/setup.sh || exit 0 # counted
python=$(godwit_venv)/bin/python

if [ "$mode" != sanitize ]; then
  stage build step scripts/build.sh build -DGODWIT_BENCH=ON || exit 0
  case $mode in
    quick) marks='not slow and not full' ;;
    full) marks='' ;;
    *) marks='not full' ;;
  esac
  limit=3000
  [ $mode != full ] || limit=14400
  run=(env "GODWIT_BINARY=$GODWIT_ROOT/build/godwit" timeout -k 30 $limit "$python" -m pytest -q -m "$marks")
  # They mostly wait for the servers, so that the stages beside them find the processors free.
  launch system "${run[@]}" tests/system "--junitxml=$logs/system.xml" "--basetemp=$logs/pytest-system"
  stage format check scripts/format.sh --check || true
  stage layers check scripts/check_layers.py || true
  stage reference check diff <(build/godwit reference) docs/reference.md || true
  if [ -x build/godwit ]; then
    stage openssl check scripts/check_openssl.sh build/godwit --version || true
  fi
  gtest build unit_tests unit 600
  gtest build conformance_tests conformance 600
  for folder in crash servers; do
    stage "$folder" xml "${run[@]}" "tests/$folder" "--junitxml=$logs/$folder.xml" "--basetemp=$logs/pytest-$folder" || true
  done
fi
if [ "$mode" = quick ]; then
  join system
  exit 0 # counted
fi

supp=$GODWIT_ROOT/tests/sanitizers
# Arrow's own allocators would hide memory from the sanitizers.
export ARROW_DEFAULT_MEMORY_POOL=system
export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
export LSAN_OPTIONS=suppressions=$supp/lsan.supp:print_suppressions=0
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=suppressions=$supp/tsan.supp:second_deadlock_stack=1:ignore_noninstrumented_modules=1
no_aslr=() # ThreadSanitizer's shadow memory collides with widely randomised addresses
! setarch -R true 2>/dev/null || no_aslr=(setarch -R)

if stage build-asan step nice env GODWIT_TARGET="unit_tests conformance_tests fuzz_tests" \
  scripts/build.sh build-asan -DGODWIT_SANITIZE=address,undefined; then
  gtest build-asan unit_tests unit-asan 1200 nice
  # Damaged input may ask for any amount of memory; that is refused, and no finding.
  gtest build-asan fuzz_tests fuzz-asan 4200 nice env "GODWIT_FUZZ_SECONDS=$([ $mode = full ] && echo 210 || echo 10)" \
    "ASAN_OPTIONS=$ASAN_OPTIONS:allocator_may_return_null=1"
  # Mostly waits for the server, too.
  start_milvus
  in_background=1 gtest build-asan conformance_tests conformance-milvus-asan 2400 nice env "GODWIT_TEST_MILVUS_URL=$milvus_url"
fi
if stage build-tsan step nice env GODWIT_TARGET="unit_tests conformance_tests" \
  scripts/build.sh build-tsan -DGODWIT_SANITIZE=thread; then
  gtest build-tsan unit_tests unit-tsan 1200 nice "${no_aslr[@]}"
  gtest build-tsan conformance_tests conformance-tsan 600 nice "${no_aslr[@]}"
fi
join conformance-milvus-asan
join system
if [ "$mode" = full ] && [ -n "$milvus_url" ]; then
  export GODWIT_TEST_MILVUS_URL=$milvus_url
  gtest build-tsan conformance_tests conformance-milvus-tsan 2400 "${no_aslr[@]}"
fi
