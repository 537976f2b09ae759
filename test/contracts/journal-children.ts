import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { DurablePlace, DurableKind } from './journal-places.ts';

/** A writing process, what it said, and its end. */
export class Child implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly lines: string[] = [];
  #stderr = '';
  #wake: () => void = () => {};

  constructor(kind: DurableKind, place: DurablePlace, mode: 'write' | 'hold' | 'forget' | 'abrupt') {
    const env = { ...process.env };
    for (const name of ['NODE_OPTIONS', 'VITEST']) Reflect.deleteProperty(env, name);
    const program = fileURLToPath(new URL('./journal-child.ts', import.meta.url));
    this.#process = spawn(process.execPath, [program, kind, place.path, mode], { env });
    this.#exited = once(this.#process, 'close').then(() => this.#wake());
    let partial = '';
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (partial + text).split('\n');
      partial = lines.pop() ?? '';
      this.lines.push(...lines);
      this.#wake();
    });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
  }

  /** Waits for a line that matches. */
  async said(pattern: RegExp, after = 0): Promise<string> {
    for (;;) {
      const line = this.lines.slice(after).find((each) => pattern.test(each));
      if (line !== undefined) return line;
      if (this.#process.exitCode !== null || this.#process.signalCode !== null) {
        throw new Error(
          `The child ended and never said ${pattern}.\n${this.lines.join('\n')}\n${this.#stderr}`,
        );
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** The highest sequence number it was told to be durable. */
  get acked(): number {
    const last = this.lines.findLast((line) => line.startsWith('acked '));
    return Number(last?.slice('acked '.length) ?? 0);
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#process.kill(signal);
    await this.#exited;
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Waits until it has ended by itself; returns its exit code. */
  async ended(): Promise<number | null> {
    await this.#exited;
    return this.#process.exitCode;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
