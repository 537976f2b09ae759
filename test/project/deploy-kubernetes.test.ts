/**
 * deploy/kubernetes, as far as it can be tried without a cluster: shapes, and everything that one file says about
 * another. What the settings in the ConfigMap mean is tried in deploy-settings.test.ts.
 */
import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { kubernetesObjects, type Labels, settingsInConfigMap, within, yamlOf } from './deploy-files.ts';
import * as kubernetes from './deploy-kubernetes-shapes.ts';
import { projectFiles, read } from './repository.ts';

const objects = kubernetesObjects();
const plain = (object: (typeof objects)[number]) => {
  const { path: _, ...rest } = object;
  return rest;
};
/** The one object of a kind, in its shape. */
function one<T extends z.ZodType>(shape: T, kind: keyof typeof kubernetes.shapes): z.infer<T> {
  const [found, ...more] = objects.filter((object) => object.kind === kind);
  expect(more).toEqual([]);
  return shape.parse(found && plain(found));
}

const { spec: deployed } = one(kubernetes.deployment, 'Deployment');
const podLabels = deployed.template.metadata.labels;
const pod = deployed.template.spec;
const [container] = pod.containers;
const portOf = (name: string) => container.ports.find((port) => port.name === name)?.containerPort;
const settings = settingsInConfigMap();
const setting = (name: string) => Number(new RegExp(`\\b${name}\\s*=\\s*(\\d+)`).exec(settings)?.[1]);

describe('each object', () => {
  test.for(objects)(
    '$kind in $path has the shape that Kubernetes asks for, and no field it would drop',
    (object) => {
      const shape = kubernetes.shapes[object.kind as keyof typeof kubernetes.shapes];
      expect(shape.safeParse(plain(object)).error?.issues ?? []).toEqual([]);
    },
  );

  test('a field with a slip of the keyboard would be found', () => {
    const { path: _, ...good } = objects.find(({ kind }) => kind === 'Deployment')!;
    const bad = structuredClone(good) as unknown as { spec: { template: { spec: Record<string, unknown> } } };
    bad.spec.template.spec['terminationGracePeriod'] = 60;
    expect(kubernetes.deployment.safeParse(bad).success).toBe(false);
  });

  test('kustomization.yaml names every file but the example of a Secret and what needs an operator', () => {
    const { resources } = yamlOf('deploy/kubernetes/kustomization.yaml') as { resources: string[] };
    const files = projectFiles().filter((path) => /^deploy\/kubernetes\/[^/]*\.yaml$/.test(path));
    const expected = files
      .map((path) => basename(path))
      .filter((name) => !/^(kustomization|secret\.example)\.yaml$/.test(name));
    expect(resources.toSorted()).toEqual(expected.toSorted());
  });
});

describe('what one says of another', () => {
  test('every selector of pods selects the pods of the Deployment, and only by labels they have', () => {
    const selectors: Labels[] = [
      deployed.selector.matchLabels,
      one(kubernetes.service, 'Service').spec.selector,
      one(kubernetes.disruptionBudget, 'PodDisruptionBudget').spec.selector.matchLabels,
      one(kubernetes.networkPolicy, 'NetworkPolicy').spec.podSelector.matchLabels,
      ...pod.topologySpreadConstraints.map(({ labelSelector }) => labelSelector.matchLabels),
    ];
    for (const selector of selectors) expect(podLabels).toMatchObject(selector);
  });

  test('Service, NetworkPolicy, probes and ServiceMonitor name ports that the container has', () => {
    const named = new Set(container.ports.map(({ name }) => name));
    const { spec } = one(kubernetes.service, 'Service');
    for (const { targetPort } of spec.ports) expect(named).toContain(targetPort);
    for (const { ports } of one(kubernetes.networkPolicy, 'NetworkPolicy').spec.ingress)
      for (const { port } of ports) expect(named).toContain(port);
    const { spec: monitor } = one(kubernetes.serviceMonitor, 'ServiceMonitor');
    const { metadata } = one(kubernetes.service, 'Service');
    expect(metadata.labels).toMatchObject(monitor.selector.matchLabels);
    const served = spec.ports.map(({ name }) => name);
    for (const { port } of monitor.endpoints) expect(served).toContain(port);
  });

  test('the container listens where its settings say', () => {
    expect(portOf('http')).toBe(setting('port'));
    expect(portOf('metrics')).toBe(setting('metrics_port'));
  });

  test('what is mounted is there: settings as a whole directory, state and /tmp where it may write', () => {
    const mounts = Object.fromEntries(container.volumeMounts.map((mount) => [mount.mountPath, mount]));
    const volumes = Object.fromEntries(pod.volumes.map((volume) => [volume.name, volume]));
    const config = container.args[container.args.indexOf('--config') + 1] ?? '';
    // Where the image begins is where the member keeps its things.
    const [, state = ''] = /^WORKDIR (.*)\nVOLUME/m.exec(read('Dockerfile')) ?? [];
    const directory = config.slice(0, config.lastIndexOf('/'));
    expect(mounts[directory]?.readOnly).toBe(true);
    expect(volumes[mounts[directory]?.name ?? '']).toMatchObject({ configMap: { name: 'conclave' } });
    for (const writable of [state, '/tmp'])
      expect(volumes[mounts[writable]?.name ?? '']).toHaveProperty('emptyDir');
    expect(Object.keys(mounts).toSorted()).toEqual([directory, state, '/tmp'].toSorted());
  });

  test('nothing anywhere is mounted by subPath', () => {
    const manifests = projectFiles().filter(
      (path) => /^deploy\/.*\.yaml$/.test(path) && !path.includes('/templates/'),
    );
    for (const path of manifests)
      for (const inner of within(yamlOf(path)))
        expect(
          Object.keys(inner).filter((key) => key.startsWith('subPath')),
          path,
        ).toEqual([]);
  });

  test('settings and Secret agree with the environment of the container', () => {
    const { stringData } = one(kubernetes.shapes.Secret, 'Secret');
    const given = Object.fromEntries(container.env.map(({ name, valueFrom }) => [name, valueFrom]));
    const asked = [...settings.matchAll(/env\("(\w+)"/g)].map(([, name]) => name ?? '');
    for (const name of asked) expect(given).toHaveProperty(name);
    for (const [name, from] of Object.entries(given)) {
      if ('secretKeyRef' in from) expect(stringData).toHaveProperty(from.secretKeyRef.key);
      // POD_NAMESPACE is read without being asked for.
      if (name !== 'POD_NAMESPACE') expect(asked).toContain(name);
    }
    expect(given['POD_NAME']).toEqual({ fieldRef: { fieldPath: 'metadata.name' } });
  });
});

describe('a rollout', () => {
  test('gives a member the time it needs to drain and, at worst, to see its lease out', () => {
    const { seconds } = container.lifecycle.preStop.sleep;
    const lease = 30; // of the production preset; deploy-settings.test.ts holds it to that
    const needed = seconds + setting('drain_timeout_seconds') + lease;
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(needed);
  });

  test('never takes an old member away before a new one is ready', () => {
    expect(deployed.strategy.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
    const { maxUnavailable } = one(kubernetes.disruptionBudget, 'PodDisruptionBudget').spec;
    expect(maxUnavailable).toBeLessThan(deployed.replicas);
  });

  test('looks at liveness and readiness where the server tells them', () => {
    expect(container.startupProbe.httpGet).toEqual({ path: '/health/live', port: 'http' });
    expect(container.livenessProbe.httpGet).toEqual({ path: '/health/live', port: 'http' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/health/ready', port: 'http' });
  });

  test('the plain scrape configuration finds the same pods and port', () => {
    const { scrape_configs: jobs } = yamlOf('deploy/kubernetes/monitoring/prometheus.yaml') as {
      scrape_configs: {
        metrics_path: string;
        relabel_configs: { source_labels: string[]; regex?: string }[];
      }[];
    };
    const [job, ...more] = jobs;
    expect(more).toEqual([]);
    expect(job?.metrics_path).toBe('/metrics');
    const keeps = Object.fromEntries(
      job!.relabel_configs.map((rule) => [rule.source_labels.join(), rule.regex]),
    );
    expect(keeps).toMatchObject({
      __meta_kubernetes_pod_label_app_kubernetes_io_name: podLabels['app.kubernetes.io/name'],
      __meta_kubernetes_pod_container_port_name: 'metrics',
    });
  });
});
