/**
 * Fencing: how a resource refuses a leader that does not know yet that it is none any more. The resource remembers
 * the highest token it has seen, and refuses smaller ones *in the same atomic step* as the change itself.
 */
export { fenceTable, type FenceTable, type FenceTableOptions } from './fencing/fence-table.ts';
export {
  checkFencingToken,
  FENCING_HEADER,
  type FencingCheck,
  parseFencingToken,
} from './fencing/fencing-token.ts';
export { fencedScript, runFenced, type FencedCall, type ScriptClient } from './fencing/fenced-script.ts';
