# shellcheck shell=bash
# etcd and the API server, which the cluster and the API-only control plane have in common.

start_etcd() {
  # No fsync: what is lost when the machine dies can be made again in seconds, and disks of small machines are slow.
  start etcd etcd --data-dir "$STATE/etcd" --unsafe-no-fsync --log-level warn --name "$CLUSTER_NAME" \
    --listen-client-urls "http://127.0.0.1:$ETCD_PORT" --advertise-client-urls "http://127.0.0.1:$ETCD_PORT" \
    --listen-peer-urls "http://127.0.0.1:$((ETCD_PORT + 1))" --initial-advertise-peer-urls "http://127.0.0.1:$((ETCD_PORT + 1))" \
    --initial-cluster "$CLUSTER_NAME=http://127.0.0.1:$((ETCD_PORT + 1))"
}

start_apiserver() { # further flags
  local pki=$STATE/pki
  start kube-apiserver kube-apiserver \
    --etcd-servers="http://127.0.0.1:$ETCD_PORT" --secure-port="$API_PORT" --allow-privileged=true \
    --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" --client-ca-file="$pki/ca.crt" \
    --service-account-key-file="$pki/accounts.pub" --service-account-signing-key-file="$pki/accounts.key" \
    --service-account-issuer=https://kubernetes.default.svc.cluster.local --service-cluster-ip-range="$SERVICE_CIDR" \
    --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=front-proxy \
    --requestheader-username-headers=X-Remote-User --requestheader-group-headers=X-Remote-Group \
    --requestheader-extra-headers-prefix=X-Remote-Extra- --enable-aggregator-routing=true \
    --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key" "$@"
}

api_ready() { curl -fsS --max-time 2 --cacert "$STATE/pki/ca.crt" "https://127.0.0.1:$API_PORT/readyz"; }

# A process that ends at once (a port taken, a flag refused) is told from one that is slow.
wait_for_api() {
  wait_for 60 "the API server" api_ready_or_dead && api_ready >/dev/null 2>&1 && return
  tail -n 5 "$STATE/log/etcd.log" "$STATE/log/kube-apiserver.log" >&2
  return 1
}

api_ready_or_dead() { api_ready || not running kube-apiserver || not running etcd; }
