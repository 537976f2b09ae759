/** A process killed on its way into each state of the chart, one after the other, in one directory. */
import { expect, test } from 'vitest';
import { guardedDirectory } from '../redis/guard.ts';
import { CRASHED, Member, write } from './config-crash-processes.ts';

test('a process killed between any two stages runs the last good one if it had reached the handlers, and never tries that again', async () => {
  using directory = guardedDirectory('config');
  await write(directory.path, 1);
  /** What was in force for good before each kill. */
  let good = 1;
  const stages = [
    'debouncing',
    'reading',
    'parsing',
    'checking',
    'preparing',
    'recording',
    'committing',
    'watched',
  ];
  for (const [index, stage] of stages.entries()) {
    const port = 100 + index;
    {
      await using victim = new Member(directory.path, `in ${stage}`, port);
      expect(await victim.says('started'), stage).toMatchObject({ port: good });
      await victim.says('confirmed');
      await write(directory.path, port);
      expect(await victim.ends(), stage).toBe('SIGKILL');
    }
    await using next = new Member(directory.path, '');
    const reachedHandlers = index >= stages.indexOf('recording');
    if (!reachedHandlers) good = port;
    expect(await next.says('started'), stage).toMatchObject({ port: good });
    await next.says('confirmed');
    if (reachedHandlers) expect(next.lines[0], stage).toEqual(CRASHED);
    else expect(next.lines, stage).not.toContainEqual(CRASHED);
    expect(await next.stop()).toBe(0);
  }
});
