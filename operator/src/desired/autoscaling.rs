//! How many replicas, and how few at the least.

use super::meta::{Component, name, object_meta, selector};
use crate::validate::{Replicas, ValidStore};
use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec, MetricSpec,
    MetricTarget, ResourceMetricSource,
};
use k8s_openapi::api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// The autoscaler of a component that has one.
pub(super) fn autoscaler(
    store: &ValidStore,
    component: Component<'_>,
    replicas: &Replicas,
) -> Option<HorizontalPodAutoscaler> {
    let Replicas::Automatic {
        min,
        max,
        target_cpu,
    } = *replicas
    else {
        return None;
    };
    Some(HorizontalPodAutoscaler {
        metadata: object_meta(store, component),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name: name(store, component.name),
            },
            min_replicas: Some(min),
            max_replicas: max,
            metrics: Some(vec![MetricSpec {
                type_: "Resource".to_owned(),
                resource: Some(ResourceMetricSource {
                    name: "cpu".to_owned(),
                    target: MetricTarget {
                        type_: "Utilization".to_owned(),
                        average_utilization: Some(target_cpu),
                        ..MetricTarget::default()
                    },
                }),
                ..MetricSpec::default()
            }]),
            behavior: None,
        }),
        status: None,
    })
}

/// Nodes are drained one pod of a component at a time, and a pod that is not ready anyway never holds a drain up.
pub(super) fn disruption_budget(
    store: &ValidStore,
    component: Component<'_>,
) -> PodDisruptionBudget {
    PodDisruptionBudget {
        metadata: object_meta(store, component),
        spec: Some(PodDisruptionBudgetSpec {
            max_unavailable: Some(IntOrString::Int(1)),
            selector: Some(selector(store, component.name)),
            unhealthy_pod_eviction_policy: Some("AlwaysAllow".to_owned()),
            ..PodDisruptionBudgetSpec::default()
        }),
        status: None,
    }
}
