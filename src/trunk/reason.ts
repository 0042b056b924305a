import type { Cause } from '../call/ports.ts';

/**
 * Reads Reason headers (RFC 3326 2): `protocol *(;param)`, several values with commas. The first SIP and the first
 * Q.850 cause count; other protocols and whatever does not fit the grammar are passed over.
 */
export function parseReason(header: string | undefined): Cause {
  const cause: Cause = {};
  for (const value of splitOutsideQuotes(header ?? '', ',')) {
    const [protocol = '', ...parameters] = splitOutsideQuotes(value, ';').map((part) => part.trim());
    const number = causeOf(parameters);
    const text = textOf(parameters);
    switch (protocol.toLowerCase()) {
      case 'sip':
        if (cause.sip !== undefined || number === undefined || number < 100 || number > 699) continue;
        cause.sip = number;
        break;
      case 'q.850':
        if (cause.q850 !== undefined || number === undefined || number < 1 || number > 127) continue;
        cause.q850 = number;
        break;
      default:
        continue;
    }
    if (text !== undefined) cause.text ??= text;
  }
  return cause;
}

/** A Reason header's value: the SIP cause first; undefined when there is no cause to tell. */
export function formatReason(cause: Cause | undefined): string | undefined {
  if (!cause) return undefined;
  const text = cause.text === undefined ? '' : `;text="${quotable(cause.text)}"`;
  const values: string[] = [];
  if (cause.sip !== undefined) values.push(`SIP;cause=${cause.sip}${text}`);
  if (cause.q850 !== undefined) values.push(`Q.850;cause=${cause.q850}${values.length === 0 ? text : ''}`);
  return values.length === 0 ? undefined : values.join(', ');
}

/** The Reason header as headers of a message: none when there is no cause. */
export function reasonHeaders(cause: Cause | undefined): Record<string, string> {
  const reason = formatReason(cause);
  return reason === undefined ? {} : { Reason: reason };
}

function causeOf(parameters: readonly string[]): number | undefined {
  const digits = valueOf(parameters, 'cause');
  return digits !== undefined && /^\d{1,3}$/.test(digits) ? Number(digits) : undefined;
}

function textOf(parameters: readonly string[]): string | undefined {
  const quoted = valueOf(parameters, 'text');
  if (quoted === undefined) return undefined;
  if (!quoted.startsWith('"') || !quoted.endsWith('"') || quoted.length < 2) return quoted;
  return quoted.slice(1, -1).replace(/\\(.)/gs, '$1');
}

function valueOf(parameters: readonly string[], name: string): string | undefined {
  for (const parameter of parameters) {
    const equals = parameter.indexOf('=');
    if (equals > 0 && parameter.slice(0, equals).trim().toLowerCase() === name)
      return parameter.slice(equals + 1).trim();
  }
  return undefined;
}

/** RFC 3261 25.1: a separator inside a quoted string does not separate; `\"` does not end one. */
function splitOutsideQuotes(text: string, separator: string): string[] {
  const parts: string[] = [];
  let quoted = false;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted && character === '\\') at++;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && character === separator) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

/** RFC 3261 25.1 quoted-string: no line ends or other controls, backslash and quote escaped. */
function quotable(text: string): string {
  return text.replace(/[\p{Cc}]/gu, ' ').replace(/["\\]/g, '\\$&');
}
