import { EmbeddedHeaders } from '../numbers/embedded-headers.ts';
import { unescape } from '../numbers/uri-user.ts';
import { parseNameAddress, type NameAddress } from '../sip/message/address.ts';
import { readReplaces } from '../sip/message/replaces.ts';
import { splitList } from '../sip/message/syntax.ts';
import { formatUri, isSipUri, isTelUri, parseUri, type SipUri, type TelUri } from '../sip/message/uri.ts';
import type { SrfRequest } from './srf.ts';

/** What a REFER asks for (RFC 3515). */
export interface ReferRequest {
  /** `sip:` or `tel:` with nothing but the parameters that say which number it is. */
  to: string;
  /** Its host is ours, or that of the phone itself: so phones write what was dialled there. */
  here: boolean;
  /** Who says that they refer (RFC 3892); nobody has checked it. */
  referredBy?: string;
  /** The call that the new one is to take the place of (Replaces, RFC 3891 6.1): one that the phone has with the new party. */
  replaces?: string;
  /** Whether the far side wants to hear what becomes of it (RFC 4488). */
  subscribes: boolean;
}

export interface RefusedRefer {
  status: number;
  why: string;
  headers?: Record<string, string>;
}

/** What Call-IDs and tags are made of, without what separates or quotes (RFC 3261 25.1). */
const plainWord = /^[\w.!%*+`'~()[\]{}:/?@-]{1,255}$/;

type Message = Pick<SrfRequest, 'get' | 'uri'>;

/** drachtio-srf does not know the short names of these headers. */
const compactNames = { 'refer-to': 'r', 'referred-by': 'b' } as const;

/** Parameters by which a number is told from a name, and which number it is (RFC 3261 19.1.1, RFC 3966 5.1.5). */
const ofNumbers = ['user', 'phone-context'];

/** Reads a REFER; whatever it holds, an answer comes of it. */
export function readRefer(request: Message): ReferRequest | RefusedRefer {
  const required = splitList(request.get('require') ?? '').filter((tag) => !/^(?:norefersub)?$/i.test(tag));
  if (required.length > 0) {
    return refuse(420, 'it requires what we lack', { Unsupported: required.join(', ') }); // RFC 3261 8.2.2.3
  }
  const [value, ...others] = valuesOf(request, 'refer-to');
  if (value === undefined || others.length > 0) return refuse(400, 'not exactly one Refer-To'); // 2.4.2
  const address = parseNameAddress(value);
  const uri = address && parseUri(address.uri);
  if (!uri) return refuse(400, 'its Refer-To is malformed');
  const target = isTelUri(uri) ? numberOf(uri, address) : isSipUri(uri) ? addressOf(uri) : undefined;
  // RFC 3261 21.4.14. "sips:" asks for TLS on every hop, which nobody here could promise (26.2.2).
  if (!target) return refuse(416, `there is no way to ${uri.scheme}:`);
  if ('status' in target) return target;
  const referredBy = parseNameAddress(valuesOf(request, 'referred-by')[0] ?? '')?.uri;
  return {
    ...target,
    here: isSipUri(uri) && placesOf(request).includes(placeOf(uri)),
    ...(referredBy !== undefined && parseUri(referredBy) && { referredBy: referredBy.slice(0, 255) }),
    subscribes: !/^\s*false\s*(?:;|$)/i.test(request.get('refer-sub') ?? ''), // RFC 4488 4
  };
}

/** A `tel:` without angle brackets has left its parameters to the header (RFC 3261 20.10). */
function numberOf({ number, parameters }: TelUri, address: NameAddress): { to: string } {
  const context = parameters.get('phone-context') ?? address.parameters.get('phone-context');
  return { to: `tel:${number}${context === undefined ? '' : `;phone-context=${context}`}` };
}

function addressOf(uri: SipUri): { to: string; replaces?: string } | RefusedRefer | undefined {
  if (uri.scheme !== 'sip') return undefined;
  const method = uri.parameters.get('method');
  if (method !== undefined && method !== 'INVITE') return refuse(501, 'it asks for something else than a call');
  if (uri.headers !== undefined && unescape(uri.headers) === undefined) return refuse(400, 'its Refer-To is malformed');
  const [embedded, ...others] = new EmbeddedHeaders(uri.headers).all('replaces');
  const replaces = embedded === undefined ? undefined : replacing(embedded);
  if (others.length > 0 || (embedded !== undefined && replaces === undefined)) {
    return refuse(400, 'the Replaces of its Refer-To is malformed');
  }
  const parameters: SipUri['parameters'] = new Map([...uri.parameters].filter(([name]) => ofNumbers.includes(name)));
  const { scheme, user, host, port } = uri;
  const bare: SipUri = {
    scheme,
    host,
    parameters,
    ...(user !== undefined && { user }),
    ...(port !== undefined && { port }),
  };
  return { to: formatUri(bare), ...(replaces !== undefined && { replaces }) };
}

/** As a header of our own; undefined when anything in it could harm there. */
function replacing(value: string): string | undefined {
  const read = readReplaces(value);
  if (!read || ![read.callId, read.toTag, read.fromTag].every((word) => plainWord.test(word))) return undefined;
  return `${read.callId};to-tag=${read.toTag};from-tag=${read.fromTag}${read.earlyOnly ? ';early-only' : ''}`;
}

/** Where a number is at home that was dialled at the phone: with us, as it reaches us, and with the phone, as either names it. */
function placesOf(request: Message): string[] {
  const names = ['to', 'from'].map((name) => parseNameAddress(request.get(name) ?? '')?.uri);
  return [request.uri, ...names].flatMap((text) => {
    const uri = parseUri(text ?? '');
    return uri && isSipUri(uri) ? [placeOf(uri)] : [];
  });
}

function placeOf({ host, port = 5060 }: SipUri): string {
  return `${host.toLowerCase()}:${port}`;
}

function valuesOf(request: Message, name: keyof typeof compactNames): string[] {
  const values = [request.get(name), request.get(compactNames[name])].filter((value) => value !== undefined);
  return values.flatMap((value) => splitList(value));
}

function refuse(status: number, why: string, headers?: Record<string, string>): RefusedRefer {
  return { status, why, ...(headers && { headers }) };
}
