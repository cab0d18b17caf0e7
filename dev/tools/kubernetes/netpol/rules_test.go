package main

import (
	"strings"
	"testing"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func pod(namespace, name, ip string) *core.Pod {
	return &core.Pod{
		ObjectMeta: meta.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(name), Labels: map[string]string{"app": name}},
		Spec:       core.PodSpec{Containers: []core.Container{{Ports: []core.ContainerPort{{Name: "http", ContainerPort: 8080, Protocol: core.ProtocolTCP}}}}},
		Status:     core.PodStatus{PodIP: ip},
	}
}

func rendered(t *testing.T, policy networking.NetworkPolicySpec) string {
	t.Helper()
	seen := cluster{
		pods: []*core.Pod{pod("shop", "web", "10.0.0.1"), pod("shop", "db", "10.0.0.2"), pod("other", "web", "10.0.0.3")},
		namespaces: []*core.Namespace{
			{ObjectMeta: meta.ObjectMeta{Name: "shop", Labels: map[string]string{"name": "shop"}}},
			{ObjectMeta: meta.ObjectMeta{Name: "other", Labels: map[string]string{"name": "other"}}},
		},
		policies: []*networking.NetworkPolicy{{ObjectMeta: meta.ObjectMeta{Namespace: "shop"}, Spec: policy}},
	}
	return seen.rules()
}

func has(t *testing.T, rules string, wanted ...string) {
	t.Helper()
	for _, one := range wanted {
		if !strings.Contains(rules, one) {
			t.Errorf("%q is missing from:\n%s", one, rules)
		}
	}
}

func lacks(t *testing.T, rules string, unwanted ...string) {
	t.Helper()
	for _, one := range unwanted {
		if strings.Contains(rules, one) {
			t.Errorf("%q should not be in:\n%s", one, rules)
		}
	}
}

func app(name string) meta.LabelSelector {
	return meta.LabelSelector{MatchLabels: map[string]string{"app": name}}
}

func TestDefaultDenyRefusesAllOfItsNamespaceOnly(t *testing.T) {
	rules := rendered(t, networking.NetworkPolicySpec{PolicyTypes: []networking.PolicyType{networking.PolicyTypeIngress}})
	has(t, rules, "-d 10.0.0.1/32 -j AMAZOFF-POD-", "-d 10.0.0.2/32 -j AMAZOFF-POD-", "-j REJECT")
	lacks(t, rules, "10.0.0.3", "-s 10.0.0.1/32 -j AMAZOFF-POD-")
}

func TestIngressAllowsTheSelectedPodOnTheNamedPort(t *testing.T) {
	web, port := app("web"), intstr.FromString("http")
	rules := rendered(t, networking.NetworkPolicySpec{
		PodSelector: app("db"), PolicyTypes: []networking.PolicyType{networking.PolicyTypeIngress},
		Ingress: []networking.NetworkPolicyIngressRule{{
			From:  []networking.NetworkPolicyPeer{{PodSelector: &web}},
			Ports: []networking.NetworkPolicyPort{{Port: &port}},
		}},
	})
	has(t, rules, "-s 10.0.0.1/32 -p tcp --dport 8080 -j RETURN")
	lacks(t, rules, "10.0.0.3")
}

func TestEgressSelectsByNamespace(t *testing.T) {
	other := meta.LabelSelector{MatchLabels: map[string]string{"name": "other"}}
	rules := rendered(t, networking.NetworkPolicySpec{
		PodSelector: app("web"), PolicyTypes: []networking.PolicyType{networking.PolicyTypeEgress},
		Egress: []networking.NetworkPolicyEgressRule{{To: []networking.NetworkPolicyPeer{{NamespaceSelector: &other}}}},
	})
	has(t, rules, "-s 10.0.0.1/32 -j AMAZOFF-POD-", "-d 10.0.0.3/32 -j RETURN")
	lacks(t, rules, "-d 10.0.0.2/32 -j RETURN")
}

func TestExceptionsAreCutOutOfABlock(t *testing.T) {
	var found []string
	for _, network := range without("10.0.0.0/30", []string{"10.0.0.2/32"}) {
		found = append(found, network.String())
	}
	if got := strings.Join(found, " "); got != "10.0.0.0/31 10.0.0.3/32" {
		t.Errorf("got %s", got)
	}
}
