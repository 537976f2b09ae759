import { SettingsError } from '../errors.ts';

/**
 * Fencing for data in a SQL database: one row for each resource holds the highest token. Raising it is the first
 * statement of the transaction that changes the data; it locks the row, so that a later leader's transaction and a
 * late one of an earlier leader come one after the other, whichever way round.
 */

export interface FenceTableOptions {
  /** Default `fences`. Letters, digits and `_`, with a schema in front if need be. */
  readonly table?: string;
  /** How the database writes parameters: `?` (SQLite) or `$1` (PostgreSQL). Default `?`. */
  readonly parameters?: '?' | '$1';
}

/** Statements that SQLite and PostgreSQL understand alike. */
export interface FenceTable {
  /** Makes the table unless it is there. */
  readonly create: string;
  /**
   * Parameters: resource, token. Changes one row, or none if a larger token was here: then roll back and stop.
   */
  readonly raise: string;
}

const TABLE = /^[a-z_]\w*(\.[a-z_]\w*)?$/i;

/**
 * The statements of a fence table.
 *
 * @throws SettingsError `SETTINGS_INVALID` for a name that would have to be quoted
 * @example
 * const { create, raise } = fenceTable({ parameters: '$1' });
 * await client.query('BEGIN');
 * const { rowCount } = await client.query(raise, ['invoices', String(term.token)]);
 * await client.query(rowCount === 1 ? 'COMMIT' : 'ROLLBACK');
 */
export function fenceTable({ table = 'fences', parameters = '?' }: FenceTableOptions = {}): FenceTable {
  if (!TABLE.test(table))
    throw new SettingsError(
      'SETTINGS_INVALID',
      `table is ${JSON.stringify(table)}, but must be made of letters, digits and _, for example 'fences' or 'billing.fences'.`,
    );
  const [first, second] = parameters === '?' ? ['?', '?'] : ['$1', '$2'];
  const name = table.split('.').at(-1);
  return {
    create: `CREATE TABLE IF NOT EXISTS ${table} (resource TEXT PRIMARY KEY, token BIGINT NOT NULL)`,
    raise:
      `INSERT INTO ${table} (resource, token) VALUES (${first}, ${second}) ` +
      `ON CONFLICT (resource) DO UPDATE SET token = excluded.token WHERE ${name}.token <= excluded.token`,
  };
}
