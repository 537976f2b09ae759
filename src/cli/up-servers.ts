import { readFileSync } from 'node:fs';
import { SettingsError } from '../errors.ts';
import type { MetricsText } from '../observability/metrics-text.ts';
import type { ConclaveServer, ServeConclaveOptions } from '../server/serve.ts';
import type { Settings } from '../settings/settings.ts';
import { codeOf, forPeople } from './member-places.ts';
import type { MemberServers } from './member-servers.ts';
import type { Member } from './member.ts';
import type { BootedSettings } from './settings-boot.ts';

/** What `up` answers over HTTP: health, leadership, configuration, records and the viewer; and metrics. */
export class UpServers implements MemberServers {
  readonly #member: Member;
  readonly #booted: Pick<BootedSettings, 'settings' | 'origins'>;
  readonly #metrics: MetricsText;
  #server: ConclaveServer | null = null;

  constructor(member: Member, booted: Pick<BootedSettings, 'settings' | 'origins'>, metrics: MetricsText) {
    this.#member = member;
    this.#booted = booted;
    this.#metrics = metrics;
  }

  get addresses() {
    const server = this.#server;
    return server && { service: server.url, metrics: server.metricsUrl ?? `${server.url}/metrics` };
  }

  async listen(): Promise<void> {
    const [{ serveConclave }, { viewerApp }] = await Promise.all([
      import('../server/serve.ts'),
      import('../server/viewer-app.ts'),
    ]);
    const { election, journal, main, clock, settings } = this.#member;
    this.#server = await serveConclave({
      ...serverOptions(this.#booted),
      election,
      ...(main !== null && { config: main.handle }),
      metrics: this.#metrics,
      journal,
      // The records themselves come from the member's own /events.
      pages: viewerApp({ told: { live: true } }),
      logger: settings.logger,
      clock,
    });
  }

  async drain(): Promise<void> {
    const { drainTimeoutMs } = this.#booted.settings;
    const left = (await this.#server?.drain(drainTimeoutMs)) ?? 0;
    if (left > 0)
      this.#member.settings.logger.warn(
        { left },
        `${left} requests were not finished within ${drainTimeoutMs} ms and are cut off`,
      );
  }

  async close(): Promise<void> {
    await this.#server?.close();
  }
}

function serverOptions({ settings: { server }, origins }: Pick<BootedSettings, 'settings' | 'origins'>) {
  const { address, port, metricsPort, allowedHosts, followerStatus } = server;
  const isAsked = (name: string) => origins.get(name)?.layer !== 'default';
  return {
    address,
    port,
    metricsPort,
    strictPort: isAsked('server.port'),
    strictMetricsPort: isAsked('server.metricsPort'),
    allowedHosts,
    followerStatus,
    tokens: server.tokens.map(({ token, scopes }) => ({ token: token.text, scopes })),
    ...certificatesOf(server),
  } satisfies ServeConclaveOptions;
}

function certificatesOf({ certificates }: Settings['server']): Pick<ServeConclaveOptions, 'certificates'> {
  if (certificates === null) return {};
  const { certFile, keyFile } = certificates;
  return { certificates: { cert: textOf(certFile), key: textOf(keyFile) } };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new SettingsError(
      'SETTINGS_INVALID',
      `server.certificates: ${forPeople(path)} cannot be read: ${codeOf(cause)}.`,
      { cause },
    );
  }
}
