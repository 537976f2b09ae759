/** A secret anywhere in a configuration, and everything that members tell: none of it may hold the secret. */
import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import type { ConfigReloadOptions, ConfigSchema } from '../../src/config.ts';
import { memoryJournal } from '../../src/index.ts';
import { ConfigCluster, NONE, ROUND_MS } from '../machines/config-handle-cluster-members.ts';
import { planted } from './formats-secrets.ts';

/** A schema that repeats what it was given, if it is asked to refuse. */
const talkative = (refuses: () => boolean): ConfigSchema<never> => ({
  '~standard': {
    version: 1,
    vendor: 'talkative',
    validate: (value) =>
      refuses()
        ? { issues: [{ message: `got ${JSON.stringify(value)}`, path: [] }] }
        : { value: value as never },
  },
});

const failure = fc.constantFrom('none', 'schema', 'prepare', 'commit', 'rollback', 'health', 'damaged');

describe('a secret in a configuration that members share', () => {
  test.prop([planted, planted, failure], { numRuns: 40 })(
    'is in nothing that they log, record, emit, report or answer',
    async (before, after, fails) => {
      const cluster = new ConfigCluster();
      const told: unknown[] = [];
      const tell = (...words: readonly unknown[]) =>
        void told.push(words.map((word) => (word instanceof Error ? [word.message, word.stack] : word)));
      const journal = memoryJournal();
      let isNew = false;
      const doubt = (stage: string, value: unknown) => {
        if (isNew && fails === stage) throw new Error(`${stage} got ${JSON.stringify(value)}`);
      };
      const references = { ...before.references.environment, ...after.references.environment };
      const secretOf = async (reference: string) => {
        for (const each of [after, before]) {
          const answer = await Promise.resolve(each.references.secret?.(reference)).catch(() => undefined);
          if (answer !== undefined) return answer;
        }
        throw new Error('unknown reference');
      };
      const options: Partial<ConfigReloadOptions<never>> = {
        schema: talkative(() => isNew && fails === 'schema'),
        journal,
        logger: { debug: tell, info: tell, warn: tell, error: tell },
        secrets: { environment: references, resolve: secretOf },
        timings: { healthMs: 2000 },
        health: (value) => doubt('health', value),
        handlers: [
          {
            name: 'talkative',
            prepare: (value) => {
              doubt('prepare', value);
              return {
                commit: () => {
                  doubt('commit', value);
                  doubt('rollback', value);
                },
                rollback: () => doubt('rollback', value),
              };
            },
          },
        ],
      };
      const members = [0, 1].map((index) =>
        cluster.member({}, { ...options, memberId: `m${index}` } as never),
      );
      const write = ({ file, text }: typeof before) => {
        for (const each of members) {
          const source = cluster.sources.get(each)!;
          source.name = file;
          source.write(text);
        }
      };
      try {
        write(before);
        for (const each of members) {
          each.events$.subscribe((event) => tell(event));
          each.start().catch((error: unknown) => tell(error));
        }
        await cluster.pass(2 * ROUND_MS);
        isNew = true;
        write(fails === 'damaged' ? { ...after, text: after.text.slice(0, -2) } : after);
        await cluster.pass(2 * ROUND_MS);
        for (const each of members) {
          const asked = [
            each.reload({ notifyOthers: true }),
            each.diff(),
            each.rollback(),
            each.members(),
            each.history(),
          ];
          const answers = Promise.allSettled(asked);
          await cluster.pass(ROUND_MS);
          tell(await answers, each.status());
        }
        tell(await cluster.store.head(NONE), await cluster.store.history(NONE));
        tell(await cluster.store.audit(NONE), await cluster.store.reports(NONE));
        for (const each of members) for await (const record of each.journal.export()) tell(record);
      } finally {
        await cluster.end();
      }
      const all = JSON.stringify(told, (_, value: unknown) =>
        value instanceof Error
          ? { fields: Object.entries(value), message: value.message }
          : typeof value === 'bigint'
            ? String(value)
            : value,
      );
      expect(told.length).toBeGreaterThan(10);
      for (const { secret } of [before, after])
        for (const form of [
          secret,
          secret.toLowerCase(),
          Buffer.from(secret).toString('base64').slice(0, 12),
        ])
          expect(all.includes(form), form).toBe(false);
    },
  );
});
