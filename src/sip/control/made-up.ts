import { Draft } from '../message/draft.ts';
import { newTag } from '../transaction/ids.ts';
import { tagOf } from '../transaction/prepare-response.ts';

/** A response to our own request that nobody sent: RFC 3261 8.1.3.1 treats a time-out as 408, a transport error as 503. */
export function madeUp(request: Draft, status: number, reason?: string): Draft {
  const response = Draft.response(status, reason);
  for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq']) {
    for (const value of request.all(name)) {
      response.add(name, name === 'To' && tagOf(value) === undefined ? `${value};tag=${newTag()}` : value);
    }
  }
  return response;
}
