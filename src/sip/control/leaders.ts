import { randomUUID } from 'node:crypto';
import type { Clock } from '../../shared/clock.ts';
import { localOf, remoteOf, type Flow, type Target } from '../transaction/wire.ts';

/** The first line of the frames that carry SIP to an application, field by field as recorded. */

let written = { at: Number.NaN, text: '' };

/** Time of day as hh:mm:ss.uuuuuu, UTC. */
export function timeOfDay(clock: Clock): string {
  const at = clock.now();
  if (at !== written.at) written = { at, text: `${new Date(at).toISOString().slice(11, 23)}000` };
  return written.text;
}

/** A request that arrived; `dialogId` is empty outside of dialogs, and only then our own address follows. */
export function arrivedRequest(
  clock: Clock,
  length: number,
  flow: Flow,
  transactionId: string,
  dialogId: string,
  method: string,
): string[] {
  const remote = remoteOf(flow);
  const protocol = method === 'ACK' ? '' : remote.transport;
  const fields = [randomUUID(), 'sip', 'network', String(length), protocol, remote.address, String(remote.port)];
  fields.push(timeOfDay(clock), transactionId, dialogId);
  if (dialogId === '') {
    const local = localOf(flow);
    fields.push(local.address, String(local.port));
  }
  fields.push('');
  return fields;
}

/** A response that arrived to a request of the application. */
export function arrivedResponse(
  clock: Clock,
  length: number,
  flow: Flow,
  transactionId: string,
  dialogId: string,
): string[] {
  const { transport, address, port } = remoteOf(flow);
  const where = [String(length), transport, address, String(port)];
  return [randomUUID(), 'sip', 'network', ...where, timeOfDay(clock), transactionId, dialogId, ''];
}

/** What follows `OK` for each final response that a proxied request brings; `continue` says that more comes. */
export function branchResponse(clock: Clock, length: number, flow: Flow): string[] {
  const { transport, address, port } = remoteOf(flow);
  return ['network', String(length), transport, address, String(port), timeOfDay(clock), '', '', 'continue'];
}

/** A response that the server made up: 408, 503. `protocol` is `unknown` when no address was found. */
export function madeUpResponse(clock: Clock, protocol: string, transactionId: string, dialogId: string): string[] {
  return [randomUUID(), 'sip', 'network', '0', protocol, '', '0', timeOfDay(clock), transactionId, dialogId, ''];
}

/** A request that the server sent by itself in the application's name: the BYE when no ACK came. */
export function unsolicited(clock: Clock, length: number, local: Target, dialogId: string): string[] {
  const where = [String(length), local.transport, local.address, String(local.port)];
  return [randomUUID(), 'sip', 'application', ...where, timeOfDay(clock), 'unsolicited', dialogId, ''];
}

/** What follows `OK` after a request was sent; without `local`, no address was found for it. */
export function sentRequest(clock: Clock, length: number, local: Target | undefined, transactionId: string): string[] {
  const where = local
    ? [String(length), local.transport, local.address, String(local.port)]
    : ['0', 'unknown', '', '0'];
  return ['application', ...where, timeOfDay(clock), transactionId, 'Msg sent:', ''];
}

/** What follows `OK` after a response was sent; drachtio-server leaves the protocol empty but for INVITE. */
export function sentResponse(
  clock: Clock,
  length: number,
  flow: Flow,
  method: string,
  transactionId: string,
  dialogId: string,
): string[] {
  const { transport, address, port } = remoteOf(flow);
  const protocol = method === 'INVITE' ? transport : '';
  const where = ['application', String(length), protocol, address, String(port)];
  return [...where, timeOfDay(clock), transactionId, dialogId, '', 'Msg sent:', ''];
}
