/** Certificates for servers on 127.0.0.1, made by openssl, valid for a day. */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { guardedDirectory } from './guard.ts';

interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** Paths of PEM files. */
export interface Certificates {
  readonly ca: string;
  readonly server: KeyPair;
  readonly client: KeyPair;
  /** An authority that signed none of these: who trusts only it must refuse the server. */
  readonly otherCa: string;
  /** Signed by the other authority: a server must refuse who shows it. */
  readonly otherClient: KeyPair;
  /** From the right authority, but for another host. */
  readonly otherHost: KeyPair;
}

const NAMES = 'subjectAltName=IP:127.0.0.1,DNS:localhost';

/**
 * Makes a set of certificates. Dispose of it to delete the files.
 *
 * @example
 * using certificates = await makeCertificates();
 * await using redis = await startRedis({ tls: { certificates } });
 */
export async function makeCertificates(): Promise<Certificates & Disposable> {
  const directory = guardedDirectory('certificates');
  const file = (name: string) => join(directory.path, name);
  const openssl = (...args: readonly string[]) => promisify(execFile)('openssl', args);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

  const authority = async (name: string): Promise<KeyPair> => {
    const made = { cert: file(`${name}.crt`), key: file(`${name}.key`) };
    const out = ['-keyout', made.key, '-out', made.cert];
    await openssl('req', '-x509', ...key, '-days', '1', '-subj', `/CN=${name} of tests`, ...out);
    return made;
  };
  const signed = async (name: string, by: KeyPair, names = NAMES): Promise<KeyPair> => {
    const made = { cert: file(`${name}.crt`), key: file(`${name}.key`) };
    const request = file(`${name}.csr`);
    const extensions = file(`${name}.ext`);
    writeFileSync(extensions, `${names}\n`);
    await openssl('req', ...key, '-subj', `/CN=${name}`, '-keyout', made.key, '-out', request);
    const authorityArgs = ['-CA', by.cert, '-CAkey', by.key, '-set_serial', String(Date.now())];
    const output = ['-days', '1', '-extfile', extensions, '-out', made.cert];
    await openssl('x509', '-req', '-in', request, ...authorityArgs, ...output);
    return made;
  };

  const ca = await authority('ca');
  const otherCa = await authority('other-ca');
  return {
    ca: ca.cert,
    otherCa: otherCa.cert,
    server: await signed('server', ca),
    client: await signed('client', ca),
    otherClient: await signed('other-client', otherCa),
    otherHost: await signed('other-host', ca, 'subjectAltName=DNS:elsewhere.example'),
    [Symbol.dispose]: () => directory[Symbol.dispose](),
  };
}
