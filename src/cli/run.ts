import { type Command, Option } from 'commander';
import { parseDuration } from './duration.ts';
import { addConfigOption, addKeyOptions, type SettingOptions } from './given-settings.ts';
import { STORE_FORMS } from './lease-stores.ts';
import { addCommand } from './output.ts';
import { whyUnrunnable } from './run-command.ts';
import { reportUnrunnable, Runner, type RunOptions } from './run-loop.ts';
import { runMember } from './run-settings.ts';

export function register(program: Command): void {
  const command = addCommand(program, {
    usage: 'run <command...>',
    summary: 'run a command only while this member leads',
    description: [
      'Waits until this member leads, then runs the command in a process group of its own. If the lease is not renewed, the whole group gets SIGTERM early enough for SIGKILL to reach it before the lease ends: when another member starts its command, nothing of this one runs any more. That holds if this process is killed or frozen, too. When the command ends, leadership is handed over at once.',
      'The command finds CONCLAVE_LEASE_TOKEN, CONCLAVE_LEASE_TERM and CONCLAVE_LEASE_RESOURCE in its environment: pass the token to whatever it writes to, which can then refuse a smaller one. SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 and SIGWINCH are passed on to the group.',
      "Resource, store, key, timings and the rest come from the settings of `conclave up`, from the same file and environment, unless a flag says otherwise, so that both compete for the same lease. Without any settings, the store is an embedded one in .conclave/. The journal is a member's own: only --journal names one.",
      'Out of reach: processes that leave the group (setsid, daemons), run as another user, or hang in the kernel.',
    ].join('\n\n'),
    examples: [
      [
        'conclave run --resource billing -- node worker.js',
        'one worker at a time, on whichever member leads',
      ],
      [
        'conclave run --config /etc/conclave/conclave.hcl -- node worker.js',
        'beside what leads there, by the same settings',
      ],
      ['conclave run --resource backup --try -- ./backup.sh', 'from cron: skip if another one is at it'],
      ['conclave run --resource migrate --once --wait 30s -- ./migrate', 'once, and not much later'],
    ],
    exitCodes: {
      n: 'the exit code of the command, 128 + number if a signal ended it',
      75: 'another member led all the time (--try, --wait); the command was not run',
      76: 'leadership was lost and the command stopped (--restart never)',
      125: 'run itself failed, for example because the store could not be reached (--try)',
      126: 'the command is there but cannot be executed',
      127: 'the command was not found',
    },
  });
  addLeaseOptions(command)
    .option(
      '--kill-after <duration>',
      'from SIGTERM to SIGKILL (default: a fifth of the lease, at most 10s)',
      parseDuration,
    )
    .option('--once', 'run it once: exit with its code even if it was stopped because leadership was lost')
    .addOption(new Option('--try', 'do not wait: exit with 75 if another member leads').conflicts('wait'))
    .option('--wait <duration>', 'wait at most this long to lead, then exit with 75', parseDuration)
    .addOption(
      new Option(
        '--restart <policy>',
        'after a loss: wait for the next term and run it again, or exit with 76',
      )
        .choices(['on-loss', 'never'])
        .default('on-loss'),
    )
    .option('--dir <path>', 'for the embedded store and the control socket (default: .conclave)')
    .option('--journal <file>', 'record every decision in this file (default: in memory)')
    .option('-q, --quiet', 'say nothing but errors')
    .passThroughOptions()
    .action(async ([name = '', ...args]: string[], options: RunOptions & SettingOptions) => {
      const unrunnable = whyUnrunnable(name, process.env);
      if (unrunnable !== null) {
        process.exitCode = reportUnrunnable(unrunnable);
        return;
      }
      await using runner = new Runner({ program: name, args }, options, await runMember(options));
      process.exitCode = await runner.run();
    });
}

/** What is led, where, by whom and for how long. */
function addLeaseOptions(command: Command): Command {
  addConfigOption(command)
    .option('--resource <name>', 'what is led: members with the same name in the same store compete')
    .option('--store <store>', `where they compete: ${STORE_FORMS} (default: sqlite:.conclave/leases.db)`);
  return addKeyOptions(command)
    .option('--wait-replicas <n>', 'how many replicas of a Redis must confirm a lease (default: 0)')
    .option(
      '--id <name>',
      'what people call this member (default: $POD_NAME, else the host name and the pid)',
    )
    .option('--lease <duration>', 'how long a term lasts without a renewal (default: 15s)')
    .option('--renew <duration>', 'how often it is renewed (default: a third of it)')
    .option('--grace <duration>', "the others' extra wait after an expiry (default: 0s)");
}
