/** Processes of a member that may kill themselves, and what they say. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { vi } from 'vitest';
import { guardProcess } from '../redis/guard.ts';
import { PATIENCE_MS } from './conclave-program.ts';

export interface Line {
  readonly what: string;
  readonly port?: number;
  readonly code?: string;
}

const program = new URL('config-crash-member.ts', import.meta.url).pathname;

/** One process; killed at the end of the test if it still runs. */
export class Member implements AsyncDisposable {
  readonly lines: Line[] = [];
  errors = '';
  readonly #process;
  readonly #ended;

  constructor(directory: string, step: string, port = 2) {
    const flags = ['--conditions=conclave-source', '--disable-warning=ExperimentalWarning'];
    const args = [...flags, program, directory, step, String(port)];
    this.#process = guardProcess(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
    this.#ended = once(this.#process, 'close');
    this.#process.stderr.on('data', (chunk: Buffer) => (this.errors += chunk.toString()));
    createInterface(this.#process.stdout).on('line', (line) => this.lines.push(JSON.parse(line) as Line));
  }

  async says(what: string): Promise<Line> {
    const said = () => {
      const line = this.lines.findLast((each) => each.what === what);
      if (line === undefined) throw new Error(`says ${JSON.stringify(this.lines)}, not yet "${what}"`);
      return line;
    };
    return vi.waitFor(said, { timeout: PATIENCE_MS, interval: 20 });
  }

  /** How it ended. */
  async ends(): Promise<unknown> {
    const [code, signal] = (await this.#ended) as [number | null, string | null];
    return signal ?? code;
  }

  async stop(): Promise<unknown> {
    this.#process.kill('SIGTERM');
    return this.ends();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) this.#process.kill('SIGKILL');
    await this.#ended;
  }
}

export const write = (directory: string, port: number) =>
  writeFile(join(directory, 'app.json'), JSON.stringify({ port }));

export const CRASHED = { what: 'rejected', code: 'CONFIG_CRASHED' };
