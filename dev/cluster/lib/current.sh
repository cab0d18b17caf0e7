# shellcheck shell=bash
# CLUSTER=current: the cluster your kubeconfig points to. It is somebody's: nothing here starts, stops or deletes it.

cluster_up() {
  kubectl version >/dev/null 2>&1 || die "the cluster of the current context does not answer; kubectl cluster-info says more"
  [ -n "${ENTRY_URL:-}" ] || die "ENTRY_URL is missing: the address under which the cluster's ingress controller is reached from here, such as https://shop.example.com"
  [ -n "${REGISTRY:-}" ] || die "REGISTRY is missing: where images are pushed from here and pulled by the cluster, such as registry.example.com/shop"
}

cluster_down() { say "the cluster of the current context is yours and stays as it is"; }

cluster_status() { kubectl get nodes,pods -A -o wide; }

cluster_logs() { die "the logs of a cluster that was not started here are where its owner keeps them"; }

# crane takes the registry's password from where `docker login` or `crane auth login` left it.
cluster_load() {
  local name images=${AMAZOFF_CACHE:-$HOME/.cache/amazoff}/images reference
  [ -n "${REGISTRY:-}" ] || die "images can't be put into somebody's cluster from here: name a registry that it pulls from as REGISTRY"
  ../tools/install registry >&2
  for name in "$@"; do
    reference=$REGISTRY/$(sed 's#.*/##' "$images/$name.ref")
    crane digest "$reference" >/dev/null 2>&1 || crane push "$images/$name.tar" "$reference" >&2
    say "$reference is there"
  done
}

cluster_env() {
  echo "KUBECONFIG=${KUBECONFIG:-$HOME/.kube/config}"
  [ -z "${ENTRY_URL:-}" ] || echo "ENTRY_URL=$ENTRY_URL"
}
