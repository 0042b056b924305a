// A phone moves its call on by its own transfer key (REFER): as if a terminal had instructed it, and the phone is told.
import { parseDialled } from '../numbers/number.ts';
import type { Call, CallSettings } from './call.ts';
import { checkInstruction } from './instruct.ts';
import type { AcceptedInstruction } from './machine.ts';
import type { PhoneReferral, RefusalCode } from './ports.ts';

/** Whether the site lets the phone at this final called number do so. */
export function mayRefer(to: string, { phonesMayTransfer }: CallSettings): boolean {
  return phonesMayTransfer === 'all' || (phonesMayTransfer === 'ip-phones' && /^sips?:/i.test(to));
}

/** A phone that we called: the final called number, in which attempt. */
interface Phone {
  attempt: number;
  to: string;
}

/** What a phone is answered whose instruction would be refused. */
const statuses: Partial<Record<RefusalCode, number>> = {
  'bad-number': 404,
  'not-allowed': 403,
  'emergency-number': 403,
  'no-media': 488,
};

/** The phone of this attempt asks. From the check to the change of state nothing else can happen, as with a terminal. */
export function referred(call: Call, phone: Phone, referral: PhoneReferral): void {
  const checked = check(call, phone, referral);
  if ('status' in checked) {
    const { status, why } = checked;
    const { to, referredBy } = referral;
    call.log.info({ phone: phone.to, to, referredBy, status }, `a phone's transfer is refused: ${why}`);
    referral.refuse(status);
    return;
  }
  referral.accept();
  call.referral = referral;
  call.happened({ is: 'instructed', instruction: checked, now: call.tools.clock.now() });
}

function check(
  call: Call,
  phone: Phone,
  referral: PhoneReferral,
): AcceptedInstruction | { status: number; why: string } {
  const { tools, state } = call;
  if (state.at !== 'connected' || state.party !== phone.attempt) {
    return { status: 491, why: 'the call is not connected, or is moved already' }; // RFC 3261 21.4.27
  }
  const { replaces } = referral;
  if (replaces !== undefined && !isOtherPhone(call, referral)) {
    return {
      status: 501,
      why: 'it is to take over a call (Replaces) that is not between two phones: let a terminal do so',
    };
  }
  if (tools.rate.wait(call.record.account ?? '', 1) > 0) {
    return { status: 503, why: 'too many instructions in a minute' };
  }
  const checked = checkInstruction(call, {
    ...{ callId: call.id, terminalId: phone.to, order: 'together', attended: false },
    ...(replaces === undefined
      ? { to: [dialledNumber(call, referral)], mode: 'auto' }
      : { to: [referral.to], mode: 'bridge' }),
  });
  if (checked.ok) return { ...checked.instruction, ...(replaces !== undefined && { replaces }) };
  const { code, message } = checked.error;
  return { status: statuses[code] ?? 403, why: message };
}

/**
 * Whether it asks for a phone that we call directly: only there is a call to be taken over where we would call. One of our
 * own calls (its other side is our Contact, or a number) would have to be joined with this one, and is not.
 */
function isOtherPhone({ tools }: Call, { to, here }: PhoneReferral): boolean {
  const address = parseDialled(to, tools.numbering);
  return !here && address?.kind === 'sip' && tools.settings.mayCallPhone(address.number);
}

/**
 * What was dialled, as an instruction would name it. Phones make a URI of a number, with their own host or ours; any other
 * host means that phone, where it may be called at all. So nothing is ever called but what an instruction may call.
 */
function dialledNumber({ tools }: Call, { to, here }: PhoneReferral): string {
  const { numbering, settings } = tools;
  const address = parseDialled(to, numbering);
  if (address?.kind !== 'sip') return to;
  const byNumber = `${to};user=phone`; // RFC 3261 19.1.1
  const number = parseDialled(byNumber, numbering)?.number;
  if (number === undefined) return to;
  const means = here && number.startsWith('+') ? 'number' : settings.mayCallPhone(address.number) ? 'phone' : 'number';
  return means === 'number' ? byNumber : to;
}
