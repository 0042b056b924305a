import { createHash } from 'node:crypto';
import { parseNameAddress } from '../message/address.ts';
import { Draft } from '../message/draft.ts';
import type { MalformedMessage } from '../message/malformed.ts';
import { splitList } from '../message/syntax.ts';
import { formatVia, parseVia } from '../message/via.ts';
import type { Flow, Target } from './addresses.ts';
import { responseTarget, sourceStamped } from './routing.ts';

/** An answer ready to be sent: `layer.post(refusal.octets, refusal.target, flow, failed)`. */
export interface Refusal {
  octets: Buffer;
  target: Target;
}

/**
 * The stateless answer to a message that could not be parsed (RFC 3261 8.2.6, 8.2.7); undefined when it must not or cannot have
 * one. A Via that cannot be read either is sent back as it is, to where the message came from.
 */
export function refusal(error: MalformedMessage, flow: Flow): Refusal | undefined {
  const draft = Draft.answeringMalformed(error);
  const { salvage } = error;
  if (!draft || !salvage) return undefined;

  const [first = '', ...others] = splitList(salvage.via);
  const via = parseVia(first);
  const stamped = via && sourceStamped(via, flow);
  if (stamped) draft.set('Via', [formatVia(stamped), ...others].join(', '));

  const to = parseNameAddress(salvage.to);
  if (to && !to.parameters.has('tag')) {
    // The same for each retransmission, so that a stateless answer does not look like a second one.
    const tag = createHash('sha256').update(`${first} ${salvage.callId}`).digest('hex').slice(0, 16);
    draft.set('To', `${salvage.to};tag=${tag}`);
  }
  return { octets: draft.toBuffer(), target: responseTarget(stamped, flow) };
}
