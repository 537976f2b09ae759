/**
 * Follows docs/guide.md as a reader does. Programs are written to the files they name; `sh` blocks are run one after
 * the other; one that begins with `# terminal N` starts a program that goes on, or does something to it; a `text` block
 * is what must be said after that, line for line, `…` standing for anything.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

type Step =
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  | { readonly kind: 'run'; readonly script: string }
  | { readonly kind: 'start'; readonly terminal: string; readonly script: string }
  | { readonly kind: 'interrupt'; readonly terminal: string }
  | { readonly kind: 'look'; readonly terminal: string }
  | { readonly kind: 'said'; readonly lines: readonly string[] };

/** Longer than anything a guide would ask a reader to wait for, on a busy machine. */
const PATIENCE_MS = 180_000;

export function stepsOf(markdown: string): Step[] {
  return [...markdown.matchAll(/^```(ts|sh|text)\n(.*?)^```/gms)].flatMap(([, kind, body = '']) => {
    if (kind === 'text') return { kind: 'said', lines: body.trimEnd().split('\n') };
    const [first = '', ...rest] = body.split('\n');
    const name = /^\/\/ (?:example: )?([\w.-]+\.ts)$/.exec(first)?.[1];
    if (kind === 'ts') return name === undefined ? [] : { kind: 'file', name, text: body };
    const [, terminal = '', act] = /^# terminal (\d+)(?:: (.+))?$/.exec(first) ?? [];
    if (terminal === '') return { kind: 'run', script: body };
    if (act === 'Ctrl-C') return { kind: 'interrupt', terminal };
    if (act === 'goes on') return { kind: 'look', terminal };
    return { kind: 'start', terminal, script: rest.join('\n') };
  });
}

/** What a program says, as it comes. */
class Terminal {
  readonly #child: ChildProcess;
  #said = '';
  #read = 0;
  ended = false;

  constructor(script: string, cwd: string, env: NodeJS.ProcessEnv) {
    // In a group of its own, so that Ctrl-C reaches the program and not the test.
    this.#child = spawn('bash', ['--norc', '-euc', script], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.#said += chunk;
      });
    this.#child.on('close', () => {
      this.ended = true;
    });
  }

  get code(): number | null {
    return this.#child.exitCode;
  }

  get all(): string {
    return this.#said;
  }

  signal(name: NodeJS.Signals): void {
    if (!this.ended && this.#child.pid !== undefined) process.kill(-this.#child.pid, name);
  }

  /** Waits until a line like this one has been said, behind those that were waited for before. */
  async says(line: string): Promise<void> {
    const text = line.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
    const pattern = new RegExp(`^.*?${text.join('.*')}.*$`, 'm');
    for (const deadline = Date.now() + PATIENCE_MS; ;) {
      const found = pattern.exec(this.#said.slice(this.#read));
      if (found !== null) {
        this.#read += found.index + found[0].length;
        return;
      }
      if (this.ended || Date.now() > deadline) throw new Error(`Not said: ${line}\nbut: ${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async end(): Promise<void> {
    for (const deadline = Date.now() + PATIENCE_MS; !this.ended;) {
      if (Date.now() > deadline) throw new Error(`Did not end:\n${this.#said}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Follows all steps in `cwd`; throws at the first that does not go as the guide says. */
export async function follow(steps: readonly Step[], cwd: string, env: NodeJS.ProcessEnv): Promise<number> {
  const terminals = new Map<string, Terminal>();
  let last: Terminal | null = null;
  try {
    for (const step of steps) {
      if (step.kind === 'file') writeFileSync(join(cwd, step.name), step.text);
      else if (step.kind === 'said') for (const line of step.lines) await last?.says(line);
      else if (step.kind === 'run') {
        last = new Terminal(step.script, cwd, env);
        terminals.set('run', last);
        await last.end();
        if (last.code !== 0) throw new Error(`${step.script}failed with ${last.code}:\n${last.all}`);
      } else if (step.kind === 'start') {
        last = new Terminal(step.script, cwd, env);
        terminals.set(step.terminal, last);
      } else {
        last = terminals.get(step.terminal) ?? null;
        if (step.kind === 'interrupt') last?.signal('SIGINT');
      }
    }
    return steps.length;
  } finally {
    for (const terminal of terminals.values()) terminal.signal('SIGKILL');
  }
}
