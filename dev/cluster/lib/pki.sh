# shellcheck shell=bash
# Certificates and kubeconfigs of one control plane, in $STATE/pki. Made once; a cluster that comes up again keeps them.

make_ca() {
  mkdir -p "$STATE/pki"
  chmod 700 "$STATE/pki"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=$CLUSTER_NAME" \
    -addext keyUsage=critical,keyCertSign,cRLSign -keyout "$STATE/pki/ca.key" -out "$STATE/pki/ca.crt" 2>/dev/null
}

make_certificate() { # name subject [subject-alternative-names]
  local file=$STATE/pki/$1 extensions="basicConstraints=CA:FALSE
extendedKeyUsage=clientAuth,serverAuth
keyUsage=critical,digitalSignature"
  [ -z "${3:-}" ] || extensions+="
subjectAltName=$3"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$2" -keyout "$file.key" -out "$file.csr" 2>/dev/null
  openssl x509 -req -in "$file.csr" -CA "$STATE/pki/ca.crt" -CAkey "$STATE/pki/ca.key" -CAcreateserial -days 3650 \
    -extfile <(echo "$extensions") -out "$file.crt" 2>/dev/null
  rm "$file.csr"
}

make_kubeconfig() { # certificate [file]: self-contained, so that it can be copied anywhere
  local certificate=$STATE/pki/$1 file=${2:-$STATE/pki/$1.kubeconfig}
  (umask 077 && cat >"$file") <<YAML
apiVersion: v1
kind: Config
current-context: $CLUSTER_NAME
clusters:
- {name: $CLUSTER_NAME, cluster: {server: "https://127.0.0.1:$API_PORT", certificate-authority-data: $(base64 -w0 "$STATE/pki/ca.crt")}}
users:
- {name: $1, user: {client-certificate-data: $(base64 -w0 "$certificate.crt"), client-key-data: $(base64 -w0 "$certificate.key")}}
contexts:
- {name: $CLUSTER_NAME, context: {cluster: $CLUSTER_NAME, user: $1}}
YAML
}

make_pki() { # ip-address… of the API server
  local names="DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,DNS:kubernetes.default.svc.cluster.local" ip
  for ip in "$@"; do names+=",IP:$ip"; done
  make_ca
  make_certificate apiserver /CN=kube-apiserver "$names"
  make_certificate front-proxy /CN=front-proxy
  make_certificate admin /O=system:masters/CN=admin
  make_kubeconfig admin "$KUBECONFIG"
  openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out "$STATE/pki/accounts.key" 2>/dev/null
  openssl pkey -in "$STATE/pki/accounts.key" -pubout -out "$STATE/pki/accounts.pub"
}
