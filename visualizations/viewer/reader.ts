import type { Detail, History, NamedFile, Reply, Request } from './model.ts';

/** The worker, asked; and another, which compares the checksums of large files while it reads them. */

/** Less is checked before another worker is there. */
const ALONE_BYTES = 4_000_000;

type Asked<R> = R extends Request ? Omit<R, 'id'> : never;

export class Reader {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  readonly #address: string;
  #last = 0;
  #checker: Worker | null = null;

  constructor(code: string) {
    this.#address = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
    this.#worker = new Worker(this.#address);
    this.#worker.addEventListener('message', ({ data }: MessageEvent<Reply>) => {
      this.#waiting.get(data.id)?.(data);
      this.#waiting.delete(data.id);
    });
  }

  /** @throws Error with a message for people if the files cannot be shown */
  load(files: readonly NamedFile[]): Promise<History> {
    const contents = files.map(({ content }) => content);
    const isChecked = contents.reduce((sum, { size }) => sum + size, 0) >= ALONE_BYTES;
    const history = this.#history({ type: 'load', files, isChecked });
    if (isChecked) this.#check(this.#last, contents);
    return history;
  }

  #check(id: number, contents: readonly Blob[]): void {
    const tell = (until: readonly number[]) =>
      this.#worker.postMessage({ id, type: 'checked', until } satisfies Request, []);
    this.#checker ??= new Worker(this.#address);
    const heard = new AbortController();
    const { signal } = heard;
    // Where it fails, the files are read as if there were none.
    for (const type of ['error', 'messageerror'])
      this.#checker.addEventListener(
        type,
        () => {
          heard.abort();
          tell([]);
        },
        { signal },
      );
    this.#checker.addEventListener(
      'message',
      ({ data }: MessageEvent<Reply>) => {
        if (data.id !== id) return;
        heard.abort();
        tell(data.type === 'checked' ? data.until : []);
      },
      { signal },
    );
    this.#checker.postMessage({ id, type: 'check', contents } satisfies Request, []);
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
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      this.#worker.postMessage({ ...request, id }, []);
    });
  }
}
