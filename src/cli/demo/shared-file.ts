import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../errors.ts';

/** The configuration that the members of a demo share: one file, of which the leader tells the others. */

const BEGINNING = `# All members share this file. Save a change, and it comes into force on each of them;
# break it (a tab, a colon too many), and it comes into force on none.
greeting: hello
workers: 4
log:
  level: info
`;

/** What no syntax allows. */
const BROKEN = 'greeting: [hello\nworkers: : 4\n';

export class SharedFile {
  readonly path: string;
  #writes = 0;

  constructor(directory: string) {
    this.path = join(directory, 'demo.yaml');
    writeFileSync(this.path, BEGINNING);
  }

  get text(): string {
    return readFileSync(this.path, 'utf8');
  }

  /** Nobody ever reads half of it. */
  write(text: string): void {
    if (text.includes('\0'))
      throw new UsageError('SETTINGS_INVALID', 'A configuration is text, without NUL.');
    this.#writes += 1;
    const beside = `${this.path}.${this.#writes}.tmp`;
    writeFileSync(beside, text);
    renameSync(beside, this.path);
  }

  /** A change that means something. */
  change(): void {
    this.write(BEGINNING.replace('workers: 4', `workers: ${5 + this.#writes}`));
  }

  break(): void {
    this.write(`${BROKEN}# ${this.#writes}\n`);
  }
}
