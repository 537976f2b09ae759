/** How the end of a command is answered, whichever it is: 200 only if what was asked for is in force. */
import { NEVER } from 'rxjs';
import { describe, expect, test } from 'vitest';
import { conclaveApp, type ServedConfig } from '../../src/server.ts';
import { VirtualClock } from '../../src/testing.ts';
import { elapse } from '../machines/elapse.ts';
import { as, ask, post, tokens } from './http-member.ts';

type Outcome = Awaited<ReturnType<ServedConfig['reload']>>;

const attempt = 7;
const sha = 'f'.repeat(64);
const diagnostic = {
  stage: 'checking',
  code: 'SCHEMA',
  message: 'wrong',
  file: null,
  line: null,
  column: null,
  path: 'port',
} as const;
const rejected = {
  type: 'rejected',
  attempt,
  generation: 3,
  sha,
  stage: 'checking',
  diagnostics: [diagnostic],
  omitted: 0,
  known: false,
} as const;

/** A configuration whose commands end as the test says. */
function ending(reload: () => Promise<unknown>): ServedConfig {
  const status = () => ({ memberId: 'm', generation: 2, sha, rejected: null, shared: null });
  const ends = { reload, rollback: reload, propose: reload, validate: reload };
  const actor = { getSnapshot: () => ({ status: 'active' }) };
  return { memberId: 'm', events$: NEVER, actor, status, ...ends } as unknown as ServedConfig;
}

const outcomes: readonly (readonly [number, string | null, Partial<Outcome> & { readonly type: string }])[] =
  [
    [200, null, { type: 'applied', attempt, generation: 2, sha }],
    [200, null, { type: 'unchanged', attempt, generation: 2, sha }],
    [200, null, { type: 'adopted', generation: 2, sha }],
    [422, 'CONFIG_REFUSED', { ...rejected, transient: false }],
    [503, 'CONFIG_UNAVAILABLE', { ...rejected, transient: true }],
    [503, 'CONFIG_WAITING', { type: 'waitingForFile', attempt, generation: 3, sha, found: null }],
    [409, 'CONFIG_SUPERSEDED', { type: 'superseded', attempt, stage: 'reading', sha: null }],
  ];

describe('a command that ends', () => {
  test.for(outcomes)('is answered %d %s', async ([status, code, outcome]) => {
    const app = conclaveApp({ config: ending(async () => ({ ...outcome, others: [] })), tokens });
    for (const path of ['/v1/config/reload', '/admin/metadata/reload'])
      expect(await ask(app, path, post({}, as('reload')))).toMatchObject({
        status,
        body: code === null ? { status: outcome.type } : { code, in_force: { generation: 2, sha } },
      });
    expect(await ask(app, '/v1/config/rollback', post({}, as('write')))).toMatchObject({ status });
  });

  test('half done is answered 500 with what is half done', async () => {
    const outcome = { type: 'unhealthy', code: 'HANDLER_FAILED', message: 'stuck', halfDone: ['database'] };
    const app = conclaveApp({ config: ending(async () => ({ ...outcome, others: [] })), tokens });
    const answer = await ask(app, '/v1/config/rollback', post({}, as('write')));
    expect(answer).toMatchObject({ status: 500, body: { code: 'CONFIG_TROUBLE', half_done: ['database'] } });
  });

  test('not at all is answered 504 after its time', async () => {
    const clock = new VirtualClock();
    const app = conclaveApp({ config: ending(() => new Promise(() => {})), tokens, clock });
    const answers = [
      ask(app, '/v1/config/reload', post({}, as('reload'))),
      ask(app, '/admin/metadata/reload', post({}, as('reload'))),
      ask(app, '/v1/config', { method: 'PUT', body: '{}', headers: { ...as('write'), 'if-match': '*' } }),
    ];
    await elapse(clock, 30_001);
    for (const answer of await Promise.all(answers))
      expect(answer).toMatchObject({ status: 504, body: { code: 'OUTCOME_UNKNOWN' } });
    expect(clock.pending).toBe(0);
  });
});
