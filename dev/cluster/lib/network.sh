# shellcheck shell=bash
# The bridge the pods hang on, and the rules that let them reach each other, the node and the world.
# Everything made here is taken away by remove_network; settings of the kernel get back the value they had.

BRIDGE=amazoff0
POLICY_CHAIN=AMAZOFF-POLICY # filled by netpol
COMMENT=(-m comment --comment "amazoff cluster")

make_network() {
  ip link show "$BRIDGE" >/dev/null 2>&1 || ip link add "$BRIDGE" type bridge
  ip addr replace "$NODE_IP/${POD_CIDR#*/}" dev "$BRIDGE"
  ip link set "$BRIDGE" up
  set_kernel net.ipv4.ip_forward 1
  # Traffic between pods on the bridge passes iptables too, or neither Services nor policies would see it.
  [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] || modprobe br_netfilter || die "the kernel lacks br_netfilter"
  set_kernel net.bridge.bridge-nf-call-iptables 1
  set_kernel "net.ipv4.conf.all.route_localnet" 1
  set_kernel fs.inotify.max_user_instances 1024 at-least
  iptables -w -N "$POLICY_CHAIN" 2>/dev/null || true
  # In front of what others have put there (Docker drops what it does not know); the policies come first.
  rules | while read -r table chain rule; do
    # shellcheck disable=SC2086 # a rule is many words
    iptables -w -t "$table" -C "$chain" $rule "${COMMENT[@]}" 2>/dev/null || iptables -w -t "$table" -I "$chain" $rule "${COMMENT[@]}"
  done
}

rules() {
  echo "filter FORWARD -s $POD_CIDR -j ACCEPT"
  echo "filter FORWARD -d $POD_CIDR -j ACCEPT"
  echo "filter FORWARD -j $POLICY_CHAIN"
  echo "nat POSTROUTING -s $POD_CIDR ! -d $POD_CIDR -j MASQUERADE"
}

set_kernel() { # setting value [at-least]
  local before
  before=$(sysctl -n "$1")
  if [ "$before" = "$2" ] || { [ "${3:-}" = at-least ] && [ "$before" -ge "$2" ]; }; then return; fi
  echo "$1=$before" >>"$STATE/kernel-settings"
  sysctl -qw "$1=$2"
}

remove_network() {
  local table chain rule
  rules | while read -r table chain rule; do
    # shellcheck disable=SC2086 # a rule is many words
    while iptables -w -t "$table" -D "$chain" $rule "${COMMENT[@]}" 2>/dev/null; do :; done
  done
  remove_chains AMAZOFF-
  remove_chains KUBE-
  ip link del "$BRIDGE" 2>/dev/null || true
  rm -f /var/lib/cni/results/amazoff-*
  [ ! -f "$STATE/kernel-settings" ] || sysctl -qp "$STATE/kernel-settings"
}

# kube-proxy takes its own chains away when asked, but not the marks that it leaves for others to find.
remove_chains() { # prefix
  local command table saved
  for command in iptables ip6tables; do
    for table in filter nat mangle; do
      saved=$("$command-save" -t "$table" 2>/dev/null) || continue
      grep -q "^:$1" <<<"$saved" || continue
      {
        echo "*$table"
        # Rules elsewhere that lead into them, then what they hold, then the chains themselves.
        grep -E "^-A .* -j $1" <<<"$saved" | grep -vE "^-A $1" | sed 's/^-A/-D/' || true
        sed -n "s/^:\($1[^ ]*\) .*/:\1 - [0:0]/p" <<<"$saved"
        sed -n "s/^:\($1[^ ]*\) .*/-X \1/p" <<<"$saved"
        echo COMMIT
      } | "$command-restore" --noflush --wait
    done
  done
}
