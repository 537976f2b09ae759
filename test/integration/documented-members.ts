/** Members started as docs/operations.md says, on real processes: its own settings blocks, with paths of a test. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../redis/until.ts';
import { PATIENCE_MS, Running } from './conclave-program.ts';

const page = readFileSync(new URL('../../docs/operations.md', import.meta.url), 'utf8');

/** The first ```hcl block below a heading or an emphasized beginning of the page. */
export function documentedSettings(beginning: string): string {
  const from = page.indexOf(beginning);
  const [, code] = /^```hcl\n([^]*?)^```$/m.exec(page.slice(from)) ?? [];
  if (from < 0 || code === undefined)
    throw new Error(`docs/operations.md has no settings below "${beginning}".`);
  return code;
}

export interface MemberOptions {
  readonly id: string;
  /** Where it is started, and where its settings file goes. */
  readonly cwd: string;
  readonly settings: string;
  readonly redis?: string;
  readonly lease?: string;
}

/** A member, once it has said where it answers. */
export class DocumentedMember implements AsyncDisposable {
  readonly running: Running;
  readonly id: string;
  #url = '';
  #metricsUrl = '';

  private constructor(running: Running, id: string) {
    this.running = running;
    this.id = id;
  }

  static async start({ id, cwd, settings, redis, lease = '3s' }: MemberOptions): Promise<DocumentedMember> {
    mkdirSync(cwd, { recursive: true });
    const file = join(cwd, `${id}.hcl`);
    writeFileSync(file, settings);
    const own = ['--id', id, '--resource', 'billing', '--lease', lease, '--port', '0', '--metrics-port', '0'];
    const env = redis === undefined ? {} : { REDIS_CONNECTION_STRING: redis };
    const running = new Running(['up', '--config', file, ...own], { cwd, env });
    const member = new DocumentedMember(running, id);
    const [, url = '', metricsUrl = ''] = await running.says(/http +(http:\S+) \(metrics at (\S+)\)/);
    member.#url = url;
    member.#metricsUrl = metricsUrl;
    return member;
  }

  /** What it answers: status and body. */
  async get(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
    const response = await fetch(`${this.#url}${path}`);
    return { status: response.status, body: await response.json() };
  }

  async isReady(): Promise<boolean> {
    return (await this.get('/health/ready')).status === 200;
  }

  /** How often it took over after a release, and after a lease that ran out. */
  async takeOvers(): Promise<{ readonly handover: number; readonly expiry: number }> {
    const text = await (await fetch(this.#metricsUrl)).text();
    const count = (kind: string) => {
      const line = new RegExp(
        `^conclave_leader_election_failover_seconds_count\\{.*kind="${kind}".*\\} (\\d+)`,
        'm',
      );
      return Number(line.exec(text)?.[1] ?? 0);
    };
    return { handover: count('handover'), expiry: count('expiry') };
  }

  async leads(): Promise<boolean> {
    return (await this.get('/leader/me')).status === 200;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.running[Symbol.asyncDispose]();
  }
}

/** Which content each member runs, by the beginning of its hash. */
export async function contents(members: readonly DocumentedMember[]): Promise<string[]> {
  const all = await Promise.all(members.map((member) => member.get('/health')));
  return all.map(({ body }) => {
    const { results } = body as { results: { configuration?: { data?: { sha?: string | null } } } };
    return results.configuration?.data?.sha ?? '';
  });
}

/** Waits until all run the same, which is another than before. */
export async function agreed(members: readonly DocumentedMember[], before: string): Promise<string> {
  return until(
    'all members run the new configuration',
    async () => {
      const [first = '', ...others] = await contents(members);
      return first !== '' && first !== before && others.every((each) => each === first) && first;
    },
    { withinMs: PATIENCE_MS },
  );
}

export const writeLevel = (directory: string, level: string) =>
  writeFileSync(join(directory, 'billing.hcl'), `log { level = "${level}" }\n`);
