// Command netpol enforces NetworkPolicies on a one-node cluster whose pods share a bridge: it keeps one set of
// iptables chains equal to what the API server says.
//
// Traffic between pods, and from pods to other machines, passes FORWARD, where the rules are. What the node itself
// sends (probes, a terminal) and what pods send to the node (the API server) is let through, as other enforcers do by default.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"regexp"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	pods := factory.Core().V1().Pods()
	namespaces := factory.Core().V1().Namespaces()
	policies := factory.Networking().V1().NetworkPolicies()

	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	for _, informer := range []cache.SharedIndexInformer{pods.Informer(), namespaces.Informer(), policies.Informer()} {
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { notify() },
			UpdateFunc: func(any, any) { notify() },
			DeleteFunc: func(any) { notify() },
		})
		if err != nil {
			return err
		}
	}
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())

	applied := ""
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		var seen cluster
		if seen.pods, err = pods.Lister().List(labels.Everything()); err != nil {
			return err
		}
		if seen.namespaces, err = namespaces.Lister().List(labels.Everything()); err != nil {
			return err
		}
		if seen.policies, err = policies.Lister().List(labels.Everything()); err != nil {
			return err
		}
		rules := seen.rules()
		if rules == applied {
			continue
		}
		if err := apply(rules); err != nil {
			log.Printf("will be tried again in a second: %v", err)
			time.AfterFunc(time.Second, notify)
			continue
		}
		applied = rules
		log.Printf("enforcing %d policies", len(seen.policies))
		// Many events come at once when a store is made; one round of rules answers them all.
		time.Sleep(50 * time.Millisecond)
	}
}

var chainLine = regexp.MustCompile(`(?m)^:(` + podChainPrefix + `\S+) `)

// apply replaces all our chains in one transaction, and removes those no pod needs any more.
func apply(rules string) error {
	before, err := exec.Command("iptables-save", "-t", "filter").Output()
	if err != nil {
		return fmt.Errorf("iptables-save: %w", err)
	}
	var input bytes.Buffer
	wanted := map[string]bool{}
	for _, chain := range chainLine.FindAllStringSubmatch(rules, -1) {
		wanted[chain[1]] = true
	}
	input.WriteString("*filter\n" + rules)
	for _, chain := range chainLine.FindAllStringSubmatch(string(before), -1) {
		if !wanted[chain[1]] {
			fmt.Fprintf(&input, ":%[1]s - [0:0]\n-X %[1]s\n", chain[1])
		}
	}
	input.WriteString("COMMIT\n")
	restore := exec.Command("iptables-restore", "--noflush", "--wait")
	restore.Stdin = &input
	if output, err := restore.CombinedOutput(); err != nil {
		return fmt.Errorf("iptables-restore: %w: %s", err, output)
	}
	return nil
}
