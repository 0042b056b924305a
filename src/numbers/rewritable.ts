import { detached } from '../sip/message/detached.ts';
import type { Parameters } from '../sip/message/parameters.ts';

/** A token, a host or a quoted-string of printable ASCII: nothing that could end the entry or the line (RFC 3261 25.1). */
const harmless = /^(?:[A-Za-z0-9.!%*_+`'~:[\]-]+|"[\x20\x21\x23-\x5b\x5d-\x7e]*")$/;

/** Those parameters of an entry of another node that may be written again as they are, without `known`. */
export function rewritable(parameters: Parameters, known: readonly string[] = []): Parameters {
  const kept = new Map<string, string | undefined>();
  for (const [name, value] of parameters) {
    if (known.includes(name) || (value !== undefined && !harmless.test(value))) continue;
    kept.set(detached(name), value === undefined ? undefined : detached(value));
  }
  return kept;
}

/** Nothing that could end the URI, the entry or the line. */
export function isPlainUri(uri: string | undefined): uri is string {
  return uri !== undefined && /^(?:sips?|tel):[\x21\x23-\x3b\x3d\x3f-\x7e]+$/i.test(uri);
}
