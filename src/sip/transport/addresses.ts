import { isIP } from 'node:net';

/** The transports that are spoken: RFC 3261 18, RFC 7118. */
export const transportNames = ['udp', 'tcp', 'tls', 'ws', 'wss'] as const;
export type TransportName = (typeof transportNames)[number];

/** What Via and Contact say instead of the address that is listened on. */
export interface AdvertisedAddress {
  /** An IP address without brackets, or a name. */
  address: string;
  /** 1 to 65535; without it the port that is listened on. */
  port?: number;
  /** Prefixes (`10.0.0.0/8`) whose peers are shown the address that is listened on all the same. */
  notTo?: readonly string[];
}

/** Where to listen. Port 0: the system chooses a free one. */
export interface ListenAddress {
  transport: TransportName;
  /** An IP address without brackets; 0.0.0.0 and :: for all interfaces. */
  address: string;
  port: number;
  advertised?: AdvertisedAddress;
}

/** Where octets go. */
export interface Target {
  transport: TransportName;
  /** An IP address without brackets. */
  address: string;
  /** 1 to 65535 */
  port: number;
  /** TLS: the domain that the peer's certificate must show (RFC 5922 7); without it, the address. */
  domain?: string;
}

/** The way a message came, and so the way back. */
export interface Flow {
  transport: TransportName;
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
  /** All but UDP: identifies the connection. */
  connectionId?: number;
}

/** RFC 3261 19.1.2; for WebSocket those of HTTP (RFC 6455 3). */
const defaultPorts: Readonly<Record<TransportName, number>> = { udp: 5060, tcp: 5060, tls: 5061, ws: 80, wss: 443 };

/** The port where none is said. */
export function defaultPort(transport: TransportName): number {
  return defaultPorts[transport];
}

/** The transport of that name, in any case; undefined: none that is spoken. */
export function transportNamed(name: string): TransportName | undefined {
  const lower = name.toLowerCase();
  return transportNames.find((known) => known === lower);
}

/** Transports that carry messages under TLS. */
export function isSecure(transport: TransportName): boolean {
  return transport === 'tls' || transport === 'wss';
}

/** Transports whose connections only the peer opens (RFC 7118 5). */
export function isWebSocket(transport: TransportName): boolean {
  return transport === 'ws' || transport === 'wss';
}

const listenPattern =
  /^([a-z]{2,3}):\/\/(?:\[([0-9a-f:.]{2,45})\]|([0-9.]{7,15}))(?::(\d{1,5}))?(?:\?advertised=([^?&=\s]{1,260}))?$/i;

/**
 * Reads `udp://127.0.0.1:5060`, `tls://[::1]:5061`, `udp://10.0.0.5:5060?advertised=203.0.113.7:5080`; without a port the
 * transport's own (RFC 3261 19.1.2). Undefined: malformed, a host name instead of an address, or a transport that is not spoken.
 */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const [matched, name = '', ipv6, ipv4, digits, shown] = listenPattern.exec(text) ?? [];
  const transport = transportNamed(name);
  if (matched === undefined || !transport) return undefined;
  const address = ipv6 ?? ipv4 ?? '';
  const port = digits === undefined ? defaultPort(transport) : Number(digits);
  if (isIP(address) !== (ipv6 === undefined ? 4 : 6) || port > 65_535) return undefined;
  if (shown === undefined) return { transport, address, port };
  const advertised = parseAdvertised(shown);
  return advertised && { transport, address, port, advertised };
}

/** `203.0.113.7`, `203.0.113.7:5080`, `[2001:db8::7]:5080`, `sip.example.net`. */
function parseAdvertised(text: string): AdvertisedAddress | undefined {
  const [, ipv6, other = '', digits] = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::(\d{1,5}))?$/i.exec(text) ?? [];
  const address = ipv6 ?? other;
  const numeric = ipv6 !== undefined || /^[\d.]+$/.test(address);
  if (address === '' || (numeric && isIP(address) !== (ipv6 === undefined ? 4 : 6))) return undefined;
  if (digits === undefined) return { address };
  const port = Number(digits);
  return port > 0 && port <= 65_535 ? { address, port } : undefined;
}

/** Writes an address as a setting shows it: `udp://127.0.0.1:5060`; what it advertises is left out. */
export function formatListenAddress(listen: ListenAddress): string {
  return `${listen.transport}://${uriHost(listen.address)}:${listen.port}`;
}

/** An IP address as the host of a URI or a Via: IPv6 in brackets, without its zone. */
export function uriHost(address: string): string {
  return isIP(address) === 6 ? `[${withoutZone(address)}]` : address;
}

/** The address in the host of a URI or a Via: without brackets. */
export function hostAddress(host: string): string {
  return host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
}

/** fe80::1%eth0 without %eth0, which means nothing outside this machine. */
export function withoutZone(address: string): string {
  const zone = address.indexOf('%');
  return zone < 0 ? address : address.slice(0, zone);
}

/** One key for each remote end. */
export function remoteKey(address: string, port: number): string {
  return `${address} ${port}`;
}
