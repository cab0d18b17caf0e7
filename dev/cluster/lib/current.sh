# shellcheck shell=bash
# CLUSTER=current: the cluster your kubeconfig points to. It is somebody's: nothing here starts, stops or deletes it.

cluster_up() { kubectl version >/dev/null 2>&1 || die "the cluster of the current context does not answer; kubectl cluster-info says more"; }

cluster_down() { say "the cluster of the current context is yours and stays as it is"; }

cluster_status() { kubectl get nodes,pods -A -o wide; }

cluster_logs() { die "the logs of a cluster that was not started here are where its owner keeps them"; }

cluster_load() {
  die "images cannot be put into somebody's cluster from here: push them to a registry it can pull from, and name it in the store's spec.image. The archives are in ${AMAZOFF_CACHE:-$HOME/.cache/amazoff}/images"
}

cluster_env() {
  echo "KUBECONFIG=${KUBECONFIG:-$HOME/.kube/config}"
  [ -z "${ENTRY_URL:-}" ] || echo "ENTRY_URL=$ENTRY_URL"
}
