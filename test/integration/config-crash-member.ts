/**
 * A process with a reloaded configuration that kills itself at a given step of applying port 2, as a crash would.
 * Arguments: directory, step, port. A step is a call of a handler or, as `in …`, a state of the chart. Says what is in force on standard output, one line of JSON for each change.
 */
import { join } from 'node:path';
import { createConfigReload } from 'conclave/config';

const [directory = '', step = '', doomed = '2'] = process.argv.slice(2);

const at = (here: string, port: number): void => {
  if (here === step && port === Number(doomed)) process.kill(process.pid, 'SIGKILL');
};
const portOf = (value: unknown): number => (value as { port: number }).port;

const handler = (name: string) => ({
  name,
  prepare: ({ port }: { port: number }) => {
    at(`prepare ${name}`, port);
    return { commit: () => at(`commit ${name}`, port) };
  },
});

const reload = createConfigReload({
  source: join(directory, 'app.json'),
  schema: {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value: unknown) => {
        at('check', portOf(value));
        return { value: { port: portOf(value) } };
      },
    },
  },
  handlers: [handler('first'), handler('second')],
  stateDir: join(directory, 'state'),
  timings: { quietMs: 20, healthMs: 300 },
  sweepMs: 200,
});
/** Once it has started, what comes is the doomed one. */
let started = false;
reload.actor.subscribe(({ value }) => {
  const [state, inner] = typeof value === 'string' ? [value] : (Object.entries(value)[0] ?? []);
  if (!started) return;
  const isAt = step === `in ${String(state)}` || step === `in ${String(inner)}`;
  if (isAt) process.kill(process.pid, 'SIGKILL');
});
const say = (what: string) =>
  process.stdout.write(`${JSON.stringify({ what, port: reload.current.port })}\n`);
reload.on('applied', ({ trigger }) => {
  say(`applied by ${trigger}`);
  at('applied', reload.current.port);
});
reload.on('confirmed', () => {
  say('confirmed');
  at('confirmed', reload.current.port);
});
reload.on('rejected', ({ diagnostics: [first] }) =>
  process.stdout.write(`${JSON.stringify({ what: 'rejected', code: first?.code })}\n`),
);
process.on('SIGTERM', () => void reload.stop());
await reload.start();
started = true;
// Last: who reads it goes on at once.
say('started');
