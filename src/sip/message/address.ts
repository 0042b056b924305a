import { formatParameters, parseParameters, type Parameters } from './parameters.ts';
import { quote, quotedEnd, skipSpace, trimSpace, unquote } from './syntax.ts';
import { hasScheme } from './uri.ts';

export { parseParameters } from './parameters.ts';

/** The value of From, To, Contact, Diversion and their like: name-addr or addr-spec, then parameters (RFC 3261 20.10, 25.1). */
export interface NameAddress {
  /** Without its quotes and quoted-pairs; '' for an empty quoted-string. */
  displayName?: string;
  /** As written, without angle brackets. That it has a scheme is sure; `parseUri` says more. */
  uri: string;
  parameters: Parameters;
}

/** Reads a name-addr or addr-spec with its parameters. Undefined: malformed. */
export function parseNameAddress(value: string): NameAddress | undefined {
  const start = skipSpace(value, 0);
  if (value.charCodeAt(start) === 0x22) {
    const end = quotedEnd(value, start);
    if (end < 0) return undefined;
    const open = skipSpace(value, end);
    if (value.charCodeAt(open) !== 0x3c) return undefined;
    return bracketed(value, open, unquote(value.substring(start, end)));
  }
  const open = value.indexOf('<', start);
  const semicolon = value.indexOf(';', start);
  if (open < 0 || (semicolon >= 0 && semicolon < open)) return bare(value, start, semicolon);
  const name = trimSpace(value.substring(start, open));
  if (name.includes('"') || name.includes('>')) return undefined;
  return bracketed(value, open, name === '' ? undefined : name);
}

function bracketed(value: string, open: number, displayName: string | undefined): NameAddress | undefined {
  const close = value.indexOf('>', open);
  if (close < 0) return undefined;
  const uri = trimSpace(value.substring(open + 1, close));
  if (!hasScheme(uri) || !isOneWord(uri)) return undefined;
  const parameters = parseParameters(value, close + 1);
  if (!parameters) return undefined;
  return displayName === undefined ? { uri, parameters } : { displayName, uri, parameters };
}

/** Without angle brackets all that follows ";" belongs to the header, not to the URI (RFC 3261 20.10). */
function bare(value: string, start: number, semicolon: number): NameAddress | undefined {
  const end = semicolon < 0 ? value.length : semicolon;
  const uri = trimSpace(value.substring(start, end));
  if (!hasScheme(uri) || !isOneWord(uri)) return undefined;
  const parameters = parseParameters(value, end);
  return parameters && { uri, parameters };
}

/** True when no white space, quote or angle bracket stands in it. */
function isOneWord(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x20 || code === 0x09 || code === 0x22 || code === 0x3c || code === 0x3e) return false;
  }
  return true;
}

/** Writes name-addr with angle brackets always, the display name quoted. */
export function formatNameAddress(address: NameAddress): string {
  const name = address.displayName === undefined ? '' : `${quote(address.displayName)} `;
  return `${name}<${address.uri}>${formatParameters(address.parameters)}`;
}
