/** Bugs planted in the scripts, by changing their text: each must be noticed. */
import { createHash } from 'node:crypto';
import type { LeaseScripts } from '../../src/lease/redis-lease-scripts.ts';
import type { RedisScript } from '../../src/redis/script.ts';

type Plant = (scripts: LeaseScripts) => LeaseScripts;

/** What is to be found in the script's text is replaced; text that is not found would plant nothing. */
function plant(name: keyof LeaseScripts, found: string, replacement: string): Plant {
  return (scripts) => {
    const script: RedisScript = scripts[name];
    const text = script.flagged.text.replace(found, () => replacement);
    if (text === script.flagged.text) throw new Error(`The script ${name} has no ${found}`);
    const sha = createHash('sha1').update(text).digest('hex');
    return { ...scripts, [name]: { ...script, flagged: { text, sha } } };
  };
}

export const plantedInScripts: Readonly<Record<string, Plant>> = {
  'a late acquire is not refused': plant(
    'acquire',
    'tonumber(attempt) <= tonumber(stored.attempt)',
    'tonumber(attempt) < tonumber(stored.attempt)',
  ),
  'another incarnation is no loss': plant('acquire', 'before.inc ~= INC or', ''),
  'a higher token that was seen is no loss': plant('acquire', 'or above(seen, highest)', ''),
  'a first start is always trusted': plant('acquire', "and fresh_store == 'trust'", ''),
  'a loss goes with the clock': plant(
    'acquire',
    'if tonumber(before.lossAt) > NOW then',
    'if tonumber(before.lossAt) < NOW then',
  ),
  'the drift of clocks is left out of the quarantine': plant(
    'acquire',
    'tonumber(record.maxLease) * W + settle',
    'tonumber(record.maxLease) + settle',
  ),
  'the extra wait is left out': plant('acquire', '* W + settle', '* W'),
  'what was waited counts for any loss': plant(
    'acquire',
    'if known.id == record.lossId then',
    "if known.id ~= '' then",
  ),
  'the longest lease is forgotten': plant(
    'acquire',
    'tonumber(longest), tonumber(lease))',
    'tonumber(lease))',
  ),
  'a lease that is long past stands for a clock that stepped back': plant(
    'acquire',
    'local left = math.min(ends, held)',
    'local left = ends',
  ),
  'what was watched prolongs nothing': plant('acquire', 'math.max(left, held - observed.for_ms)', 'left'),
  'any beat is the one that was watched': plant(
    'acquire',
    'same and observed.beat == tonumber(beat)',
    'same',
  ),
  'grace is forgotten': plant('acquire', 'left + tonumber(record.grace)', 'left'),
  'a token is the one before plus one': plant(
    'acquire',
    'larger(larger(successor(record.token), text(NOW)), successor(record.hi))',
    'successor(record.token)',
  ),
  'tokens are compared as numbers': plant(
    'acquire',
    'local function above(a, b)',
    'local function above(a, b) if true then return tonumber(a) > tonumber(b) end',
  ),
  'tokens are counted as numbers': plant(
    'acquire',
    'local function successor(token)',
    'local function successor(token) if true then return text(tonumber(token) + 1) end',
  ),
  'a foreign key is overwritten': plant(
    'acquire',
    "mirror ~= '' and mirror ~= id and",
    "mirror == 'nobody' and",
  ),
  'a grant does not end the note of a namesake': plant('acquire', "record.namesake = ''\n", ''),
  'renewing needs no match': plant(
    'renew',
    'before.holder == ask.id and before.token == ask.token',
    'before.holder == ask.id',
  ),
  'any token restores': plant('renew', 'and not above(highest, ask.token)', ''),
  'a term that was given up comes back': plant('renew', 'not given_up and ', ''),
  'who is not told takes the note of others for a loss': plant('acquire', 'return record.inc', 'return INC'),
  'and so does who renews': plant('renew', 'return record.inc', 'return INC'),
  'the mirror counts only where nothing was lost': plant(
    'renew',
    'matches and before.inc == INC',
    'matches and not lost',
  ),
  'a late beat comes back': plant(
    'renew',
    'tonumber(ask.beat) <= tonumber(before.beat)',
    'tonumber(ask.beat) < 0',
  ),
  'a renewal ends the quarantine': plant('renew', 'if not lost then', 'if true then'),
  'a loss is noted anew by each renewal': plant(
    'renew',
    "elseif before and before.lossId ~= '' and before.lossInc == INC then",
    'elseif false then',
  ),
  'a deleted mirror is put back': plant('renew', "mirror == '' and NOW", 'false and NOW'),
  'an expired mirror deposes': plant(
    'renew',
    "mirror == '' and NOW < tonumber(before.expAt)",
    "mirror == ''",
  ),
  'an overwritten mirror is put back': plant('renew', "or (mirror ~= '' and mirror ~= ask.id)", ''),
  'the term is counted anew': plant('renew', 'matches and tonumber(before.term) or 0', '0'),
  'releasing needs no match': plant('release', 'stored.token == ARGV[3]', 'true'),
  'releasing forgets the token': plant(
    'release',
    "record.holder = ''",
    "record.holder = '' record.token = '0'",
  ),
  'releasing takes anything for its mirror': plant(
    'release',
    'if reflected(KEYS[1]) == stored.holder then',
    'if true then',
  ),
};
