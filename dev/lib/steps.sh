# shellcheck shell=bash
# Steps that say what they do and how long they took, and a summary at the end. Sourced by the scripts that people run.

# Where tools, builds and the cluster's state live, outside the clone.
export AMAZOFF_CACHE=${AMAZOFF_CACHE:-$HOME/.cache/amazoff}
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$AMAZOFF_CACHE/target}
export PATH=$AMAZOFF_CACHE/bin:$AMAZOFF_CACHE/venv/bin:$PATH
# The settings that make passes on, and what they are without make.
export CLUSTER=${CLUSTER:-bundled} DATA=${DATA:-sample}
mkdir -p "$AMAZOFF_CACHE/bin" "$AMAZOFF_CACHE/log"

step_names=() step_seconds=() step_results=()
steps_started=$SECONDS
if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'; else bold='' dim='' red='' green='' plain=''; fi

# step NAME COMMAND…: runs a command under a heading; a failure is remembered, and ends the script unless STEP_GOES_ON is set.
# The command runs in a shell of its own, where its first failure ends it: what it exports is not seen here.
step() {
  local name=$1 started=$SECONDS result=passed status
  shift
  printf '\n%s▸ %s%s\n' "$bold" "$name" "$plain"
  # `"$@" || …` would switch -e off inside a function.
  set +e
  (set -e && "$@")
  status=$?
  set -e
  [ "$status" = 0 ] || result=failed
  step_names+=("$name") step_seconds+=($((SECONDS - started))) step_results+=("$result")
  if [ "$result" = passed ]; then
    printf '%s  %s s%s\n' "$dim" $((SECONDS - started)) "$plain"
  else
    printf '%s✗ %s failed after %s s%s\n' "$red" "$name" $((SECONDS - started)) "$plain"
    [ -n "${STEP_GOES_ON:-}" ] || exit 1
  fi
}

# summary TITLE: one line a step, then "N passed, N failed". Fails when a step did. Meant for an EXIT trap too.
summary() {
  local index passed=0 failed=0 mark
  printf '\n%s%s%s\n' "$bold" "$1" "$plain"
  for index in "${!step_names[@]}"; do
    if [ "${step_results[$index]}" = passed ]; then
      mark="$green✓$plain" passed=$((passed + 1))
    else
      mark="$red✗$plain" failed=$((failed + 1))
    fi
    printf '  %s %5s s  %s\n' "$mark" "${step_seconds[$index]}" "${step_names[$index]}"
  done
  printf '    %5s s  in all\n\n%s passed, %s failed\n' $((SECONDS - steps_started)) "$passed" "$failed"
  [ "$failed" = 0 ]
}
