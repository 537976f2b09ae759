/** The settings files that are shipped, read by the code that members read theirs with. */
import { describe, expect, test } from 'vitest';
import { kubernetesObjects, resolvedFrom, settingsInConfigMap } from './deploy-files.ts';
import { read } from './repository.ts';

const ENVIRONMENT = {
  REDIS_CONNECTION_STRING: 'redis://:secret@redis:6379',
  OPERATOR_TOKEN: 'an-operator-token-of-some-length',
  POD_NAME: 'conclave-1',
};

/** `a.b.c` for each key in a file whose blocks and values stand on lines of their own. */
function keysIn(text: string): string[] {
  const within: string[] = [];
  return text.split('\n').flatMap((line) => {
    const [, block] = /^\s*(\w+(?: "\w+")?) \{$/.exec(line) ?? [];
    if (block !== undefined) within.push(block);
    if (/^\s*\}$/.test(line)) within.pop();
    const [, key] = /^\s*(\w+)\s*=/.exec(line) ?? [];
    return key === undefined ? [] : [[...within, key].join('.')];
  });
}

describe.for([
  ['deploy/config/conclave.hcl', () => read('deploy/config/conclave.hcl')],
  ['the ConfigMap', settingsInConfigMap],
] as const)('%s', ([, textOf]) => {
  test('resolves without a problem or a note', async () => {
    const { settings, notes, problems } = await resolvedFrom(textOf(), ENVIRONMENT);
    expect({ notes, problems }).toEqual({ notes: [], problems: [] });
    expect(settings).toMatchObject({
      environment: 'production',
      highAvailability: true,
      drainTimeoutMs: 10_000,
      leaderElection: {
        enabled: true,
        resourceName: 'conclave',
        instanceId: 'conclave-1',
        leaseDurationMs: 30_000,
        renewIntervalMs: 10_000,
      },
      store: { kind: 'redis', name: 'redis://:***@redis:6379' },
      server: { address: '0.0.0.0', port: 8080, metricsPort: 8081 },
    });
    expect(settings.server.tokens.map(({ scopes }) => scopes)).toEqual([
      ['read', 'reload', 'write', 'admin'],
    ]);
    expect(JSON.stringify(settings)).not.toMatch(/secret|an-operator-token/);
  });

  test.for(['REDIS_CONNECTION_STRING', 'OPERATOR_TOKEN'])(
    'without %s it is refused, by name',
    async (name) => {
      const { [name as keyof typeof ENVIRONMENT]: _, ...without } = ENVIRONMENT;
      await expect(resolvedFrom(textOf(), without)).rejects.toThrow(name);
    },
  );
});

test('the chart sets what the ConfigMap sets, and the times that its values hold', () => {
  const template = read('deploy/helm/conclave/templates/configmap.yaml');
  const lines = template.split('\n');
  const settings = lines.slice(lines.findIndex((line) => line.includes('conclave.hcl: |')) + 1).join('\n');
  const leader = 'conclave.high_availability.leader_election';
  const more = ['lease_duration_seconds', 'renewal_interval_seconds', 'grace_period_seconds'];
  const expected = [
    ...keysIn(settingsInConfigMap()),
    ...more.map((name) => `${leader}.${name}`),
    'conclave.redis.wait_replicas',
  ];
  expect(new Set(keysIn(settings))).toEqual(new Set(expected));
});

test('no variable of the containers is one that members take for a setting by accident', () => {
  const deployment = kubernetesObjects().find(({ kind }) => kind === 'Deployment');
  const names = [...JSON.stringify(deployment).matchAll(/"name":"([A-Z_]+)"/g)].map(([, name]) => name);
  expect(names.filter((name) => /^CONCLAVE_|__/.test(name ?? ''))).toEqual([]);
});
