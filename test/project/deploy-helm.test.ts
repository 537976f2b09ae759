/**
 * The Helm chart, without Helm: values, their schema and the templates agree, and each template's actions balance.
 * Rendering is Helm's and is not tried here.
 */
import { Ajv, type JSONSchemaType } from 'ajv';
import { describe, expect, test } from 'vitest';
import { yamlOf } from './deploy-files.ts';
import { packageJson, projectFiles, read } from './repository.ts';

const chart = 'deploy/helm/conclave';
const values = yamlOf(`${chart}/values.yaml`) as Readonly<Record<string, unknown>>;
const schema = JSON.parse(read(`${chart}/values.schema.json`)) as JSONSchemaType<unknown>;
const templates = projectFiles().filter((path) => path.startsWith(`${chart}/templates/`));
const textOf = new Map(templates.map((path) => [path, read(path)]));
const everything = [...textOf.values()].join('\n');

const actionsIn = (text: string): string[] =>
  [...text.matchAll(/\{\{-?\s*(.*?)\s*-?\}\}/gs)].map(([, action]) => action ?? '');
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Paths of everything in values.yaml that holds no further names of ours. */
function leaves(value: unknown, path = ''): string[] {
  if (!isObject(value)) return [path];
  const inner = Object.entries(value).flatMap(([key, each]) =>
    leaves(each, path === '' ? key : `${path}.${key}`),
  );
  return inner.length === 0 ? [path] : inner;
}

describe('values', () => {
  const valid = new Ajv({ strict: true, allowUnionTypes: true }).compile(schema);

  test('values.yaml fits its schema', () => {
    expect(valid(values), JSON.stringify(valid.errors)).toBe(true);
  });

  test('every value has a schema that refuses what is not there', () => {
    const open = (part: Record<string, unknown>, value: unknown, path: string): string[] => {
      if (!isObject(value)) return [];
      const { properties = {}, additionalProperties } = part as {
        properties?: Record<string, object>;
      } & typeof part;
      if (Object.keys(properties).length === 0) return [];
      const missing = Object.keys(value).filter((key) => properties[key] === undefined);
      const unused = Object.keys(properties).filter((key) => !(key in value));
      return [
        ...(additionalProperties === false ? [] : [`${path}: open`]),
        ...[...missing, ...unused].map((key) => `${path}.${key}`),
        ...Object.entries(properties).flatMap(([key, inner]) =>
          open({ ...inner }, value[key], `${path}.${key}`),
        ),
      ];
    };
    expect(open(schema as Record<string, unknown>, values, '')).toEqual([]);
  });

  test.for([
    { replica: 3 },
    { election: { leaseDuration: 30 } },
    { election: { resourceName: 'a"b' } },
    { election: { resourceName: '${env("X")}' } },
    { server: { allowedHosts: ['a", "b'] } },
    { replicas: 0 },
    { server: { port: 70_000 } },
    { service: { type: 'Cluster' } },
  ])('%j is refused', (change) => {
    expect(valid(change)).toBe(false);
  });
});

describe('templates', () => {
  test('every value they use is in values.yaml, and every value there is used', () => {
    const used = new Set(
      [...everything.matchAll(/\.Values\.([A-Za-z.]+[A-Za-z])/g)].map(([, path]) => path ?? ''),
    );
    const at = (path: string) =>
      path.split('.').reduce<unknown>((value, key) => (isObject(value) ? value[key] : undefined), values);
    expect([...used].filter((path) => at(path) === undefined)).toEqual([]);
    const unused = leaves(values).filter(
      (leaf) => ![...used].some((path) => leaf === path || leaf.startsWith(`${path}.`)),
    );
    expect(unused).toEqual([]);
  });

  test.for(templates)('%s: braces and blocks are balanced', (path) => {
    const text = textOf.get(path) ?? '';
    const rest = text.replaceAll(/\{\{-?\s.*?\s-?\}\}|\{\{-?\s*\/\*.*?\*\/\s*-?\}\}/gs, '');
    expect(rest).not.toMatch(/\{\{|[^}]\}\}$/m);
    let depth = 0;
    for (const action of actionsIn(text)) {
      if (/^(if|with|range|define|block)\b/.test(action)) depth += 1;
      if (/^end\b/.test(action)) depth -= 1;
      expect(depth).toBeGreaterThanOrEqual(0);
      for (const [open, close] of ['()', '""'].map((pair) => [pair[0]!, pair[1]!] as const)) {
        const count = (mark: string) => action.split(mark).length - 1;
        if (open === close) expect(count(open) % 2, action).toBe(0);
        else expect(count(open), action).toBe(count(close));
      }
    }
    expect(depth).toBe(0);
  });

  test('every name that is included is defined once, and every one defined is included', () => {
    const defined = [...everything.matchAll(/\bdefine "([\w.]+)"/g)].map(([, name]) => name);
    const included = new Set([...everything.matchAll(/\binclude "([\w.]+)"/g)].map(([, name]) => name));
    expect(new Set(defined).size).toBe(defined.length);
    expect(included).toEqual(new Set(defined));
  });

  test('use only functions that Helm has', () => {
    // Words of Go's templates, of Helm and of sprig, as far as this chart uses them.
    const known =
      'if else end with range define include default quote printf toYaml toJson nindent trim trunc trimSuffix contains list concat add';
    const words = actionsIn(everything)
      .filter((action) => !action.startsWith('/*'))
      .flatMap((action) =>
        action
          .replaceAll(/"[^"]*"|[.$][\w.]*|:=/g, ' ')
          .split(/[^A-Za-z]+/)
          .filter((word) => word !== ''),
      );
    expect([...new Set(words)].filter((word) => !known.split(' ').includes(word))).toEqual([]);
  });

  test('what nindent indents is as deep as its line is', () => {
    for (const [path, text] of textOf)
      for (const [line, spaces = ''] of text.matchAll(/^( *)\{\{- .*\bnindent \d+ \}\}$/gm)) {
        const depth = Number(/nindent (\d+)/.exec(line)?.[1]);
        expect(depth, `${path}: ${line}`).toBe(spaces.length);
      }
  });
});

test('the chart is of this version', () => {
  const { version, appVersion } = yamlOf(`${chart}/Chart.yaml`) as Record<string, string>;
  const { version: ours } = packageJson() as unknown as { version: string };
  expect({ version, appVersion }).toEqual({ version: ours, appVersion: ours });
});

test('the chart and deploy/kubernetes ask for the same of a container', () => {
  // Line by line, where neither has names or values of its own.
  const of = (path: string) =>
    new Set(
      read(path)
        .split('\n')
        .map((line) => line.trim().replace(/^- /, '')),
    );
  const helm = of(`${chart}/templates/deployment.yaml`);
  const plain = [...of('deploy/kubernetes/deployment.yaml')].filter((line) =>
    /^(args|httpGet|periodSeconds|timeoutSeconds|failureThreshold|runAs|fsGroup|seccomp|allowPriv|readOnlyRoot|capabilities|rollingUpdate|minReady|automount|\{ name: (settings|state|tmp), mountPath)/.test(
      line,
    ),
  );
  expect(plain.filter((line) => !helm.has(line))).toEqual([]);
  expect(plain.length).toBeGreaterThan(12);
});
