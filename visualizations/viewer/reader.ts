import type { Detail, History, NamedFile, Reply, Request } from './model.ts';

/** The worker, asked. */

type Asked<R> = R extends Request ? Omit<R, 'id'> : never;

export class Reader {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #last = 0;

  constructor(code: string) {
    this.#worker = new Worker(URL.createObjectURL(new Blob([code], { type: 'text/javascript' })));
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
      this.#waiting.get(data.id)?.(data);
      this.#waiting.delete(data.id);
    });
  }

  /** @throws Error with a message for people if the files cannot be shown */
  load(files: readonly NamedFile[]): Promise<History> {
    return this.#history({ type: 'load', files });
  }

  append(lines: readonly string[]): Promise<History> {
    return this.#history({ type: 'append', lines });
  }

  clear(): Promise<History> {
    return this.#history({ type: 'clear' });
  }

  /** What is known of a row at once; null if it is not there any more. */
  detail(row: number): Promise<Detail | null> {
    return this.#detail({ type: 'detail', row });
  }

  /** The same with its context, which may take a while; null if another is wanted meanwhile. */
  context(row: number): Promise<Detail | null> {
    return this.#detail({ type: 'context', row });
  }

  async #detail(request: Asked<Request>): Promise<Detail | null> {
    const reply = await this.#ask(request);
    return reply.type === 'detail' ? reply.detail : null;
  }

  async #history(request: Asked<Request>): Promise<History> {
    const reply = await this.#ask(request);
    if (reply.type === 'history') return reply.history;
    throw new Error(reply.type === 'refused' ? reply.message : 'The reader gave no answer.');
  }

  #ask(request: Asked<Request>): Promise<Reply> {
    this.#last += 1;
    const id = this.#last;
    const files = request.type === 'load' ? request.files.map(({ bytes }) => bytes) : [];
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#worker.postMessage({ ...request, id }, files);
    });
  }
}
