// drachtio-srf finds the INVITE of a CANCEL by Call-ID alone, in a map of its own, and forgets the INVITE as soon as
// any final response was handed over. So a CANCEL (with its Reason) is swallowed when it crosses our 200, and when a
// second INVITE of the same Call-ID was refused. Here the entry is put back.
import type { SrfRequest, SrfResponse } from './srf.ts';

export interface PendingInvite {
  req: SrfRequest;
  res: SrfResponse;
}

/** Lets a CANCEL find this INVITE again; does nothing where drachtio-srf is built otherwise. */
export function expectCancel(invite: PendingInvite): void {
  pendingInvites(invite.req)?.set(invite.req.get('call-id'), invite);
}

/** The INVITE is over: no CANCEL concerns it, and nothing of it is kept. */
export function forgetCancel(invite: PendingInvite): void {
  const pending = pendingInvites(invite.req);
  const callId = invite.req.get('call-id');
  const kept: unknown = pending?.get(callId);
  if (kept instanceof Object && Reflect.get(kept, 'req') === invite.req) pending?.delete(callId);
}

function pendingInvites(request: SrfRequest): Map<unknown, unknown> | undefined {
  const servers: unknown = request.agent instanceof Object ? Reflect.get(request.agent, 'mapServer') : undefined;
  const server: unknown = servers instanceof Map ? servers.get(request.socket) : undefined;
  const pending: unknown = server instanceof Object ? Reflect.get(server, 'pendingNetworkInvites') : undefined;
  return pending instanceof Map ? pending : undefined;
}
