/** Header names that are known by heart: found by their octets without making a string (and never again in lower case). */

/** Each compact form and what it stands for: RFC 3261 7.3.3, RFC 3841, 3892, 6665, 3515, 4028, 8224. */
const compactForms: readonly (readonly [string, string])[] = [
  ['a', 'Accept-Contact'],
  ['b', 'Referred-By'],
  ['c', 'Content-Type'],
  ['d', 'Request-Disposition'],
  ['e', 'Content-Encoding'],
  ['f', 'From'],
  ['i', 'Call-ID'],
  ['j', 'Reject-Contact'],
  ['k', 'Supported'],
  ['l', 'Content-Length'],
  ['m', 'Contact'],
  ['o', 'Event'],
  ['r', 'Refer-To'],
  ['s', 'Subject'],
  ['t', 'To'],
  ['u', 'Allow-Events'],
  ['v', 'Via'],
  ['x', 'Session-Expires'],
  ['y', 'Identity'],
];

const otherNames = (
  'Accept Accept-Encoding Accept-Language Alert-Info Allow Authorization Call-Info Content-Disposition Content-Language ' +
  'CSeq Date Diversion Error-Info Expires Geolocation History-Info In-Reply-To Join Max-Forwards Min-Expires Min-SE ' +
  'MIME-Version Organization P-Access-Network-Info P-Asserted-Identity P-Asserted-Service P-Called-Party-ID ' +
  'P-Charging-Vector P-Early-Media P-Preferred-Identity P-Served-User Path Priority Privacy Proxy-Authenticate ' +
  'Proxy-Authorization Proxy-Require RAck Reason Record-Route Remote-Party-ID Replaces Reply-To Require Resource-Priority ' +
  'Retry-After Route RSeq Server Service-Route Session-ID SIP-ETag SIP-If-Match Subscription-State Timestamp Unsupported ' +
  'User-Agent User-to-User Warning WWW-Authenticate'
).split(' ');

/** Every spelling that is met often (as registered, lower case, compact) and the key it stands for. */
const keys = new Map<string, string>();

/** Each key as it is registered. */
const spellings = new Map<string, string>();

interface Known {
  /** Lower case. */
  readonly spelling: Uint8Array;
  readonly key: string;
  /** Another one in the same place. */
  readonly other: Known | undefined;
}

/** By the lowest bits of the hash of `extendNameHash`. */
const places: (Known | undefined)[] = Array.from({ length: 1024 }, () => undefined);

function learn(spelling: string, key: string): void {
  const lower = spelling.toLowerCase();
  keys.set(spelling, key);
  keys.set(lower, key);
  keys.set(spelling.toUpperCase(), key);
  if (key === lower) spellings.set(key, spelling);
  let hash = 0;
  for (let i = 0; i < lower.length; i++) hash = extendNameHash(hash, lower.charCodeAt(i));
  const place = hash & (places.length - 1);
  places[place] = { spelling: Buffer.from(lower), key, other: places[place] };
}

for (const [compact, name] of compactForms) {
  learn(compact, name.toLowerCase());
  learn(name, name.toLowerCase());
}
for (const name of otherNames) learn(name, name.toLowerCase());

/** Adds one octet of a name to its hash, upper and lower case alike. */
export function extendNameHash(hash: number, octet: number): number {
  return (Math.imul(hash, 31) + (octet | 0x20)) | 0;
}

/** The one lower-case key under which a header name is compared: `I`, `call-id` and `Call-ID` all give `call-id`. */
export function headerKey(name: string): string {
  const known = keys.get(name);
  if (known !== undefined) return known;
  const lower = name.toLowerCase();
  return keys.get(lower) ?? lower;
}

/** A lower-case name as it is registered; undefined for one that is not known by heart. */
export function registeredName(key: string): string | undefined {
  return spellings.get(key);
}

/** The key of the name at `start` to `end`, whose hash is known already; undefined for a name that is not known by heart. */
export function knownHeaderKey(octets: Buffer, start: number, end: number, hash: number): string | undefined {
  let known = places[hash & (places.length - 1)];
  while (known && !spells(octets, start, end, known.spelling)) known = known.other;
  return known?.key;
}

/** All octets are those of a token: of two such that differ in one bit only, where one is a letter or a hyphen, both are the same letter. */
function spells(octets: Buffer, start: number, end: number, lower: Uint8Array): boolean {
  if (end - start !== lower.length) return false;
  for (let i = 0; i < lower.length; i++) if (((octets[start + i] ?? 0) | 0x20) !== lower[i]) return false;
  return true;
}
