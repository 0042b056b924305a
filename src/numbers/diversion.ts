import { parseNameAddress } from '../sip/message/address.ts';
import type { Request } from '../sip/message/message.ts';
import { detached } from '../sip/message/detached.ts';
import { unquote } from '../sip/message/syntax.ts';
import { parseUri } from '../sip/message/uri.ts';
import type { DivertingUser } from './diverting.ts';
import type { Evidence } from './explanation.ts';
import type { NumberingSettings } from './phone-number.ts';
import { readNumber } from './party.ts';
import { reasonOfToken } from './redirect-reason.ts';
import { rewritable } from './rewritable.ts';

/** `standard` is RFC 5806: each diverting node puts its entry on top. `reversed`: the peer appends instead. */
export type DiversionOrder = 'standard' | 'reversed';

/** The Diversion header (RFC 5806), oldest first; malformed entries are dropped with a warning. */
export function readDiversions(
  request: Request,
  settings: NumberingSettings,
  order: DiversionOrder,
  evidence: Evidence,
): DivertingUser[] {
  const received = request.list('Diversion');
  const users = received.map((value) => readDiversion(value, settings)).filter((user) => user !== undefined);
  if (users.length < received.length) evidence.warn('diversion', 'Diversion', '1.8', 'malformed entries were ignored');
  return order === 'reversed' ? users : users.reverse();
}

function readDiversion(value: string, settings: NumberingSettings): DivertingUser | undefined {
  const address = parseNameAddress(value);
  if (!address || !parseUri(address.uri)) return undefined;
  const parameter = (name: string) => unquote(address.parameters.get(name) ?? '').toLowerCase();
  const privacy = parameter('privacy');
  const limit = parseCount(parameter('limit'));
  return {
    // Other schemes than sip, sips and tel count as diversions without a usable number.
    number: readNumber(address.uri, settings),
    reason: reasonOfToken(parameter('reason')),
    private: privacy === 'full' || privacy === 'uri',
    counter: parseCount(parameter('counter')) ?? 1,
    source: 'diversion',
    uri: detached(address.uri),
    parameters: rewritable(address.parameters),
    ...(limit === undefined ? {} : { limit }),
  };
}

/** RFC 5806 4: one or two digits; here 1 to 99, anything else does not count. */
function parseCount(text: string): number | undefined {
  return /^\d{1,2}$/.test(text) && Number(text) > 0 ? Number(text) : undefined;
}
