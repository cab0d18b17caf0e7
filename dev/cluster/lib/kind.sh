# shellcheck shell=bash
# CLUSTER=kind: Kubernetes in Docker, where Docker runs. Its own tool does the work; we only name, load and tell.

CLUSTER_NAME=${CLUSTER_NAME:-amazoff}
STATE=${AMAZOFF_CACHE:-$HOME/.cache/amazoff}/state/kind-$CLUSTER_NAME
KUBECONFIG=$STATE/kubeconfig
HTTP_PORT=${HTTP_PORT:-26880}
HTTPS_PORT=${HTTPS_PORT:-26843}

cluster_up() {
  { command -v kind && docker info; } >/dev/null 2>&1 || die "CLUSTER=kind needs kind and a running Docker; CLUSTER=bundled needs neither"
  mkdir -p "$STATE"
  kind get clusters 2>/dev/null | grep -qx "$CLUSTER_NAME" || kind create cluster --name "$CLUSTER_NAME" --kubeconfig "$KUBECONFIG" --config <(kind_config)
  kind export kubeconfig --name "$CLUSTER_NAME" --kubeconfig "$KUBECONFIG"
  say "an ingress controller and metrics-server are not installed here; see dev/cluster/README.md"
}

kind_config() {
  cat <<YAML
kind: Cluster
apiVersion: kind.x-k8s.io/v1alpha4
nodes:
- role: control-plane
  extraPortMappings: [{containerPort: 80, hostPort: $HTTP_PORT, listenAddress: 127.0.0.1}, {containerPort: 443, hostPort: $HTTPS_PORT, listenAddress: 127.0.0.1}]
YAML
}

cluster_down() { kind delete cluster --name "$CLUSTER_NAME" && rm -rf "$STATE"; }

cluster_status() { kubectl get nodes,pods -A -o wide; }

cluster_logs() { kind export logs --name "$CLUSTER_NAME" "$STATE/log" && say "logs are in $STATE/log"; }

cluster_load() {
  local name
  for name in "$@"; do kind load image-archive --name "$CLUSTER_NAME" "${AMAZOFF_CACHE:-$HOME/.cache/amazoff}/images/$name.tar"; done
}

cluster_env() {
  echo "KUBECONFIG=$KUBECONFIG"
  echo "ENTRY_URL=http://localhost:$HTTP_PORT"
  echo "ENTRY_TLS_URL=https://127.0.0.1:$HTTPS_PORT"
}
