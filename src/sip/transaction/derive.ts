import { Draft } from '../message/draft.ts';
import type { Response } from '../message/message.ts';

/** The requests that RFC 3261 makes out of an INVITE that was sent: same Request-URI, Via, Route, From, Call-ID and CSeq number. */
function derived(invite: Draft, method: string, to: string | undefined): Draft {
  const { startLine } = invite;
  if (startLine.kind !== 'request') throw new Error('only a request can be acknowledged or cancelled');
  const draft = Draft.request(method, startLine.requestUri);
  const via = invite.all('Via')[0];
  if (via !== undefined) draft.add('Via', via);
  draft.add('Max-Forwards', '70');
  for (const route of invite.all('Route')) draft.add('Route', route);
  draft.add('From', invite.get('From') ?? '');
  draft.add('To', to ?? '');
  draft.add('Call-ID', invite.get('Call-ID') ?? '');
  draft.add('CSeq', `${sequenceOf(invite)} ${method}`);
  return draft;
}

/** The ACK for a final response other than 2xx (17.1.1.3): part of the INVITE's transaction, To as in the response. */
export function failureAckFor(invite: Draft, response: Response): Draft {
  return derived(invite, 'ACK', response.get('To'));
}

/** The CANCEL for an INVITE (9.1): To as in the INVITE, a single Via equal to its topmost one. */
export function cancelFor(invite: Draft): Draft {
  return derived(invite, 'CANCEL', invite.get('To'));
}

/** The number in a draft's CSeq; 0 when it has none. */
export function sequenceOf(draft: Draft): number {
  return Number.parseInt(draft.get('CSeq') ?? '0', 10) || 0;
}
