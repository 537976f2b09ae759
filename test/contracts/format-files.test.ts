/** A configuration in several files. */
import { describe, expect, test } from 'vitest';
import { showDiagnostic } from '../../src/config/diagnostic.ts';
import { readConfig } from '../../src/config/formats/read-config.ts';

async function read(files: Readonly<Record<string, string>>) {
  const bytes = Object.entries(files).map(([name, text]) => ({ name, bytes: Buffer.from(text) }));
  const reading = await readConfig(bytes, { environment: {} });
  return reading.ok
    ? { value: reading.document.value, document: reading.document, problems: [] }
    : { value: null, document: null, problems: reading.diagnostics.map(showDiagnostic) };
}

describe('several files', () => {
  test('are one configuration, whatever their formats, in the order of their names', async () => {
    const { value, document } = await read({
      '20.yaml': 'server: { host: a }\nlast: 1\n',
      '10.hcl': 'server { port = 1 }\n',
      '30.toml': '[server.tls]\nenabled = true\n',
    });
    expect(value).toEqual({ server: { port: 1, host: 'a', tls: { enabled: true } }, last: 1 });
    expect(Object.keys(value as object)).toEqual(['server', 'last']);
    expect(document?.locate(['server', 'host'])).toEqual({ file: '20.yaml', line: 1, column: 17 });
    expect(document?.locate(['server', 'tls', 'enabled'])).toEqual({ file: '30.toml', line: 2, column: 11 });
  });

  test('add their blocks up: other labels beside each other, the same ones in a list', async () => {
    const { value } = await read({
      'a.hcl': 'cache "redis" { n = 1 }\nstep { n = 1 }\nstep { n = 2 }\n',
      'b.hcl': 'cache "redis" { n = 2 }\ncache "memory" { n = 3 }\nstep { n = 3 }\n',
    });
    expect(value).toEqual({
      cache: { redis: [{ n: 1 }, { n: 2 }], memory: { n: 3 } },
      step: [{ n: 1 }, { n: 2 }, { n: 3 }],
    });
  });

  test('that define the same key are refused with both places, without its secret', async () => {
    const { problems } = await read({
      'a.hcl': '# first\nserver {\n  port = 1\n  password = "hunter2"\n}\n',
      'b.json': '{ "server": { "port": 1,\n  "password": "hunter2" } }',
    });
    expect(problems).toEqual([
      'b.json:1:15: server.port: This is already defined at a.hcl:3:3. Remove one of the two.\n' +
        '  { "server": { "port": 1,\n                ^',
      'b.json:2:3: server.password: This is already defined at a.hcl:4:3. Remove one of the two.\n' +
        '    "password": *** } }\n    ^',
    ]);
  });

  test('are refused with the problems of all of them', async () => {
    const { problems } = await read({ 'a.hcl': 'a = \n', 'b.json': '{', 'c.yaml': '', 'd.ini': '' });
    expect(problems.map((problem) => problem.split(':')[0])).toEqual(['a.hcl', 'b.json', 'c.yaml', 'd.ini']);
  });

  test('can be no file at all only by mistake', async () => {
    expect((await read({})).problems).toEqual(['There is no file to read a configuration from.']);
  });
});
