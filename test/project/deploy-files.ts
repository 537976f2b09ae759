/** The deploy files, read the way their tools read them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { describeRedis, parseRedis } from '../../src/redis.ts';
import { resolveSettings } from '../../src/settings/resolve.ts';
import { projectFiles, read, temporaryDirectory } from './repository.ts';

/** One YAML document; a merge key (`<<`) counts, as in Compose files. */
export const yamlOf = (path: string): unknown => parse(read(path), { merge: true });

export interface KubernetesObject {
  readonly path: string;
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Labels };
  readonly [field: string]: unknown;
}

export type Labels = Readonly<Record<string, string>>;

/** All objects below deploy/kubernetes that are for the API server. */
export function kubernetesObjects(): KubernetesObject[] {
  return projectFiles()
    .filter((path) => /^deploy\/kubernetes\/.*\.yaml$/.test(path))
    .flatMap((path) =>
      parseAllDocuments(read(path)).map((document) => ({ path, ...(document.toJS() as object) })),
    )
    .filter((object): object is KubernetesObject => 'kind' in object && object.kind !== 'Kustomization');
}

/** Every object or array within a value, itself included. */
export function* within(value: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (typeof value !== 'object' || value === null) return;
  yield value as Record<string, unknown>;
  for (const inner of Object.values(value)) yield* within(inner);
}

/** The settings file in the ConfigMap. */
export function settingsInConfigMap(): string {
  const map = kubernetesObjects().find(({ kind }) => kind === 'ConfigMap');
  return (map?.['data'] as Labels | undefined)?.['conclave.hcl'] ?? '';
}

/** What a member makes of a settings file. */
export async function resolvedFrom(text: string, environment: Readonly<Record<string, string>>) {
  using directory = temporaryDirectory();
  const file = join(directory.path, 'conclave.hcl');
  writeFileSync(file, text);
  return await resolveSettings({
    file,
    environment,
    flags: {},
    cwd: directory.path,
    readRedis: (connection) => ({ name: describeRedis(parseRedis(connection)), notes: [] }),
  });
}
