// The kinds of values that settings have: each parses what stands in YAML or in a variable into its own type,
// and says in words what it expects. Nothing here knows a setting by name.
import ipaddr from 'ipaddr.js';
import { z } from 'zod';
import { formatListenAddress, parseListenAddress } from '../sip/transport/addresses.ts';

/** What is known of a setting besides its type; the generators of the documentation read it. */
export interface About {
  description: string;
  /** The value is a secret as a whole: never shown. (Passwords inside URIs are masked wherever they stand.) */
  secret?: boolean;
  /** YAML that shows how a list is written; stands as a comment in config/default.yaml. */
  example?: string;
}

export const about = z.registry<About>();

/** What each kind of value takes, in words. */
export const takes = z.registry<{ expected: string }>();

/** A value that `parse` understands; undefined means it does not, and the person is told `expected`. */
export type Kind<T> = z.ZodPipe<z.ZodUnknown, z.ZodTransform<T>>;

export function kind<T>(expected: string, parse: (input: unknown) => T | undefined, examples = ''): Kind<T> {
  const schema = z.unknown().transform((input, context): T => {
    const value = parse(input);
    if (value !== undefined) return value;
    context.issues.push({ code: 'custom', message: expected + examples, input });
    return z.NEVER;
  });
  takes.add(schema, { expected });
  return schema;
}

/** A kind of value that is written as a string. */
function textKind<T>(expected: string, parse: (input: string) => T | undefined): Kind<T> {
  return kind(expected, (input) => (typeof input === 'string' ? parse(input) : undefined));
}

/** A setting with a default, given as it would be written in YAML. */
export function setting<S extends z.ZodType>(schema: S, byDefault: z.input<S>, facts: About): z.ZodPrefault<S> {
  return known(z.prefault(schema, byDefault), facts);
}

/** A setting that may be absent. */
export function optional<S extends z.ZodType>(schema: S, facts: About): z.ZodExactOptional<S> {
  return known(z.exactOptional(schema), facts);
}

/** A key that must be given. */
export function required<S extends z.ZodType>(schema: S, facts: About): S {
  return known(schema.clone(), facts);
}

/** A group of settings; a key that is not in `shape` is an error. */
export function section<Shape extends z.ZodRawShape>(
  description: string,
  shape: Shape,
): z.ZodPrefault<z.ZodObject<Shape, z.core.$strict>> {
  return known(z.prefault(z.strictObject(shape), {} as never), { description });
}

function known<S extends z.core.$ZodType>(schema: S, facts: About): S {
  about.add(schema, facts);
  return schema;
}

export function oneOf<const Words extends readonly (string | boolean)[]>(...words: Words): Kind<Words[number]> {
  return kind(`one of ${words.join(', ')}`, (input) => words.find((word) => word === input));
}

export const yesNo: Kind<boolean> = kind('true or false', (input) => (typeof input === 'boolean' ? input : undefined));

export function wholeNumber(from: number, to: number): Kind<number> {
  return kind(`a whole number of ${from} to ${to}`, (input) =>
    typeof input === 'number' && Number.isInteger(input) && input >= from && input <= to ? input : undefined,
  );
}

export function text(expected: string, pattern: RegExp): Kind<string> {
  return textKind(expected, (input) => (pattern.test(input) ? input : undefined));
}

/** Digits lose their leading zeros, or become a sum, when YAML reads them as a number: so only a string will do. */
export function digits(expected: string, pattern: RegExp): Kind<string> {
  return text(`${expected}, in quotes`, pattern);
}

const unitMilliseconds = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `500ms`, `60s`, `5m`, `4h`, `30d` as milliseconds; undefined for anything else. */
export function parseDuration(input: string): number | undefined {
  const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(input);
  if (!match) return input === '0' ? 0 : undefined;
  const unit = unitMilliseconds[match[2] as keyof typeof unitMilliseconds];
  return Math.round(Number(match[1]) * unit);
}

/** Milliseconds, written with a unit. */
export function duration(from: string, to: string): Kind<number> {
  const [least, most] = [parseDuration(from) ?? 0, parseDuration(to) ?? 0];
  const parse = (input: unknown) => {
    const milliseconds = input === 0 ? 0 : typeof input === 'string' ? parseDuration(input) : undefined;
    return milliseconds !== undefined && milliseconds >= least && milliseconds <= most ? milliseconds : undefined;
  };
  return kind(`a duration of ${from} to ${to}`, parse, ', such as 500ms, 60s, 5m, 4h or 30d');
}

const hostName = /^(?!.*\.\.)[a-z0-9_](?:[a-z0-9._-]{0,252}[a-z0-9])?$/i;

/** A host's name, an IPv4 address, or an IPv6 address in brackets; returned without them. */
function parseHost(input: string): string | undefined {
  const bracketed = /^\[(.+)\]$/.exec(input)?.[1];
  if (bracketed !== undefined) return ipaddr.IPv6.isValid(bracketed) ? bracketed : undefined;
  if (/^[\d.]+$/.test(input)) return ipaddr.IPv4.isValidFourPartDecimal(input) ? input : undefined;
  return hostName.test(input) ? input : undefined;
}

export interface Address {
  /** Name or address; IPv6 without brackets. */
  host: string;
  /** 0 to 65535; 0 leaves the choice to the machine. */
  port: number;
}

function parseAddress(input: string, from: number): Address | undefined {
  const match = /^(.+):(\d{1,5})$/.exec(input);
  const host = match?.[1] === undefined ? undefined : parseHost(match[1]);
  const port = Number(match?.[2]);
  return host !== undefined && port >= from && port <= 65_535 ? { host, port } : undefined;
}

/** Where a part listens; port 0 is any free one. */
export const listenAddress: Kind<Address> = textKind(
  'an address and port such as 127.0.0.1:8080 or [::1]:8080',
  (input) => parseAddress(input, 0),
);

/** Where the SIP server listens, as written with the port filled in. */
export const sipListenAddress: Kind<string> = textKind(
  'udp://, tcp://, tls://, ws:// or wss:// with IP address and port, such as udp://127.0.0.1:5060',
  (input) => {
    const address = parseListenAddress(input);
    const [, advertised] = input.split('?');
    return address && `${formatListenAddress(address)}${advertised === undefined ? '' : `?${advertised}`}`;
  },
);

/** A name server, as Node's resolver takes it. */
export const nameServer: Kind<string> = textKind(
  'the address of a name server such as 192.0.2.53, 127.0.0.1:5353 or [2001:db8::53]:53',
  (input) => {
    const host = parseAddress(input, 1)?.host ?? input;
    return ipaddr.IPv4.isValidFourPartDecimal(host) || ipaddr.IPv6.isValid(host) ? input : undefined;
  },
);

export const ipAddress: Kind<string> = textKind('an IP address', (input) =>
  ipaddr.IPv4.isValidFourPartDecimal(input) || ipaddr.IPv6.isValid(input) ? input : undefined,
);

/** The ng port of an rtpengine, as written; its protocol is spoken over IPv4 only. */
export const engineAddress: Kind<string> = textKind(
  'the address of an rtpengine, such as udp://127.0.0.1:2223',
  (input) => {
    const read = input.startsWith('udp://') ? parseAddress(input.slice('udp://'.length), 1) : undefined;
    return read && !read.host.includes(':') ? input : undefined;
  },
);

/** Where datagrams of rtpengines are taken, as written; over IPv4, as its ng protocol. */
export const digitEventsAddress: Kind<string> = textKind(
  'udp://, an IPv4 address of this machine and a port, such as udp://127.0.0.1:2224',
  (input) => {
    const read = input.startsWith('udp://') ? parseAddress(input.slice('udp://'.length), 1) : undefined;
    return read && ipaddr.IPv4.isValidFourPartDecimal(read.host) ? input : undefined;
  },
);

/** The SIP server behind drachtio-srf. */
export type SipServer = { kind: 'builtin' } | { kind: 'drachtio'; host: string; port: number; secret: string };

export const sipServer: Kind<SipServer> = textKind(
  'builtin, or drachtio://user:secret@host:9022',
  (input): SipServer | undefined => {
    if (input === 'builtin') return { kind: 'builtin' };
    const match = /^drachtio:\/\/(?:[^:@/]*:)?([^@/]+)@([^@/]+)$/.exec(input);
    if (match?.[1] === undefined || match[2] === undefined) return undefined;
    const address = parseAddress(match[2], 1) ?? parseAddress(`${match[2]}:9022`, 1);
    const secret = decodeOrNothing(match[1]);
    return address && secret !== undefined ? { kind: 'drachtio', ...address, secret } : undefined;
  },
);

function decodeOrNothing(escaped: string): string | undefined {
  try {
    return decodeURIComponent(escaped);
  } catch {
    return undefined;
  }
}

/** An address or a prefix of addresses, in the form `address/length`. */
export const addressPrefix: Kind<string> = textKind(
  'an address or a prefix such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32',
  parsePrefix,
);

function parsePrefix(input: string): string | undefined {
  const [address = '', length = address.includes(':') ? '128' : '32', ...rest] = input.split('/');
  // ipaddr.js also reads 010.1 and other short forms of IPv4: a slip of the pen would open the trunk to strangers.
  if (!ipaddr.IPv4.isValidFourPartDecimal(address) && !ipaddr.IPv6.isValid(address)) return undefined;
  if (rest.length > 0 || !ipaddr.isValidCIDR(`${address}/${length}`)) return undefined;
  return `${ipaddr.parse(address).toString()}/${length}`;
}

/** Where a terminal's own IP phone may be: a prefix of addresses, or one `sip:` address. */
export const ipPhoneTarget: Kind<string> = textKind(
  'a prefix such as 192.0.2.0/24, or a sip: address such as sip:desk@192.0.2.7',
  (input) => (input.startsWith('sip:') ? parsePhoneUri(input) : parsePrefix(input)),
);

function parsePhoneUri(input: string): string | undefined {
  const match = /^sip:[^\s@:;?]+@([^\s@;?]+)$/.exec(input);
  const known = match?.[1] && (parseAddress(match[1], 1) ?? parseHost(match[1]));
  return known ? input : undefined;
}

/** A `sip:` or `sips:` URI without a user that says where requests go (RFC 3261 19.1.1); transport udp, tcp or tls. */
export const gatewayUri: Kind<string> = textKind(
  'a gateway such as sip:192.0.2.7:5060, sip:sbc.example.net;transport=tcp or sips:sbc.example.net',
  (input) => {
    const match = /^sips?:([^;?@]+)((?:;[a-z0-9.-]+(?:=[^;?]*)?)*)$/i.exec(input);
    if (match?.[1] === undefined) return undefined;
    const transport = /;transport=([^;]*)/i.exec(match[2] ?? '')?.[1]?.toLowerCase();
    const possible = /^sips:/i.test(input) ? ['tcp', 'tls'] : ['udp', 'tcp', 'tls'];
    if (transport !== undefined && !possible.includes(transport)) return undefined;
    const known = parseAddress(match[1], 1) ?? parseHost(match[1]);
    return known === undefined ? undefined : input;
  },
);

export const mongodbUri: Kind<string> = text(
  'mongodb:// or mongodb+srv:// with host and database, such as mongodb://127.0.0.1:27017/ringaway',
  /^mongodb(\+srv)?:\/\/[^\s/]+/,
);

/** The Origin of a web page (RFC 6454), or `*`. */
export const webOrigin: Kind<string> = text(
  'an origin such as https://phone.example.com',
  /^(\*|https?:\/\/[^\s/?#]+)$/,
);
