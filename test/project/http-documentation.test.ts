/** docs/http.md lists the routes and problems there are: no more, no fewer, with the scopes they ask for. */
import { describe, expect, test } from 'vitest';
import { memoryJournal, memoryLeases } from '../../src/index.ts';
import { createConfigReload, memoryHead } from '../../src/config.ts';
import { routesOf } from '../../src/server/app.ts';
import { resolveAppOptions } from '../../src/server/app-options.ts';
import { HTTP_PROBLEMS } from '../../src/server/problem.ts';
import { createTestElection } from '../../src/testing.ts';
import { z } from 'zod';
import { read } from './repository.ts';

const page = read('docs/http.md');

/** The cells of every row of the page whose first cell looks like this. */
const rows = (first: RegExp): string[][] =>
  page
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
    .filter(([cell]) => first.test(cell ?? ''));

describe('docs/http.md', () => {
  test('lists every route with its scope', () => {
    const config = createConfigReload({
      source: 'app.json',
      schema: z.object({}),
      store: memoryHead(),
      leases: memoryLeases(),
    });
    const metrics = { contentType: 'text/plain', text: async () => '' };
    const parts = { election: createTestElection(), config, journal: memoryJournal(), metrics };
    const routes = routesOf(resolveAppOptions(parts));
    const served = routes.map(({ method, path, scope }) => `${method} ${path} ${scope ?? ''}`.trim());
    const listed = rows(/^(GET|PUT|POST)$/).map(([method, path, scope]) =>
      `${method} ${path} ${scope}`.trim(),
    );
    expect(listed.toSorted()).toEqual(served.toSorted());
  });

  test('lists every problem with its status', () => {
    const listed = rows(/^[45]\d\d$/).map(([status, code]) => `${code} ${status}`);
    const known = Object.entries(HTTP_PROBLEMS).map(([code, status]) => `${code} ${status}`);
    expect(listed.toSorted()).toEqual(known.toSorted());
  });
});
