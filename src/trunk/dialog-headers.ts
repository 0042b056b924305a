import { parseNameAddress } from '../sip/message/address.ts';
import { splitList } from '../sip/message/syntax.ts';
import type { SipMessageView } from './srf.ts';

/** The tag of a From or To; empty when there is none (RFC 2543). */
export function tagOf(header: string | undefined): string {
  return parseNameAddress(header ?? '')?.parameters.get('tag') ?? '';
}

/** Where the sender of a message wants to be reached inside the dialog. */
export function contactOf(message: SipMessageView): string | undefined {
  const [contact = ''] = splitList(message.get('contact') ?? '');
  return parseNameAddress(contact)?.uri;
}
