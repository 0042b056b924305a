import { detached } from '../message/detached.ts';
import type { Request } from '../message/message.ts';

/** RFC 3261 8.2.2.2: From tag, Call-ID and CSeq are the same in all copies of a request that was forked on its way. */
export function mergeKey({ cseq, callId, from }: Request): string {
  return detached(`${cseq.sequence} ${cseq.method} ${from.parameters.get('tag') ?? ''} ${callId}`);
}
