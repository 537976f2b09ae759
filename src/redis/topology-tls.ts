import { readFile } from 'node:fs/promises';
import { SettingsError } from '../errors.ts';
import type { PemSource, RedisTls } from './settings-shape.ts';

/**
 * TLS options as Node takes them, with the files they name read.
 *
 * @throws SettingsError naming the file that cannot be read
 */
export async function nodeTls(tls: RedisTls): Promise<Record<string, unknown>> {
  const [ca, cert, key] = await Promise.all([pem(tls.ca), pem(tls.cert), pem(tls.key)]);
  return {
    ...(tls.serverName !== null && { servername: tls.serverName }),
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
    ...(tls.minVersion !== null && { minVersion: tls.minVersion }),
    ...(tls.maxVersion !== null && { maxVersion: tls.maxVersion }),
    rejectUnauthorized: tls.verify,
  };
}

async function pem(source: PemSource | null): Promise<string | null> {
  if (source === null) return null;
  const text = 'pem' in source ? source.pem : await read(source.file);
  if (text.includes('-----BEGIN ')) return text;
  const where = 'pem' in source ? 'A certificate or key' : source.file;
  throw new SettingsError('REDIS_SETTINGS_INVALID', `${where} is not PEM: "-----BEGIN …" is missing.`);
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SettingsError(
      'REDIS_SETTINGS_INVALID',
      `The certificate or key of the Redis settings cannot be read: ${reason}.`,
      { cause },
    );
  }
}
