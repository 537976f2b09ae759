/**
 * Which keys and environment variables hold secrets, by their names, and which texts are secrets by their looks.
 * Wide on purpose: what is redacted without need is a nuisance, what is shown without need is an incident.
 */

const secretWords = new Set(
  (
    'password passwords passwd passwort pwd pass passphrase passphrases passcode secret secrets token tokens ' +
    'credential credentials creds apikey apikeys privatekey accesskey secretkey signingkey encryptionkey sharedkey ' +
    'authkey masterkey hmackey connectionstring connectionstrings dsn authorization bearer cookie cookies jwt otp ' +
    'pin htpasswd keyring pw psw pswd pword'
  ).split(' '),
);

/** Words of which a slip of the keyboard is taken for them: nobody checks the spelling of a name before it is told. */
const unmistakable =
  'password passwd passphrase secret secrets token tokens credential credentials apikey privatekey accesskey'.split(
    ' ',
  );
const SLIP_LENGTH_MIN = 4;

/** Whether a word is the other one, or has one letter too many, too few, another, or two swapped. */
function isSlipOf(word: string, meant: string): boolean {
  if (Math.abs(word.length - meant.length) > 1) return false;
  let same = 0;
  while (same < word.length && word[same] === meant[same]) same += 1;
  const [given, wanted] = [word.slice(same), meant.slice(same)];
  return (
    given.slice(1) === wanted.slice(1) ||
    given.slice(1) === wanted ||
    given === wanted.slice(1) ||
    (given[0] === wanted[1] && given[1] === wanted[0] && given.slice(2) === wanted.slice(2))
  );
}

/** Words that make a `key` or a `string` beside them a secret one. */
const secretPairs = new Set(
  (
    'api key|api keys|private key|private keys|access key|access keys|secret key|secret keys|signing key|' +
    'signing keys|encryption key|encryption keys|shared key|auth key|master key|hmac key|connection string|' +
    'connection strings|pass word|pass phrase|redis url|database url|mongo url|amqp url|broker url'
  ).split('|'),
);

/**
 * Whether a key of this name holds a secret: `dbPassword`, `API_KEY`, `access-token`, `ConnectionStrings`.
 *
 * @example
 * isSecretName('renewalIntervalSeconds'); // false
 * isSecretName('redis_password'); // true
 */
export function isSecretName(name: string): boolean {
  const before = judged.get(name);
  if (before !== undefined) return before;
  const verdict = judge(name);
  if (judged.size >= JUDGED_MAX) judged.clear();
  judged.set(name, verdict);
  return verdict;
}

/** Names are few and asked about for every value of every reload; of longer texts there may be many. */
const judged = new Map<string, boolean>();
const JUDGED_MAX = 5000;

function judge(name: string): boolean {
  const words = wordsOf(name);
  if (words.some((word) => secretWords.has(word) || secretWords.has(word.replace(/\d+$/, '')))) return true;
  if (
    words.some((word) => word.length >= SLIP_LENGTH_MIN && unmistakable.some((each) => isSlipOf(word, each)))
  )
    return true;
  // An all-lower-case name has no seams: look for the unmistakable ones inside.
  if (
    /pas+w(or|ro)?d|passphrase|secret|credential|apikey|accesstoken|privatekey|connectionstring/i.test(name)
  ) {
    return true;
  }
  return words.some((word, index) => secretPairs.has(`${word} ${words[index + 1] ?? ''}`));
}

/** Whether a text mentions a name that {@link isSecretName} knows. */
export function mentionsSecretName(text: string): boolean {
  return (text.match(/[\p{L}\p{N}_-]+/gu) ?? []).some(isSecretName);
}

/**
 * Whether a line that could not be read may assign a secret. Wider than {@link mentionsSecretName}: where a line break
 * or a quote is lost, a name may have grown together with what was before it; and under whatever name it stands, a word
 * that could be drawn by lot is taken for a secret.
 */
export function mayAssignSecret(line: string): boolean {
  return (
    /pass|pwd|secret|token|credential|creds|key|dsn|auth|bearer|cookie|jwt|connection|otp|pin/i.test(line) ||
    mentionsSecretName(line) ||
    (line.match(/[A-Za-z0-9+/=]{10,}/g) ?? []).some((run) => /[A-Za-z]/.test(run) && /\d.*\d/.test(run))
  );
}

/** `access_token:secret`: in YAML a pair becomes a text where the space behind the colon is missing. */
function assignsSecret(text: string): boolean {
  const name = /^([\p{L}\p{N}_.-]{2,64})[:=](?=\S{4})/u.exec(text)?.[1];
  return name !== undefined && isSecretName(name);
}

/** `redis://app:secret@host`, and where the secret has characters that it should not have; a port is no password. */
const urlPassword = /:\/\/[^\s/@]{0,256}:(?!\d{1,5}(?:[/?#]|$))[^\s@]{0,2048}@/;
/** `app:secret@host`, as drivers of databases want it; neither addresses of people, nor images and packages. */
const userPassword =
  /(?:^|[^\w.%+~-])(?!(?:mailto|sips?|xmpp|acct|npm):)[\w.%+~-]{0,256}:[^\s@/"']{3,2048}@(?!sha\d+:)[\w[(]/i;

/** Whether a text is a secret by its looks: a URL or a connection string with a password, or a private key. */
export function looksSecret(text: string): boolean {
  return (
    // Asked first, and lengths are bounded: of a long text with many colons each would be looked behind to its end.
    (text.includes('@') && (urlPassword.test(text) || userPassword.test(text))) ||
    assignsSecret(text) ||
    /(?:^|[\s;,&?])(?:password|pwd|passwd|secret|accountkey|sharedaccesskey|token)\s*=\s*[^\s,;)}\]]/i.test(
      text,
    ) ||
    /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text) ||
    /^(?:bearer|basic)\s+\S{8,}$/i.test(text)
  );
}

function wordsOf(name: string): string[] {
  return name
    .replaceAll(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .replaceAll(/(\p{N})(\p{L})/gu, '$1 $2')
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== '');
}
