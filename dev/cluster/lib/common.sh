# shellcheck shell=bash
# What every script of this folder shares: words for the person, waiting, and processes that can be found again.
# The caller sets STATE (a folder of its own) and may set CGROUP (a name) before it starts anything.

say() { printf '%s\n' "$*" >&2; }
usage() { sed -n '2,/^set /{/^#!/d;/^# shellcheck/d;/^set /d;s/^# \{0,1\}//;p}' "$1" >&2; exit 2; } # file: its opening comment
die() { say "$(basename "$0"): $*"; exit 1; }

# The binaries: what dev/tools/install made comes before what the system has.
BIN=${AMAZOFF_BIN:-$HOME/.cache/amazoff/bin}
PATH=$BIN:$HOME/.cache/amazoff/venv/bin:$PATH:/usr/sbin:/sbin

need() { # group tool…: stop with the command that helps when a tool is missing
  local group=$1 tool missing=()
  shift
  for tool in "$@"; do command -v "$tool" >/dev/null || missing+=("$tool"); done
  [ ${#missing[@]} -eq 0 ] || die "missing: ${missing[*]}. Run: dev/tools/install $group"
}

now_ms() { date +%s%3N; }

step() { # words command…: run it, then say how long it took
  local words=$1 begun took status
  shift
  begun=$(now_ms)
  # In a shell of its own that stops at the first failure; behind `||` bash would go on after one.
  set +e
  (set -e && "$@")
  status=$?
  set -e
  [ "$status" = 0 ] || { say "  ✗ $words"; return "$status"; }
  took=$(($(now_ms) - begun))
  say "$(printf '  ✓ %-44s %4d.%d s' "$words" $((took / 1000)) $((took % 1000 / 100)))"
}

wait_for() { # seconds what command…: until the command succeeds; name what was waited for when it does not
  local deadline=$(($(now_ms) + $1 * 1000)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$(now_ms)" -lt "$deadline" ] || { say "gave up waiting for $what; logs are in $STATE/log"; return 1; }
    sleep 0.1
  done
}

# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────
# A pid alone may have been given to somebody else since, so its start time is kept beside it.

start_time() { # pid
  local stat
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  stat=${stat##*) }
  # shellcheck disable=SC2086 # the words of the line are what is wanted
  set -- $stat
  [ "$1" != Z ] && echo "${20}"
}

pid_of() { # name: its pid, when it is the very process that was started
  local pid since
  read -r pid since 2>/dev/null <"$STATE/run/$1.pid" || return 1
  [ "$(start_time "$pid")" = "$since" ] && echo "$pid"
}

running() { pid_of "$1" >/dev/null; }

start() { # name command…: in the background, outlives this shell, log in $STATE/log/name.log; nothing when it runs already
  local name=$1 pid
  shift
  running "$name" && return
  mkdir -p "$STATE/log" "$STATE/run"
  [ ! -f "$STATE/log/$name.log" ] || mv "$STATE/log/$name.log" "$STATE/log/$name.log.1"
  (
    [ -z "${CGROUP:-}" ] || join_cgroup
    exec setsid "$@" </dev/null
  ) >"$STATE/log/$name.log" 2>&1 &
  pid=$!
  echo "$pid $(start_time "$pid")" >"$STATE/run/$name.pid"
}

stop() { # name [seconds]: ask, then insist; 0 seconds insists at once
  local name=$1 deadline=$(($(now_ms) + ${2:-10} * 1000)) pid
  if pid=$(pid_of "$name"); then
    kill "$pid" 2>/dev/null || true
    while running "$name" && [ "$(now_ms)" -lt "$deadline" ]; do sleep 0.05; done
    ! running "$name" || kill -9 "$pid" 2>/dev/null || true
  fi
  rm -f "$STATE/run/$name.pid"
}

not() { ! "$@"; }

port_free() { # port
  ! ss -Hltn "sport = :$1" | grep -q .
}
