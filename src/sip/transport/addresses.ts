import { isIP } from 'node:net';

/** The transports that are spoken. */
export type TransportName = 'udp' | 'tcp';

/** Where to listen. Port 0: the system chooses a free one. */
export interface ListenAddress {
  transport: TransportName;
  /** An IP address without brackets; 0.0.0.0 and :: for all interfaces. */
  address: string;
  port: number;
}

/** Where octets go. */
export interface Target {
  transport: TransportName;
  /** An IP address without brackets. */
  address: string;
  /** 1 to 65535 */
  port: number;
}

/** The way a message came, and so the way back. */
export interface Flow {
  transport: TransportName;
  localAddress: string;
  localPort: number;
  remoteAddress: string;
  remotePort: number;
  /** TCP: identifies the connection. */
  connectionId?: number;
}

/**
 * Reads `udp://127.0.0.1:5060`, `tcp://[::1]:5060`; without a port 5060 (RFC 3261 19.1.2).
 * Undefined: malformed, a host name instead of an address, or a transport that is not spoken.
 */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const match = /^(udp|tcp):\/\/(?:\[([0-9a-f:.]{2,45})\]|([0-9.]{7,15}))(?::(\d{1,5}))?$/i.exec(text);
  if (!match) return undefined;
  const transport = match[1]?.toLowerCase() === 'tcp' ? 'tcp' : 'udp';
  const [, , ipv6, ipv4, digits] = match;
  const address = ipv6 ?? ipv4 ?? '';
  const port = digits === undefined ? 5060 : Number(digits);
  if (isIP(address) !== (ipv6 === undefined ? 4 : 6) || port > 65_535) return undefined;
  return { transport, address, port };
}

/** Writes an address as a setting shows it: `udp://127.0.0.1:5060`. */
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
