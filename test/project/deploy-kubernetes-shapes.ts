/**
 * What Kubernetes objects may look like, as far as ours use it. Strict: a field that is not here is a slip of the
 * keyboard, which the API server would refuse or, worse, drop.
 */
import { z } from 'zod';

const labels = z.record(z.string(), z.string());
const matchLabels = z.strictObject({ matchLabels: labels });
const name = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/);
const metadata = z.strictObject({ name, namespace: name.optional(), labels });
const quantity = z.string().regex(/^\d+(m|Ki|Mi|Gi)?$/);
const seconds = z.int().min(1);
const port = z.union([name, z.int().min(1).max(65_535)]);
const protocol = z.enum(['TCP', 'UDP']);

const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string().startsWith('/'), port: name }),
  periodSeconds: seconds,
  timeoutSeconds: seconds,
  failureThreshold: seconds,
});

const amounts = z.strictObject({ cpu: quantity, memory: quantity });
const keyOf = z.strictObject({ name, key: z.string() });

const variable = z.strictObject({
  name: z.string().regex(/^[A-Z][A-Z0-9_]*$/),
  valueFrom: z.union([
    z.strictObject({
      fieldRef: z.strictObject({ fieldPath: z.enum(['metadata.name', 'metadata.namespace']) }),
    }),
    z.strictObject({ secretKeyRef: keyOf }),
  ]),
});

const container = z.strictObject({
  name,
  image: z.string(),
  imagePullPolicy: z.literal('IfNotPresent'),
  args: z.array(z.string()),
  env: z.array(variable),
  ports: z.array(z.strictObject({ name, containerPort: z.int(), protocol })),
  startupProbe: probe,
  livenessProbe: probe,
  readinessProbe: probe,
  lifecycle: z.strictObject({
    preStop: z.strictObject({ sleep: z.strictObject({ seconds }) }),
  }),
  resources: z.strictObject({ requests: amounts, limits: amounts }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal('ALL')]) }),
  }),
  // No subPath: what is mounted by it never changes while the pod lives.
  volumeMounts: z.array(
    z.strictObject({ name, mountPath: z.string().startsWith('/'), readOnly: z.boolean().optional() }),
  ),
});

const volume = z.union([
  z.strictObject({ name, configMap: z.strictObject({ name, defaultMode: z.literal(0o440) }) }),
  z.strictObject({ name, emptyDir: z.strictObject({ sizeLimit: quantity }) }),
]);

const pod = z.strictObject({
  serviceAccountName: name,
  automountServiceAccountToken: z.literal(false),
  enableServiceLinks: z.literal(false),
  terminationGracePeriodSeconds: seconds,
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.int().min(1000),
    runAsGroup: z.int().min(1000),
    fsGroup: z.int().min(1000),
    fsGroupChangePolicy: z.literal('OnRootMismatch'),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  topologySpreadConstraints: z.array(
    z.strictObject({
      maxSkew: z.int().min(1),
      topologyKey: z.string(),
      whenUnsatisfiable: z.enum(['ScheduleAnyway', 'DoNotSchedule']),
      labelSelector: matchLabels,
    }),
  ),
  containers: z.tuple([container]),
  volumes: z.array(volume),
});

const peer = z.union([
  z.strictObject({ ipBlock: z.strictObject({ cidr: z.string() }) }),
  z
    .strictObject({
      podSelector: z.union([matchLabels, z.strictObject({})]).optional(),
      namespaceSelector: z.union([matchLabels, z.strictObject({})]).optional(),
    })
    .refine((selectors) => Object.keys(selectors).length > 0, 'an empty peer lets everybody in'),
]);
const policyPorts = z.array(z.strictObject({ port, protocol })).min(1);

export const deployment = z.strictObject({
  apiVersion: z.literal('apps/v1'),
  kind: z.literal('Deployment'),
  metadata,
  spec: z.strictObject({
    replicas: z.int().min(2),
    revisionHistoryLimit: z.int(),
    selector: matchLabels,
    strategy: z.strictObject({
      type: z.literal('RollingUpdate'),
      rollingUpdate: z.strictObject({ maxUnavailable: z.int(), maxSurge: z.int() }),
    }),
    minReadySeconds: seconds,
    template: z.strictObject({ metadata: z.strictObject({ labels }), spec: pod }),
  }),
});

export const service = z.strictObject({
  apiVersion: z.literal('v1'),
  kind: z.literal('Service'),
  metadata,
  spec: z.strictObject({
    type: z.literal('ClusterIP'),
    selector: labels,
    ports: z.array(z.strictObject({ name, port: z.int(), targetPort: name, protocol })),
  }),
});

export const disruptionBudget = z.strictObject({
  apiVersion: z.literal('policy/v1'),
  kind: z.literal('PodDisruptionBudget'),
  metadata,
  spec: z.strictObject({ maxUnavailable: z.int().min(1), selector: matchLabels }),
});

export const networkPolicy = z.strictObject({
  apiVersion: z.literal('networking.k8s.io/v1'),
  kind: z.literal('NetworkPolicy'),
  metadata,
  spec: z.strictObject({
    podSelector: matchLabels,
    policyTypes: z.tuple([z.literal('Ingress'), z.literal('Egress')]),
    ingress: z.array(z.strictObject({ from: z.array(peer).min(1), ports: policyPorts })),
    egress: z.array(z.strictObject({ to: z.array(peer).min(1), ports: policyPorts })),
  }),
});

export const serviceMonitor = z.strictObject({
  apiVersion: z.literal('monitoring.coreos.com/v1'),
  kind: z.literal('ServiceMonitor'),
  metadata,
  spec: z.strictObject({
    selector: matchLabels,
    namespaceSelector: z.strictObject({ matchNames: z.array(name) }),
    endpoints: z.array(
      z.strictObject({
        port: name,
        path: z.literal('/metrics'),
        interval: z.string().regex(/^\d+s$/),
        scrapeTimeout: z.string().regex(/^\d+s$/),
      }),
    ),
  }),
});

const texts = z.record(z.string(), z.string());

export const shapes = {
  Deployment: deployment,
  Service: service,
  PodDisruptionBudget: disruptionBudget,
  NetworkPolicy: networkPolicy,
  ServiceMonitor: serviceMonitor,
  ConfigMap: z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('ConfigMap'),
    metadata,
    data: texts,
  }),
  Secret: z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Secret'),
    metadata,
    type: z.literal('Opaque'),
    stringData: texts,
  }),
  ServiceAccount: z.strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('ServiceAccount'),
    metadata,
    automountServiceAccountToken: z.literal(false),
  }),
} as const;
