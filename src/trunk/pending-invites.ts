// drachtio-srf finds the INVITE of a CANCEL by Call-ID alone, in a map of its own, and forgets the INVITE as soon as
// any final response was handed over. So a CANCEL (with its Reason) is swallowed when it crosses our 200, and when a
// second INVITE of the same Call-ID was refused. Here the entry is put back.
//
// And it keeps of each INVITE, until that is answered, all that it read: each part as a cut out of the whole frame, which stays
// in memory with it. Callers wait by the thousand, so here that is let go but for what is still asked of it.
import { detached } from '../sip/message/detached.ts';
import type { SrfRequest, SrfResponse } from './srf.ts';

export interface PendingInvite {
  req: SrfRequest;
  res: SrfResponse;
}

/** Lets a CANCEL find this INVITE again; does nothing where drachtio-srf is built otherwise. */
export function expectCancel(invite: PendingInvite): void {
  pendingInvites(invite.req)?.set(invite.req.get('call-id'), invite);
}

/** The INVITE is over: no CANCEL concerns it, and nothing of it is kept. Returns whether one could still find it. */
export function forgetCancel({ req }: PendingInvite): boolean {
  const pending = pendingInvites(req);
  const callId = req.get('call-id');
  const kept: unknown = pending?.get(callId);
  return kept instanceof Object && Reflect.get(kept, 'req') === req && pending?.delete(callId) === true;
}

function pendingInvites(request: SrfRequest): Map<unknown, unknown> | undefined {
  const servers: unknown = request.agent instanceof Object ? Reflect.get(request.agent, 'mapServer') : undefined;
  const server: unknown = servers instanceof Map ? servers.get(request.socket) : undefined;
  const pending: unknown = server instanceof Object ? Reflect.get(server, 'pendingNetworkInvites') : undefined;
  return pending instanceof Map ? pending : undefined;
}

/** The headers that are asked for until an INVITE is answered, by drachtio-srf or by us; lower case. */
const lasting = new Set([
  ...['call-id', 'cseq', 'from', 'to', 'contact', 'content-type', 'max-forwards', 'allow', 'supported', 'require'],
  ...['session-expires', 'min-se', 'p-early-media'],
]);

/** An INVITE has been read: lets go of what nobody will ask for again. */
export function lighten(invite: PendingInvite): void {
  const expected = forgetCancel(invite); // by a key that is cut out of the frame, too
  const headers = new Map<string, string>();
  for (const message of [invite.req, invite.res]) {
    detachTexts(message);
    const read: unknown = Reflect.get(message, 'msg');
    if (!(read instanceof Object)) continue;
    Object.assign(read, { raw: undefined, payload: [], headers: lightened(Reflect.get(read, 'headers'), headers) });
    detachTexts(read);
  }
  if (expected) expectCancel(invite);
}

/** The response holds headers of its request: `known`, so that both have the same text. */
function lightened(headers: unknown, known: Map<string, string>): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers instanceof Object ? headers : {})) {
    if (typeof value !== 'string' || !lasting.has(name.toLowerCase())) continue;
    const text = known.get(value) ?? detached(value);
    known.set(text, text);
    kept[name] = text;
  }
  return kept;
}

/** A provisional response was confirmed: what drachtio-srf notes of that are cuts, too. */
export function lightenConfirmed({ res }: PendingInvite): void {
  detachTexts(res);
}

function detachTexts(holder: object): void {
  for (const [key, value] of Object.entries(holder)) {
    if (typeof value === 'string') Reflect.set(holder, key, detached(value));
  }
}
