import { parseParameters } from '../../sip/message/address.ts';
import { unquote } from '../../sip/message/syntax.ts';

/** A media type or a content disposition, with its parameters (RFC 2045 5.1, RFC 3261 20.11, 20.15). */
export interface MediaType {
  /** In lower case. */
  readonly name: string;
  /** Names in lower case, values without quotes; none when they are malformed. */
  readonly parameters: ReadonlyMap<string, string>;
}

export function readMediaType(value: string): MediaType {
  const semicolon = value.indexOf(';');
  const name = (semicolon < 0 ? value : value.slice(0, semicolon)).trim().toLowerCase();
  const parameters = new Map<string, string>();
  const parsed = semicolon < 0 ? undefined : parseParameters(value, semicolon);
  for (const [key, text] of parsed ?? []) if (text !== undefined) parameters.set(key, unquote(text));
  return { name, parameters };
}
