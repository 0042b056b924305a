import { Draft } from '../message/draft.ts';
import type { MalformedMessage } from '../message/parse.ts';
import { newTag } from './ids.ts';
import { hasTag } from './prepare-response.ts';

/**
 * The stateless answer to a request that could not be parsed (RFC 3261 8.2.6, 21.4.1), out of what could be read of it.
 * @returns undefined where there is nothing to answer: a response, an ACK, or too little is known
 */
export function refuseMalformed(error: MalformedMessage): Buffer | undefined {
  try {
    const answer = Draft.answeringMalformed(error);
    const to = answer?.get('To');
    if (to !== undefined && !hasTag(to)) answer?.set('To', `${to};tag=${newTag()}`);
    return answer?.toBuffer();
  } catch {
    return undefined; // a value that cannot stand in a header: nothing that could be answered to
  }
}
