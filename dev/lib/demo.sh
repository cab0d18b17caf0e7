# shellcheck shell=bash
# The demo as those scripts see it that shop there, measure it or break it. Sourced after steps.sh.

# Where the reports of runs are written.
REPORTS=$AMAZOFF_CACHE/reports
mkdir -p "$REPORTS"

use_cluster() { # sets KUBECONFIG and ENTRY_URL
  local line
  while read -r line; do export "${line?}"; done < <(dev/cluster/cluster env)
}

token() { # permission…: an access token of the store's own key, good for ten minutes
  local permission arguments=()
  for permission in "$@"; do arguments+=(--permission "$permission"); done
  "$CARGO_TARGET_DIR/release/amazoff-operator" token --store shop --namespace shop "${arguments[@]}"
}

load() { "$CARGO_TARGET_DIR/release/load" "$@"; }

# What a script needs that goes shopping in the demo: the tools, and a shop that is open.
open_demo() {
  use_cluster
  kubectl get azs shop -n shop >/dev/null 2>&1 || { echo "there is no demo on this cluster: make demo starts one" >&2; exit 1; }
  cargo build --release -q -p amazoff-load -p amazoff-operator
}

# Runs a command while MAILS_URL leads to the API of the demo's mail server.
with_mails() { # command…
  local port='' forward log=$AMAZOFF_CACHE/log/mails-forward.log status=0
  kubectl -n shop port-forward svc/mails :8025 >"$log" 2>&1 &
  forward=$!
  for _ in {1..100}; do
    port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\).*/\1/p' "$log")
    [ -z "$port" ] || break
    sleep 0.1
  done
  [ -n "$port" ] || { cat "$log" >&2; kill "$forward"; return 1; }
  MAILS_URL=http://127.0.0.1:$port "$@" || status=$?
  kill "$forward"
  wait "$forward" 2>/dev/null || true
  return "$status"
}

# Holds orders, payments, stock and mails against each other, and against the orders that shoppers were told of.
check_ledger() { # option of `load ledger`…
  AMAZOFF_TOKEN=$(token ledger:read orders:read payments:read events:write) with_mails ledger_with_mails "$@"
}

ledger_with_mails() { load ledger "$ENTRY_URL" --mails "$MAILS_URL" "$@"; }
