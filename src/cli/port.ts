import { InvalidArgumentError } from 'commander';

/** A port as people write it; 0 takes any free one. For commander's `argParser`. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  throw new InvalidArgumentError('It must be a port, a whole number from 0 to 65535.');
}
