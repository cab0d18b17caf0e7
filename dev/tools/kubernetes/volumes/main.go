// Command volumes gives the claims of one StorageClass a folder of the node each, as a `local` volume: unlike a host
// path, kubelet makes such a volume writable for a pod's fsGroup, so it serves pods that may not be root.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
	failure "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	provisionerName = "amazoff.local/folder"
	// The scheduler writes the node it chose here, once a pod that needs the claim appears.
	selectedNode = "volume.kubernetes.io/selected-node"
)

type provisioner struct {
	client  kubernetes.Interface
	claims  listers.PersistentVolumeClaimLister
	volumes listers.PersistentVolumeLister
	root    string
	class   string
}

func main() {
	kubeconfig := flag.String("kubeconfig", "", "how to reach the API server")
	root := flag.String("root", "", "the folder that holds the volumes")
	class := flag.String("class", "standard", "the StorageClass whose claims are served")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *kubeconfig, *root, *class); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, kubeconfig, root, class string) error {
	if root == "" {
		return errors.New("-root is missing")
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, 0)
	claims, volumes := factory.Core().V1().PersistentVolumeClaims(), factory.Core().V1().PersistentVolumes()
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	}
	for _, informer := range []cache.SharedIndexInformer{claims.Informer(), volumes.Informer()} {
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
	p := provisioner{client, claims.Lister(), volumes.Lister(), root, class}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		}
		if err := errors.Join(p.provide(ctx), p.reclaim(ctx)); err != nil {
			log.Printf("will be tried again in a second: %v", err)
			time.AfterFunc(time.Second, notify)
		}
	}
}

// provide makes the folder and the volume of each claim that has a node and no volume yet.
func (p *provisioner) provide(ctx context.Context) error {
	claims, err := p.claims.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, claim := range claims {
		node := claim.Annotations[selectedNode]
		ours := claim.Spec.StorageClassName != nil && *claim.Spec.StorageClassName == p.class
		if !ours || node == "" || claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil {
			continue
		}
		volume := p.volumeFor(claim, node)
		if _, err := p.volumes.Get(volume.Name); err == nil {
			continue
		}
		if err := os.MkdirAll(volume.Spec.Local.Path, 0o770); err != nil {
			return err
		}
		_, err := p.client.CoreV1().PersistentVolumes().Create(ctx, volume, meta.CreateOptions{})
		if err != nil && !failure.IsAlreadyExists(err) {
			return err
		}
		log.Printf("made %s for %s/%s", volume.Name, claim.Namespace, claim.Name)
	}
	return nil
}

func (p *provisioner) volumeFor(claim *core.PersistentVolumeClaim, node string) *core.PersistentVolume {
	name := "pvc-" + string(claim.UID)
	return &core.PersistentVolume{
		ObjectMeta: meta.ObjectMeta{Name: name, Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": provisionerName}},
		Spec: core.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: core.PersistentVolumeReclaimDelete,
			StorageClassName:              p.class,
			AccessModes:                   claim.Spec.AccessModes,
			VolumeMode:                    claim.Spec.VolumeMode,
			Capacity:                      core.ResourceList{core.ResourceStorage: claim.Spec.Resources.Requests[core.ResourceStorage]},
			ClaimRef: &core.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: core.PersistentVolumeSource{Local: &core.LocalVolumeSource{Path: filepath.Join(p.root, name)}},
			NodeAffinity: &core.VolumeNodeAffinity{Required: &core.NodeSelector{NodeSelectorTerms: []core.NodeSelectorTerm{{
				MatchExpressions: []core.NodeSelectorRequirement{{Key: core.LabelHostname, Operator: core.NodeSelectorOpIn, Values: []string{node}}},
			}}}},
		},
	}
}

// reclaim removes the volumes whose claim is gone, and what they held.
func (p *provisioner) reclaim(ctx context.Context) error {
	volumes, err := p.volumes.List(labels.Everything())
	if err != nil {
		return err
	}
	for _, volume := range volumes {
		released := volume.Status.Phase == core.VolumeReleased || volume.Status.Phase == core.VolumeFailed
		ours := volume.Annotations["pv.kubernetes.io/provisioned-by"] == provisionerName && volume.Spec.Local != nil
		if !ours || !released || volume.Spec.PersistentVolumeReclaimPolicy != core.PersistentVolumeReclaimDelete {
			continue
		}
		// The folder is named by us, not by the object, which anybody with the right could have edited.
		if err := os.RemoveAll(filepath.Join(p.root, filepath.Base(volume.Name))); err != nil {
			return err
		}
		err := p.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, meta.DeleteOptions{})
		if err != nil && !failure.IsNotFound(err) {
			return err
		}
		log.Printf("removed %s", volume.Name)
	}
	return nil
}
