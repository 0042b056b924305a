import { formatParameters, parseUriParameters, type Parameters } from './parameters.ts';
import { hostEnd, parseDecimal } from './syntax.ts';

/** A SIP or SIPS URI, RFC 3261 19.1.1. */
export interface SipUri {
  readonly scheme: 'sip' | 'sips';
  /** As written before any ":password", escapes and telephone parameters still in it; '' for `sip:@host`. */
  user?: string;
  password?: string;
  /** An IPv6 address keeps its brackets. */
  host: string;
  /** 0 to 65535 */
  port?: number;
  parameters: Parameters;
  /** What follows "?", as written. */
  headers?: string;
}

/** A telephone number as a URI, RFC 3966. */
export interface TelUri {
  readonly scheme: 'tel';
  /** As written, with its visual separators. */
  number: string;
  parameters: Parameters;
}

/** A URI of another scheme (lower case): kept as it is. */
export interface OtherUri {
  readonly scheme: string;
  opaque: string;
}

export type Uri = SipUri | TelUri | OtherUri;

export function isSipUri(uri: Uri): uri is SipUri {
  return 'host' in uri;
}

export function isTelUri(uri: Uri): uri is TelUri {
  return 'number' in uri;
}

/**
 * The scheme of a URI in lower case, RFC 3986 3.1: a letter, then letters, digits, "+", "-", "."; undefined when there is none
 * or nothing follows it.
 */
export function uriScheme(text: string): string | undefined {
  const end = schemeEnd(text);
  if (end < 0) return undefined;
  if (end === 3 && text.startsWith('sip')) return 'sip'; // mostly
  return text.substring(0, end).toLowerCase();
}

export function hasScheme(text: string): boolean {
  return schemeEnd(text) > 0;
}

/** Where the colon stands; -1 when there is no scheme. */
function schemeEnd(text: string): number {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x3a) return i > 0 && i + 1 < text.length ? i : -1;
    const lower = code | 0x20;
    const letter = lower >= 0x61 && lower <= 0x7a;
    const further = (code >= 0x30 && code <= 0x39) || code === 0x2b || code === 0x2d || code === 0x2e;
    if (!letter && (i === 0 || !further)) return -1;
  }
  return -1;
}

/** Reads a URI. Undefined: malformed, which includes white space, controls, quotes, angle brackets and octets beyond ASCII. */
export function parseUri(text: string): Uri | undefined {
  const scheme = uriScheme(text);
  if (scheme === undefined || !isUriText(text)) return undefined;
  const rest = text.substring(scheme.length + 1);
  if (scheme === 'sip' || scheme === 'sips') return parseSip(scheme, rest);
  if (scheme === 'tel') return parseTel(rest);
  return { scheme, opaque: rest };
}

function isUriText(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f || code === 0x3c || code === 0x3e || code === 0x22) return false;
  }
  return true;
}

function parseSip(scheme: 'sip' | 'sips', rest: string): SipUri | undefined {
  // A user part may hold ";" "?" and "/" (user-unreserved), so the first "@" ends it before anything else is looked for.
  const at = rest.indexOf('@');
  const hostStart = at + 1;
  let i = hostEnd(rest, hostStart);
  if (i === hostStart) return undefined;
  const hostStop = i;
  let port: number | undefined;
  if (rest.charCodeAt(i) === 0x3a) {
    const portStart = ++i;
    while (i < rest.length && rest.charCodeAt(i) >= 0x30 && rest.charCodeAt(i) <= 0x39) i++;
    port = parseDecimal(rest.substring(portStart, i), 65_535);
    if (port === undefined) return undefined;
  }
  const question = i === rest.length ? -1 : rest.indexOf('?', i);
  const parameters = parseUriParameters(rest.substring(i, question < 0 ? rest.length : question));
  if (!parameters) return undefined;
  const uri: SipUri = { scheme, host: rest.substring(hostStart, hostStop), parameters };
  if (at >= 0) {
    const colon = rest.indexOf(':');
    const hasPassword = colon >= 0 && colon < at;
    uri.user = rest.substring(0, hasPassword ? colon : at);
    if (hasPassword) uri.password = rest.substring(colon + 1, at);
  }
  if (port !== undefined) uri.port = port;
  if (question >= 0) uri.headers = rest.substring(question + 1);
  return uri;
}

function parseTel(rest: string): TelUri | undefined {
  const semicolon = rest.indexOf(';');
  const number = semicolon < 0 ? rest : rest.substring(0, semicolon);
  if (number === '') return undefined;
  const parameters = parseUriParameters(semicolon < 0 ? '' : rest.substring(semicolon));
  return parameters && { scheme: 'tel', number, parameters };
}

/** Writes a URI; nothing is escaped, the parts are taken as they are. */
export function formatUri(uri: Uri): string {
  if (isTelUri(uri)) return `tel:${uri.number}${formatParameters(uri.parameters)}`;
  if (!isSipUri(uri)) return `${uri.scheme}:${uri.opaque}`;
  let text = `${uri.scheme}:`;
  if (uri.user !== undefined) {
    text += uri.user;
    if (uri.password !== undefined) text += `:${uri.password}`;
    text += '@';
  }
  text += uri.host;
  if (uri.port !== undefined) text += `:${uri.port}`;
  text += formatParameters(uri.parameters);
  return uri.headers === undefined ? text : `${text}?${uri.headers}`;
}
