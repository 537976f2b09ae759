/**
 * Managed services, known by their host names: those that offer TLS only, and those whose one endpoint stands for a
 * cluster. What is written out in a connection string wins over all of this.
 */
export interface ManagedService {
  readonly name: string;
  readonly tls: 'always' | 'unless-plain-port' | 'unless-told';
  /** Where it listens for TLS. */
  readonly port: number;
  /** `unknown`: the service may be either, and is asked. */
  readonly topology: 'standalone' | 'cluster' | 'unknown';
}

interface Row extends ManagedService {
  readonly hosts: RegExp;
}

const SERVICES: readonly Row[] = [
  {
    name: 'Azure Cache for Redis',
    hosts:
      /\.redis\.cache\.(windows\.net|chinacloudapi\.cn|usgovcloudapi\.net|cloudapi\.de|sovcloud-api\.fr)$/i,
    tls: 'unless-plain-port',
    port: 6380,
    topology: 'unknown',
  },
  {
    name: 'Azure Managed Redis',
    hosts: /\.redis\.azure\.net$|\.redisenterprise\.cache\.azure\.net$/i,
    tls: 'always',
    port: 10_000,
    topology: 'unknown',
  },
  {
    name: 'ElastiCache Serverless',
    hosts: /\.serverless\.[a-z0-9-]+\.cache\.amazonaws\.com(\.cn)?$/i,
    tls: 'always',
    port: 6379,
    topology: 'cluster',
  },
  {
    name: 'ElastiCache with encryption in transit',
    hosts: /^clustercfg\..*\.cache\.amazonaws\.com(\.cn)?$/i,
    tls: 'unless-told',
    port: 6379,
    topology: 'cluster',
  },
  {
    name: 'ElastiCache with encryption in transit',
    hosts: /^(master|replica)\..*\.cache\.amazonaws\.com(\.cn)?$/i,
    tls: 'unless-told',
    port: 6379,
    topology: 'standalone',
  },
  {
    name: 'MemoryDB',
    hosts: /^clustercfg\..*\.memorydb\..*\.amazonaws\.com(\.cn)?$/i,
    tls: 'unless-told',
    port: 6379,
    topology: 'cluster',
  },
];

const CLUSTER_OF_NO_TLS = /\.clustercfg\.[a-z0-9-]+\.cache\.amazonaws\.com(\.cn)?$/i;

/** The service a host belongs to, or null for a host of one's own. */
export function managedService(host: string): ManagedService | null {
  return SERVICES.find(({ hosts }) => hosts.test(host)) ?? null;
}

/** Whether the host is the configuration endpoint of a cluster. */
export function isClusterEndpoint(host: string): boolean {
  return managedService(host)?.topology === 'cluster' || CLUSTER_OF_NO_TLS.test(host);
}
