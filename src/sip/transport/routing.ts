import { isIP } from 'node:net';
import type { Request } from '../message/message.ts';
import type { Via } from '../message/via.ts';
import { hostAddress, withoutZone, type Flow, type Target } from './addresses.ts';

/** Writes into a request's topmost Via where it really came from, see `sourceStamped`. */
export function stampSource(request: Request, flow: Flow): void {
  const [top] = request.vias;
  const stamped = top && sourceStamped(top, flow);
  if (stamped && stamped !== top) request.stampTopVia(stamped);
}

/**
 * The topmost Via with `received` when sent-by is a name or another address than the source (RFC 3261 18.2.1), with `rport` and
 * `received` when the sender asked for them (RFC 3581 4). What the sender itself wrote there is not believed.
 */
export function sourceStamped(top: Via, flow: Flow): Via {
  const source = withoutZone(flow.remoteAddress);
  const asksForPort = top.parameters.has('rport');
  const differs = hostAddress(top.host).toLowerCase() !== source.toLowerCase();
  if (!asksForPort && !differs && !top.parameters.has('received')) return top;

  const parameters = new Map(top.parameters);
  if (asksForPort) parameters.set('rport', String(flow.remotePort));
  if (asksForPort || differs) parameters.set('received', source);
  else parameters.delete('received');
  return { ...top, parameters };
}

/**
 * Where a response goes by the topmost Via of its request, which `stampSource` has seen (RFC 3261 18.2.2, RFC 3581 4);
 * on TCP that is where to connect once the request's own connection is gone. Without a usable Via: back to the source.
 */
export function responseTarget(via: Via | undefined, flow: Flow): Target {
  const transport = flow.transport;
  if (!via) return { transport, address: flow.remoteAddress, port: flow.remotePort };
  const sentByPort = usablePort(via.port) ?? 5060;
  const multicast = address(via.parameters.get('maddr'));
  if (transport === 'udp' && multicast !== undefined) return { transport, address: multicast, port: sentByPort };

  const rport = usablePort(Number(via.parameters.get('rport') ?? Number.NaN));
  const received = address(via.parameters.get('received')) ?? address(via.host) ?? flow.remoteAddress;
  // The zone of a link-local source never stood in the Via but is needed to send.
  const zoned = withoutZone(flow.remoteAddress) === received ? flow.remoteAddress : received;
  return { transport, address: zoned, port: transport === 'udp' ? (rport ?? sentByPort) : sentByPort };
}

function address(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const text = hostAddress(host);
  return isIP(text) === 0 ? undefined : text;
}

function usablePort(port: number | undefined): number | undefined {
  return port !== undefined && Number.isInteger(port) && port > 0 && port <= 65_535 ? port : undefined;
}
