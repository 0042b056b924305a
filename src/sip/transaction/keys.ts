import type { Request, Response } from '../message/message.ts';
import { magicCookie } from './ids.ts';

/** Which client transaction a response belongs to (RFC 3261 17.1.3): branch and CSeq method. */
export function clientKey(branch: string, method: string): string {
  return `${method} ${branch}`;
}

export function clientKeyOf(response: Response): string | undefined {
  const branch = response.vias[0]?.branch;
  return branch === undefined ? undefined : clientKey(branch, response.cseq.method);
}

/**
 * Which server transaction a request belongs to (RFC 3261 17.2.3): branch, sent-by and method; an ACK belongs to its INVITE.
 * Without the magic cookie, or with nothing behind it, RFC 2543's rule: Request-URI, From tag, Call-ID, CSeq number and topmost Via.
 * @param method of the transaction looked for: for CANCEL's target `INVITE`
 */
export function serverKey(request: Request, method = request.method === 'ACK' ? 'INVITE' : request.method): string {
  const via = request.vias[0];
  const sentBy = via ? `${via.host.toLowerCase()}:${via.port ?? ''}` : '';
  const identified = via?.branch?.startsWith(magicCookie) === true && via.branch.length > magicCookie.length;
  if (identified) return `${method} ${via.branch} ${sentBy}`;
  const tag = request.from.parameters.get('tag') ?? '';
  return [method, '2543', request.requestUri, tag, request.callId, request.cseq.sequence, sentBy].join(' ');
}

/** What ties an ACK for a 2xx to the INVITE (RFC 3261 13.2.2.4: same dialog, same CSeq number). */
export function ackKey(callId: string, localTag: string, sequence: number): string {
  return `${sequence} ${localTag} ${callId}`;
}
