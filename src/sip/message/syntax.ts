/** Small linear scanners over the basic rules of RFC 3261 25.1. Positions are string indexes. */

const DOUBLE_QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** token = 1*(alphanum / "-" / "." / "!" / "%" / "*" / "_" / "+" / "`" / "'" / "~"), RFC 3261 25.1; 1 for each such octet. */
export const tokenOctets: Uint8Array = (() => {
  const table = new Uint8Array(256);
  const characters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~";
  for (const character of characters) table[character.charCodeAt(0)] = 1;
  return table;
})();

/** The position after the token that starts at `start`; `start` itself when there is none. */
export function tokenEnd(text: string, start: number): number {
  let i = start;
  while (i < text.length && isTokenCode(text.charCodeAt(i))) i++;
  return i;
}

/** True when the whole text is one token. */
export function isToken(text: string): boolean {
  return text.length > 0 && tokenEnd(text, 0) === text.length;
}

function isTokenCode(code: number): boolean {
  return code < 256 && tokenOctets[code] === 1;
}

/** The position of the first character at or after `start` that is neither SP nor HTAB. */
export function skipSpace(text: string, start: number): number {
  let i = start;
  while (i < text.length) {
    const code = text.charCodeAt(i);
    if (code !== 0x20 && code !== 0x09) break;
    i++;
  }
  return i;
}

/** Takes SP and HTAB off both ends. */
export function trimSpace(text: string): string {
  const start = skipSpace(text, 0);
  let end = text.length;
  while (end > start) {
    const code = text.charCodeAt(end - 1);
    if (code !== 0x20 && code !== 0x09) break;
    end--;
  }
  return start === 0 && end === text.length ? text : text.substring(start, end);
}

/** The position after the quoted-string whose opening quote stands at `start`; -1 when it is not closed. */
export function quotedEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === BACKSLASH) i++;
    else if (code === DOUBLE_QUOTE) return i + 1;
  }
  return -1;
}

/** The text that a quoted-string means (quotes and quoted-pairs taken off); text without quotes comes back as it is. */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== DOUBLE_QUOTE || quotedEnd(text, 0) !== text.length) return text;
  const inner = text.slice(1, -1);
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner;
}

/** Writes a quoted-string, RFC 3261 25.1: controls stand in quoted-pairs, too. */
export function quote(text: string): string {
  let quoted = '"';
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if (!needsBackslash(text.charCodeAt(i))) continue;
    quoted += `${text.substring(start, i)}\\`;
    start = i;
  }
  return `${quoted}${text.substring(start)}"`;
}

/** What qdtext does not hold: the quote, the backslash, and controls but HTAB. (CR and LF stand in no header at all.) */
function needsBackslash(code: number): boolean {
  return code === DOUBLE_QUOTE || code === BACKSLASH || (code < 0x20 && code !== 0x09) || code === 0x7f;
}

/** True when a text cannot stand in a header: CR, LF, or NUL outside of a quoted-pair. */
export function breaksLine(text: string): boolean {
  if (text.includes('\r') || text.includes('\n')) return true;
  for (let at = text.indexOf('\0'); at >= 0; at = text.indexOf('\0', at + 1)) {
    if (text.charCodeAt(at - 1) !== BACKSLASH) return true;
  }
  return false;
}

/**
 * Splits a header value at the commas that stand outside quotes and angle brackets (RFC 3261 7.3.1).
 * Empty entries are kept. A quote or bracket that is never closed takes the rest of the value into its entry.
 */
export function splitList(value: string): string[] {
  if (!value.includes(',')) return [trimSpace(value)];
  const entries: string[] = [];
  let start = 0;
  let bracket = false;
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code === DOUBLE_QUOTE && !bracket) {
      const end = quotedEnd(value, i);
      if (end < 0) break;
      i = end - 1;
    } else if (code === 0x3c) bracket = true;
    else if (code === 0x3e) bracket = false;
    else if (code === 0x2c && !bracket) {
      entries.push(trimSpace(value.substring(start, i)));
      start = i + 1;
    }
  }
  entries.push(trimSpace(value.substring(start)));
  return entries;
}

/** An unsigned decimal number of at most `limit`; undefined for anything else. Only digits are read. */
export function parseDecimal(text: string, limit: number): number | undefined {
  if (text.length === 0) return undefined;
  let number = 0;
  for (let i = 0; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
    if (number > limit) return undefined;
  }
  return number;
}

/** The position after a host at `start` (hostname, IPv4address or "[" IPv6address "]"); `start` when there is none. */
export function hostEnd(text: string, start: number): number {
  if (text.charCodeAt(start) === 0x5b) {
    const close = text.indexOf(']', start);
    if (close < start + 3) return start;
    for (let i = start + 1; i < close; i++) if (!isIpv6Code(text.charCodeAt(i))) return start;
    return close + 1;
  }
  let i = start;
  while (i < text.length && isHostCode(text.charCodeAt(i))) i++;
  return i;
}

/** Hex digits, ":" and "." (an IPv4 tail); that there are enough of them is the resolver's question. */
function isIpv6Code(code: number): boolean {
  const lower = code | 0x20;
  return (code >= 0x30 && code <= 0x3a) || code === 0x2e || (lower >= 0x61 && lower <= 0x66);
}

/** alphanum / "-" / "."; the underscore is no hostname by RFC 3261 but common in private networks. */
function isHostCode(code: number): boolean {
  const lower = code | 0x20;
  return (
    (code >= 0x30 && code <= 0x39) ||
    (lower >= 0x61 && lower <= 0x7a) ||
    code === 0x2d ||
    code === 0x2e ||
    code === 0x5f
  );
}
