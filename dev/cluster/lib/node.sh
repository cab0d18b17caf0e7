# shellcheck shell=bash
# A node: containerd, kubelet, kube-proxy and two small helpers (network policies, volumes). $NODE is its name, $NODE_DIR its folder.

IMAGE_STORE=${AMAZOFF_CACHE:-$HOME/.cache/amazoff}/containerd # survives `down`, so that images are loaded once

ctr_k8s() { ctr --address "$NODE_DIR/containerd.sock" --namespace k8s.io "$@"; }

start_containerd() {
  mkdir -p "$NODE_DIR/cni" "$IMAGE_STORE"
  cat >"$NODE_DIR/cni/10-bridge.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "amazoff-$NODE", "plugins": [{"type": "bridge", "bridge": "$BRIDGE", "isGateway": true, "hairpinMode": true,
  "ipam": {"type": "host-local", "dataDir": "$NODE_DIR/addresses", "ranges": [[{"subnet": "$POD_CIDR", "rangeStart": "${NODE_IP%.0.1}.1.1", "gateway": "$NODE_IP"}]], "routes": [{"dst": "0.0.0.0/0"}]}}]}
JSON
  cat >"$NODE_DIR/containerd.toml" <<TOML
version = 2
root = "$IMAGE_STORE"
state = "$NODE_DIR/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "$NODE_DIR/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "$NODE_DIR/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "amazoff.local/pause:dev"
  restrict_oom_score_adj = true
  disable_apparmor = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${CNI_BIN:-/usr/lib/cni}"
    conf_dir = "$NODE_DIR/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "$NODE_DIR/runc"
TOML
  start containerd nsenter --target "$(pid_of mounts)" --mount -- containerd --config "$NODE_DIR/containerd.toml"
  wait_for 20 containerd ctr_k8s version
}

# containerd ≥ 1.6 and Kubernetes 1.35 both know control groups of version 1, but kubelet wants to be told that it may.
start_kubelet() {
  local resolv=/etc/resolv.conf
  [ ! -f /run/systemd/resolve/resolv.conf ] || resolv=/run/systemd/resolve/resolv.conf
  make_certificate "kubelet-$NODE" "/O=system:nodes/CN=system:node:$NODE" "DNS:$NODE,IP:127.0.0.1,IP:$NODE_IP"
  make_kubeconfig "kubelet-$NODE"
  cat >"$NODE_DIR/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $STATE/pki/ca.crt}}
authorization: {mode: Webhook}
address: $NODE_IP
port: $KUBELET_PORT
healthzPort: $((KUBELET_PORT - 2))
tlsCertFile: $STATE/pki/kubelet-$NODE.crt
tlsPrivateKeyFile: $STATE/pki/kubelet-$NODE.key
cgroupDriver: cgroupfs
cgroupRoot: /$CGROUP
failCgroupV1: false
failSwapOn: false
makeIPTablesUtilChains: false
clusterDNS: [$DNS_IP]
clusterDomain: cluster.local
resolvConf: $resolv
containerRuntimeEndpoint: unix://$NODE_DIR/containerd.sock
podLogsDir: $NODE_DIR/pod-logs
volumePluginDir: $NODE_DIR/volume-plugins
# The machine's disk belongs to a person: neither its fill level nor its images are ours to manage.
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
imageGCHighThresholdPercent: 100
# Images are loaded, not pulled, and the same one may come from a registry under another name as well (CLUSTER=current tried on this cluster).
imagePullCredentialsVerificationPolicy: NeverVerify
seccompDefault: true
serializeImagePulls: false
registryPullQPS: 0
oomScoreAdj: 0
maxPods: 250
nodeStatusUpdateFrequency: 5s
YAML
  start kubelet nsenter --target "$(pid_of mounts)" --mount -- kubelet --config="$NODE_DIR/kubelet.yaml" \
    --kubeconfig="$STATE/pki/kubelet-$NODE.kubeconfig" --root-dir="$NODE_DIR/kubelet" --hostname-override="$NODE" --node-ip="$NODE_IP" \
    --node-labels="topology.kubernetes.io/region=local,topology.kubernetes.io/zone=local-a"
}

start_proxy() {
  make_certificate proxy /CN=system:kube-proxy
  make_kubeconfig proxy
  start kube-proxy kube-proxy --kubeconfig="$STATE/pki/proxy.kubeconfig" --proxy-mode=iptables --cluster-cidr="$POD_CIDR" \
    --hostname-override="$NODE" --healthz-bind-address="127.0.0.1:$((PORTS + 256))" --metrics-bind-address="127.0.0.1:$((PORTS + 249))" \
    --iptables-min-sync-period=100ms --conntrack-max-per-core=0 --conntrack-tcp-timeout-established=0 --conntrack-tcp-timeout-close-wait=0
}

start_helpers() {
  start netpol netpol --kubeconfig="$KUBECONFIG"
  start volumes volumes --kubeconfig="$KUBECONFIG" --root="$NODE_DIR/volumes"
}

node_ready() { [ "$(kubectl get node "$NODE" -o jsonpath='{.status.conditions[?(@.type=="Ready")].status}')" = True ]; }

# Containers are forgotten in containerd's books as well, since it keeps them beside the images, which stay.
remove_containers() {
  local ids
  running containerd || return 0
  mapfile -t ids < <(ctr_k8s containers ls -q 2>/dev/null)
  [ ${#ids[@]} -gt 0 ] || return 0
  printf '%s\n' "${ids[@]}" | xargs -P4 -n1 ctr --address "$NODE_DIR/containerd.sock" --namespace k8s.io tasks delete --force >/dev/null 2>&1 || true
  ctr_k8s containers delete "${ids[@]}" >/dev/null 2>&1 || true
}

# Sockets of containerd's shims lie outside the folder we gave it.
remove_shim_sockets() {
  local address
  for address in "$NODE_DIR"/containerd/io.containerd.runtime.v2.task/*/*/address; do
    [ -f "$address" ] && rm -f "$(sed 's#^unix://##' "$address")"
  done
  find /var/log/containers -lname "$NODE_DIR/*" -delete 2>/dev/null || true
}

load_image() { # name: into containerd, unless it is there
  local archive=${AMAZOFF_CACHE:-$HOME/.cache/amazoff}/images/$1.tar reference
  reference=$(cat "${archive%.tar}.ref") || die "there is no image $1; run: dev/images/build $1"
  if ! grep -qxF "$reference" <<<"$(ctr_k8s images ls -q)"; then
    ctr_k8s images import "$archive" >/dev/null
    say "  loaded $reference"
    forget_old_images "$1"
  fi
}

# The three newest of a name stay, for pods that are just being replaced.
forget_old_images() {
  local reference
  ctr_k8s images ls -q | grep "/$1:" | grep -v ':dev$' | head -n -3 | while read -r reference; do
    [ "$reference" = "$(cat "${AMAZOFF_CACHE:-$HOME/.cache/amazoff}/images/$1.ref")" ] || ctr_k8s images rm "$reference" >/dev/null
  done
}
