package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

const (
	// MainChain is made and hooked into FORWARD by whoever starts this command.
	mainChain      = "AMAZOFF-POLICY"
	podChainPrefix = "AMAZOFF-POD-"
)

// cluster is what the API server says at one moment.
type cluster struct {
	pods       []*core.Pod
	namespaces []*core.Namespace
	policies   []*networking.NetworkPolicy
}

// rules renders the chains: the main one sends each policed pod's traffic to a chain of its own, which returns what is
// allowed (to be judged for the other end too) and refuses the rest.
func (c *cluster) rules() string {
	var chains, jumps, bodies strings.Builder
	fmt.Fprintf(&chains, ":%s - [0:0]\n", mainChain)
	fmt.Fprintf(&jumps, "-A %s -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN\n", mainChain)
	pods := c.podsWithAddress()
	for _, pod := range pods {
		for _, direction := range []networking.PolicyType{networking.PolicyTypeIngress, networking.PolicyTypeEgress} {
			policies := c.policiesFor(pod, direction)
			if len(policies) == 0 {
				continue
			}
			chain := chainName(pod, direction)
			side := map[networking.PolicyType]string{networking.PolicyTypeIngress: "-d", networking.PolicyTypeEgress: "-s"}[direction]
			fmt.Fprintf(&chains, ":%s - [0:0]\n", chain)
			fmt.Fprintf(&jumps, "-A %s %s %s/32 -j %s\n", mainChain, side, pod.Status.PodIP, chain)
			// A pod may always talk to itself, also by way of its Service.
			fmt.Fprintf(&bodies, "-A %[1]s -s %[2]s/32 -d %[2]s/32 -j RETURN\n", chain, pod.Status.PodIP)
			for _, policy := range policies {
				for _, match := range c.matches(pod, policy, direction, pods) {
					fmt.Fprintf(&bodies, "-A %s %s -j RETURN\n", chain, match)
				}
			}
			// Refused, not swallowed: a pod whose address is not known here yet would otherwise wait a second for its next SYN.
			fmt.Fprintf(&bodies, "-A %s -j REJECT\n", chain)
		}
	}
	return chains.String() + jumps.String() + bodies.String()
}

// podsWithAddress are the pods on the bridge, in an order that does not change by itself.
func (c *cluster) podsWithAddress() []*core.Pod {
	var found []*core.Pod
	for _, pod := range c.pods {
		finished := pod.Status.Phase == core.PodSucceeded || pod.Status.Phase == core.PodFailed
		if pod.Status.PodIP != "" && !pod.Spec.HostNetwork && !finished {
			found = append(found, pod)
		}
	}
	slices.SortFunc(found, func(a, b *core.Pod) int { return cmp.Compare(a.UID, b.UID) })
	return found
}

func (c *cluster) policiesFor(pod *core.Pod, direction networking.PolicyType) []*networking.NetworkPolicy {
	var found []*networking.NetworkPolicy
	for _, policy := range c.policies {
		// The API server defaults policyTypes, so it is never empty here.
		if policy.Namespace == pod.Namespace && slices.Contains(policy.Spec.PolicyTypes, direction) && selects(&policy.Spec.PodSelector, pod.Labels) {
			found = append(found, policy)
		}
	}
	slices.SortFunc(found, func(a, b *networking.NetworkPolicy) int { return cmp.Compare(a.UID, b.UID) })
	return found
}

// matches renders what one policy allows for a pod: each peer with each port.
func (c *cluster) matches(pod *core.Pod, policy *networking.NetworkPolicy, direction networking.PolicyType, pods []*core.Pod) []string {
	var found []string
	add := func(peers []networking.NetworkPolicyPeer, ports []networking.NetworkPolicyPort, side string) {
		for _, peer := range c.peers(policy.Namespace, peers, pods) {
			owner := pod // of the port: the pod that is spoken to
			if direction == networking.PolicyTypeEgress {
				owner = peer.pod
			}
			for _, port := range portMatches(ports, owner) {
				found = append(found, strings.TrimSpace(fmt.Sprintf("%s %s %s", side, peer.network, port)))
			}
		}
	}
	if direction == networking.PolicyTypeIngress {
		for _, rule := range policy.Spec.Ingress {
			add(rule.From, rule.Ports, "-s")
		}
	} else {
		for _, rule := range policy.Spec.Egress {
			add(rule.To, rule.Ports, "-d")
		}
	}
	return found
}

// peer is one address or network that a rule names; pod is nil when it is no pod.
type peer struct {
	network string
	pod     *core.Pod
}

func (c *cluster) peers(namespace string, named []networking.NetworkPolicyPeer, pods []*core.Pod) []peer {
	if len(named) == 0 {
		return []peer{{network: "0.0.0.0/0"}}
	}
	var found []peer
	for _, one := range named {
		if one.IPBlock != nil {
			for _, network := range without(one.IPBlock.CIDR, one.IPBlock.Except) {
				found = append(found, peer{network: network.String()})
			}
			continue
		}
		for _, pod := range pods {
			inNamespace := pod.Namespace == namespace
			if one.NamespaceSelector != nil {
				inNamespace = selects(one.NamespaceSelector, c.labelsOf(pod.Namespace))
			}
			if inNamespace && (one.PodSelector == nil || selects(one.PodSelector, pod.Labels)) {
				found = append(found, peer{network: pod.Status.PodIP + "/32", pod: pod})
			}
		}
	}
	return found
}

func (c *cluster) labelsOf(namespace string) map[string]string {
	for _, one := range c.namespaces {
		if one.Name == namespace {
			return one.Labels
		}
	}
	return nil
}

// portMatches renders the ports of a rule: none named means any.
func portMatches(ports []networking.NetworkPolicyPort, owner *core.Pod) []string {
	if len(ports) == 0 {
		return []string{""}
	}
	var found []string
	for _, port := range ports {
		protocol := core.ProtocolTCP
		if port.Protocol != nil {
			protocol = *port.Protocol
		}
		match := "-p " + strings.ToLower(string(protocol))
		switch {
		case port.Port == nil:
			found = append(found, match)
		case port.Port.Type == intstr.String:
			for _, number := range namedPorts(owner, port.Port.StrVal, protocol) {
				found = append(found, fmt.Sprintf("%s --dport %d", match, number))
			}
		case port.EndPort != nil:
			found = append(found, fmt.Sprintf("%s --dport %d:%d", match, port.Port.IntVal, *port.EndPort))
		default:
			found = append(found, fmt.Sprintf("%s --dport %d", match, port.Port.IntVal))
		}
	}
	return found
}

func namedPorts(owner *core.Pod, name string, protocol core.Protocol) []int32 {
	var found []int32
	if owner == nil {
		return nil
	}
	for _, container := range owner.Spec.Containers {
		for _, port := range container.Ports {
			if port.Name == name && port.Protocol == protocol {
				found = append(found, port.ContainerPort)
			}
		}
	}
	return found
}

// without cuts the exceptions out of a network by halving what overlaps one.
func without(network string, exceptions []string) []netip.Prefix {
	whole, err := netip.ParsePrefix(network)
	if err != nil || !whole.Addr().Is4() {
		return nil
	}
	found := []netip.Prefix{whole.Masked()}
	for _, text := range exceptions {
		exception, err := netip.ParsePrefix(text)
		if err != nil {
			continue
		}
		var rest []netip.Prefix
		for _, part := range found {
			rest = append(rest, cut(part, exception.Masked())...)
		}
		found = rest
	}
	return found
}

func cut(network, exception netip.Prefix) []netip.Prefix {
	switch {
	case !network.Overlaps(exception):
		return []netip.Prefix{network}
	case exception.Bits() <= network.Bits():
		return nil
	}
	bits := network.Bits() + 1
	upper := network.Addr().As4()
	upper[network.Bits()/8] |= 0x80 >> (network.Bits() % 8)
	halves := []netip.Prefix{netip.PrefixFrom(network.Addr(), bits), netip.PrefixFrom(netip.AddrFrom4(upper), bits)}
	return append(cut(halves[0], exception), cut(halves[1], exception)...)
}

func selects(selector *meta.LabelSelector, of map[string]string) bool {
	parsed, err := meta.LabelSelectorAsSelector(selector)
	return err == nil && parsed.Matches(labels.Set(of))
}

// chainName fits the 28 letters that iptables allows.
func chainName(pod *core.Pod, direction networking.PolicyType) string {
	sum := sha256.Sum256([]byte(string(pod.UID) + string(direction)))
	return podChainPrefix + hex.EncodeToString(sum[:6])
}
