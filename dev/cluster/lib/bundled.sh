# shellcheck shell=bash source-path=SCRIPTDIR/..
# CLUSTER=bundled: a single-node Kubernetes of the real components, started on this machine as root.

CLUSTER_NAME=${CLUSTER_NAME:-amazoff}
PORTS=${CLUSTER_PORTS:-26000} # a base: the API server listens on …443, etcd on …379, and so on
HTTP_PORT=${HTTP_PORT:-$((PORTS + 880))}
HTTPS_PORT=${HTTPS_PORT:-$((PORTS + 843))}
POD_CIDR=${POD_CIDR:-10.213.0.0/16}
SERVICE_CIDR=${SERVICE_CIDR:-10.214.0.0/16}

STATE=${AMAZOFF_CACHE:-$HOME/.cache/amazoff}/state/$CLUSTER_NAME
KUBECONFIG=$STATE/kubeconfig
CGROUP=amazoff-cluster
API_PORT=$((PORTS + 443))
ETCD_PORT=$((PORTS + 379))
KUBELET_PORT=$((PORTS + 250))
NODE=$CLUSTER_NAME-1
NODE_DIR=$STATE/nodes/$NODE
NODE_IP=${POD_CIDR%.0.0/*}.0.1   # of the bridge
API_IP=${SERVICE_CIDR%.0.0/*}.0.1 # of the Service "kubernetes"
DNS_IP=${SERVICE_CIDR%.0.0/*}.0.10

. lib/pki.sh
. lib/control-plane.sh
. lib/isolation.sh
. lib/network.sh
. lib/node.sh

PROCESSES=(mounts etcd kube-apiserver kube-controller-manager kube-scheduler containerd kubelet kube-proxy netpol volumes)

cluster_up() {
  local begun
  [ "$(id -u)" = 0 ] || die "the bundled cluster needs root: run it with sudo -E, or choose CLUSTER=kind or CLUSTER=current"
  need cluster etcd containerd runc iptables conntrack nsenter openssl curl kube-apiserver kube-controller-manager kube-scheduler kubelet \
    kube-proxy kubectl netpol volumes coredns metrics-server contour
  begun=$(now_ms)
  export KUBECONFIG
  if [ -f "$STATE/complete" ] && all_running && node_ready >/dev/null 2>&1; then
    say "  ✓ the cluster is up"
  else
    check_machine
    step "certificates" make_certificates
    step "control plane" start_control_plane
    step "containers" start_runtime
    step "node $NODE" start_node
  fi
  step "DNS, metrics, storage, entry point" start_addons
  touch "$STATE/complete"
  say "$(printf '  ✓ Kubernetes %s up after %d s' "$(kubelet --version | cut -d' ' -f2)" $((($(now_ms) - begun) / 1000)))"
}

all_running() {
  local name
  for name in "${PROCESSES[@]}"; do running "$name" || return 1; done
}

check_machine() {
  local port pair
  for pair in kube-apiserver:$API_PORT etcd:$ETCD_PORT kubelet:$KUBELET_PORT; do
    port=${pair#*:}
    running "${pair%:*}" || port_free "$port" || die "port $port is taken; set CLUSTER_PORTS to another base than $PORTS"
  done
  if ! running kubelet; then
    for port in "$HTTP_PORT" "$HTTPS_PORT"; do
      port_free "$port" || die "port $port is taken; set HTTP_PORT and HTTPS_PORT to free ones"
    done
    if ! running kube-proxy && [ ! -d "$STATE" ] && iptables-save -t nat 2>/dev/null | grep -q '^:KUBE-SERVICES'; then
      die "another Kubernetes runs on this machine's own network; use it with CLUSTER=current"
    fi
  fi
}

make_certificates() {
  [ ! -f "$STATE/pki/complete" ] || return 0
  mkdir -p "$STATE"
  make_pki 127.0.0.1 "$NODE_IP" "$API_IP"
  make_certificate controller-manager /CN=system:kube-controller-manager
  make_kubeconfig controller-manager
  make_certificate scheduler /CN=system:kube-scheduler
  make_kubeconfig scheduler
  make_certificate entry /CN=localhost "DNS:localhost,DNS:*.localhost,DNS:*.amazoff.local,IP:127.0.0.1"
  touch "$STATE/pki/complete"
}

start_control_plane() {
  make_cgroups
  make_mounts
  make_network
  start_etcd
  start_apiserver --bind-address=0.0.0.0 --advertise-address="$NODE_IP" --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction \
    --kubelet-client-certificate="$STATE/pki/admin.crt" --kubelet-client-key="$STATE/pki/admin.key" \
    --kubelet-certificate-authority="$STATE/pki/ca.crt" --kubelet-preferred-address-types=InternalIP \
    --service-node-port-range="$(node_ports)"
  wait_for_api
  apply_definitions &
  start kube-controller-manager kube-controller-manager --kubeconfig="$STATE/pki/controller-manager.kubeconfig" \
    --authentication-kubeconfig="$STATE/pki/controller-manager.kubeconfig" --authorization-kubeconfig="$STATE/pki/controller-manager.kubeconfig" \
    --bind-address=127.0.0.1 --secure-port=$((PORTS + 257)) --leader-elect=false --use-service-account-credentials=true \
    --service-account-private-key-file="$STATE/pki/accounts.key" --root-ca-file="$STATE/pki/ca.crt" \
    --cluster-signing-cert-file="$STATE/pki/ca.crt" --cluster-signing-key-file="$STATE/pki/ca.key" --horizontal-pod-autoscaler-sync-period=5s
  start kube-scheduler kube-scheduler --kubeconfig="$STATE/pki/scheduler.kubeconfig" --authentication-kubeconfig="$STATE/pki/scheduler.kubeconfig" \
    --authorization-kubeconfig="$STATE/pki/scheduler.kubeconfig" --bind-address=127.0.0.1 --secure-port=$((PORTS + 259)) --leader-elect=false
}

# The entry point's ports are node ports: a range that holds both, and, with the defaults, none of the components' ports.
node_ports() {
  local low=$HTTP_PORT high=$HTTPS_PORT
  [ "$low" -lt "$high" ] || { low=$HTTPS_PORT high=$HTTP_PORT; }
  echo "$low-$((high + 20))"
}

start_runtime() {
  start_containerd
  # Left over from a cluster that was not stopped but died.
  [ -f "$STATE/complete" ] || remove_containers
  ../images/build cluster >/dev/null
  for name in pause coredns metrics-server contour envoy; do load_image "$name"; done
}

start_node() {
  start_kubelet
  start_proxy
  start_helpers
  kubectl wait --for=create --timeout=60s "node/$NODE" >/dev/null
  kubectl wait --for=condition=Ready --timeout=60s "node/$NODE" >/dev/null
}

# The large definitions of Gateway API and Contour are taken in while the node starts.
apply_definitions() {
  kubectl apply --server-side --force-conflicts --validate=false -f "$BIN/../share/gateway-api.yaml" -f "$BIN/../share/contour-crds.yaml" \
    >"$STATE/log/definitions.log" 2>&1
}

start_addons() {
  local addons=$STATE/addons.yaml file
  {
    for file in storage dns metrics entry; do filled "manifests/$file.yaml"; echo ---; done
    kubectl -n projectcontour create secret tls localhost --cert="$STATE/pki/entry.crt" --key="$STATE/pki/entry.key" --dry-run=client -o yaml
  } >"$addons"
  if ! cmp -s "$addons" "$addons.applied"; then
    wait_for 60 "the definitions of Gateway API" kubectl wait --for=condition=Established --timeout=30s \
      crd/gateways.gateway.networking.k8s.io crd/gatewayclasses.gateway.networking.k8s.io crd/httpproxies.projectcontour.io
    kubectl apply --server-side --force-conflicts --validate=false -f "$addons" >"$STATE/log/addons.log"
    mv "$addons" "$addons.applied"
  fi
  # metrics-server is not waited for: it is ready once it has measured twice, and nothing starts later for it.
  kubectl -n kube-system rollout status --timeout=90s deployment/coredns >/dev/null
  kubectl -n projectcontour rollout status --timeout=90s deployment/contour >/dev/null
}

# A manifest with the names that only this machine knows.
filled() { # file
  local text name forward=""
  text=$(<"$1")
  grep -qE '^nameserver (127\.|::1)' /etc/resolv.conf && [ ! -f /run/systemd/resolve/resolv.conf ] || forward="forward . /etc/resolv.conf"
  for name in DNS_IP HTTP_PORT HTTPS_PORT; do text=${text//"\${$name}"/${!name}}; done
  text=${text//"\${FORWARD}"/$forward}
  for name in coredns metrics-server contour envoy; do
    text=${text//"\${IMAGE_${name//-/_}}"/$(<"${AMAZOFF_CACHE:-$HOME/.cache/amazoff}/images/$name.ref")}
  done
  printf '%s\n' "$text"
}

cluster_down() {
  [ "$(id -u)" = 0 ] || die "the bundled cluster needs root: run it with sudo -E"
  [ -d "$STATE" ] || [ -d "$(dirname "$(tracking_cgroup)")" ] || { say "  ✓ the cluster is down"; return; }
  step "stop the cluster" stop_everything
}

stop_everything() {
  local name
  for name in kubelet kube-scheduler kube-controller-manager netpol volumes kube-proxy; do stop "$name" 5 & done
  wait
  remove_containers
  # These two would take their time to save what is thrown away below.
  stop kube-apiserver 0
  stop etcd 0
  stop containerd 5
  remove_shim_sockets
  remove_cgroups
  remove_network
  rm -rf "$STATE"
}

cluster_status() {
  local name
  for name in "${PROCESSES[@]}"; do
    printf '%-26s %s\n' "$name" "$(running "$name" && echo "runs, pid $(pid_of "$name")" || echo "does not run")"
  done
  if running kube-apiserver; then
    echo
    kubectl get nodes,pods -A -o wide
    echo
    echo "kubeconfig   $KUBECONFIG"
    echo "entry point  http://127.0.0.1:$HTTP_PORT  https://127.0.0.1:$HTTPS_PORT"
  fi
}

cluster_logs() { # [component]
  if [ $# -gt 0 ]; then exec tail -n 100 -F "$STATE/log/$1.log"; fi
  ls "$STATE/log"
}

cluster_load() { for name in "$@"; do load_image "$name"; done; }

cluster_env() {
  echo "KUBECONFIG=$KUBECONFIG"
  echo "ENTRY_URL=http://localhost:$HTTP_PORT"
  echo "ENTRY_TLS_URL=https://127.0.0.1:$HTTPS_PORT"
  echo "ENTRY_CA=$STATE/pki/ca.crt"
}
