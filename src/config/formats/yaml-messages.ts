import type { ErrorCode } from 'yaml';

/** Our words for the YAML library's errors: its own may repeat what stands in the file. */
const messages: Readonly<Record<ErrorCode, string>> = {
  ALIAS_PROPS: 'An alias has no anchor and no tag of its own.',
  BAD_ALIAS: 'This is not the name of an anchor, or a name that may not end so.',
  BAD_COLLECTION_TYPE: 'The tag and the value do not fit together.',
  BAD_DIRECTIVE: 'There is no such directive. Leave the line out.',
  BAD_DQ_ESCAPE: 'There is no such escape. Use single quotes, or \\\\ for a backslash.',
  BAD_INDENT:
    'The indentation fits neither what is before nor what is around it; or a bracket is not closed.',
  BAD_PROP_ORDER: 'Anchors and tags go before a value, in its line.',
  BAD_SCALAR_START: 'A text that begins with this character goes in quotes.',
  BLOCK_AS_IMPLICIT_KEY:
    'There are two keys on this line. Put the second on a line of its own, or the text in quotes.',
  BLOCK_IN_FLOW: 'Inside brackets and braces, lists and objects are written with brackets and braces, too.',
  DUPLICATE_KEY: 'This key is defined twice. Remove one of the two.',
  IMPOSSIBLE: 'This is not YAML.',
  KEY_OVER_1024_CHARS: 'This key is too long, or a colon is missing.',
  MISSING_CHAR: 'Something is missing here: a colon, a comma, a space, a closing quote or bracket.',
  MULTILINE_IMPLICIT_KEY: 'A key goes on one line. Perhaps a colon is missing, or a quote was not closed.',
  MULTIPLE_ANCHORS: 'A value has one anchor at most.',
  MULTIPLE_DOCS: 'A file holds one document. Leave out --- and what follows.',
  MULTIPLE_TAGS: 'A value has one tag at most.',
  NON_STRING_KEY: 'A key is a plain text.',
  RESOURCE_EXHAUSTION: 'This is nested too deep.',
  TAB_AS_INDENT: 'Indentation is made of spaces, not of tabs.',
  TAG_RESOLVE_FAILED:
    'Tags of one’s own, and those beyond str, int, float, bool, null, map and seq, are not supported.',
  UNEXPECTED_TOKEN: 'This does not belong here. Perhaps the text goes in quotes.',
};

export function yamlErrorMessage(code: ErrorCode): string {
  return messages[code];
}
