import { hostname } from 'node:os';
import type { Command } from 'commander';
import type { HeadCalls } from '../config/head-calls.ts';
import { moveBack } from '../config/head-commands.ts';
import type { MemberReport } from '../config/head.ts';
import { SettingsError } from '../errors.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { addStoreOptions, type ConfigStoreOptions, settingsOfMembers, withHead } from './config-store.ts';
import { parseDuration } from './duration.ts';
import { unlessWrong } from './given-settings.ts';
import { addCommand, EXIT, print, printJson } from './output.ts';

interface RollbackOptions extends ConfigStoreOptions {
  readonly to?: string;
  readonly wait: number;
}

/** How often reports are read while members are waited for. */
const ASK_MS = 200;

export function register(parent: Command): void {
  const command = addCommand(parent, {
    usage: 'rollback',
    summary: 'have all members return to an earlier configuration',
    description:
      'Moves what members share to the content of an earlier generation, as a new generation, and waits until each of them has applied it. Files stay as they are; their next change is applied again.',
    examples: [
      ['conclave config rollback', 'to the content before, where the settings or members here say'],
      ['conclave config rollback --store redis://localhost --to 12', 'to that of generation 12'],
    ],
    exitCodes: { 0: 'every member that reports has it', 1: 'not moved, or some member does not have it' },
  })
    .option('--to <generation>', 'which; default the last one with other content')
    .option('--wait <duration>', 'wait at most this long for the members', parseDuration, 10_000);
  addStoreOptions(command).action(async (options: RollbackOptions) =>
    withHead(options, unlessWrong(await settingsOfMembers(options)), async (calls) => {
      const to = generationOf(options.to);
      const head = await moveBack(calls, to, { who: `cli@${hostname()}`, at: systemClock.wallMs() });
      const members = await membersAt(calls, head.generation, options.wait);
      const late = members.filter((each) => !hasIt(each, head.generation));
      if (late.length > 0) process.exitCode = EXIT.failure;
      const { generation, sha } = head;
      if (options.json) return printJson({ generation, sha, members });
      print(`Moved to generation ${generation} (${sha.slice(0, 12)}).`);
      print(`${members.length - late.length} of ${members.length} members have it.`);
      for (const { member, state, diagnostics } of late)
        print(`  ${member}: ${diagnostics[0]?.message ?? state}`);
      return undefined;
    }),
  );
}

function generationOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new SettingsError('SETTINGS_INVALID', `--to is "${text}", but must be the number of a generation.`);
}

const hasIt = ({ state, applied }: MemberReport, generation: number): boolean =>
  state === 'applied' && applied?.generation === generation;

/** How the members stand once all of them have it or refused it, or time is over. */
async function membersAt(
  calls: HeadCalls,
  generation: number,
  waitMs: number,
): Promise<readonly MemberReport[]> {
  const until = systemClock.monotonicMs() + waitMs;
  for (;;) {
    const reports = await calls.reports();
    const isDone = (each: MemberReport) =>
      hasIt(each, generation) || (each.state === 'rejected' && each.generation === generation);
    if (reports.every(isDone) || systemClock.monotonicMs() >= until) return reports;
    await new Promise<void>((resolve) => void systemClock.setTimeout(resolve, ASK_MS));
  }
}
