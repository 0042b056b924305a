import { quotedEnd, skipSpace, tokenEnd } from './syntax.ts';

/**
 * Parameters of a header or a URI: names in lower case, values as written (a quoted-string keeps its quotes; see `unquote`),
 * undefined for a parameter without "=". Of a name that stands twice the first counts (RFC 3261 7.3.1 forbids the second).
 */
export type Parameters = Map<string, string | undefined>;

/**
 * Reads header parameters, `;a=b;c`, from position `from` to the end; space around ";" and "=" is allowed (RFC 3261 25.1).
 * One ";" too many at the very end is forgiven. Undefined: malformed.
 */
export function parseParameters(text: string, from = 0): Parameters | undefined {
  const parameters: Parameters = new Map();
  let i = skipSpace(text, from);
  while (i < text.length) {
    if (text.charCodeAt(i) !== 0x3b) return undefined;
    i = skipSpace(text, i + 1);
    if (i === text.length) break;
    const nameEnd = tokenEnd(text, i);
    if (nameEnd === i) return undefined;
    const name = text.substring(i, nameEnd).toLowerCase();
    i = skipSpace(text, nameEnd);
    let value: string | undefined;
    if (text.charCodeAt(i) === 0x3d) {
      const start = skipSpace(text, i + 1);
      const end = valueEnd(text, start);
      if (end < 0) return undefined;
      value = text.substring(start, end);
      i = skipSpace(text, end);
    }
    if (!parameters.has(name)) parameters.set(name, value);
  }
  return parameters;
}

/** The end of a gen-value (token / host / quoted-string, RFC 3261 25.1); -1 for a quote that is not closed. */
function valueEnd(text: string, start: number): number {
  if (text.charCodeAt(start) === 0x22) return quotedEnd(text, start);
  let i = start;
  while (i < text.length && !endsValue(text.charCodeAt(i))) i++;
  return i;
}

/** SP HTAB ; , " < > */
function endsValue(code: number): boolean {
  return (
    code === 0x3b || code === 0x20 || code === 0x09 || code === 0x2c || code === 0x22 || code === 0x3c || code === 0x3e
  );
}

/**
 * Reads URI parameters, `;a=b;c`, without any space (uri-parameters of RFC 3261 25.1, par of RFC 3966 3).
 * Undefined: malformed.
 */
export function parseUriParameters(text: string): Parameters | undefined {
  const parameters: Parameters = new Map();
  let i = 0;
  while (i < text.length) {
    if (text.charCodeAt(i) !== 0x3b) return undefined;
    let end = text.indexOf(';', i + 1);
    if (end < 0) end = text.length;
    if (end === i + 1) {
      // One ";" too many at the very end is forgiven.
      if (end === text.length) break;
      return undefined;
    }
    const equals = text.indexOf('=', i + 1);
    const named = equals >= 0 && equals < end;
    if (equals === i + 1) return undefined;
    const name = text.substring(i + 1, named ? equals : end).toLowerCase();
    if (!parameters.has(name)) parameters.set(name, named ? text.substring(equals + 1, end) : undefined);
    i = end;
  }
  return parameters;
}

/** Writes `;a=b;c`, values as they are. */
export function formatParameters(parameters: ReadonlyMap<string, string | undefined>): string {
  let text = '';
  for (const [name, value] of parameters) text += value === undefined ? `;${name}` : `;${name}=${value}`;
  return text;
}
