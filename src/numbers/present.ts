import type { NumberFormat } from './format.ts';
import type { PhoneNumber } from './phone-number.ts';
import { presentCaller } from './present-caller.ts';
import type { WritingStyle } from './writing-style.ts';
import { divertingUsers, presentDiversion, presentHistory } from './present-diversion.ts';
import type { Reading } from './read.ts';

/** How a trunk wants the caller and the diversion shown on calls that we send to it. What is absent has its default. */
export interface IdentityPolicy {
  /** Whose number From shows. `subscriber` for operators who accept only their customers' numbers. Default `caller`. */
  readonly from?: 'caller' | 'subscriber' | undefined;
  /** Whose number P-Asserted-Identity shows. Default `caller`. */
  readonly assert?: 'caller' | 'subscriber' | 'none' | undefined;
  /** The gateways belong to our trust domain: withheld numbers may be told them, with Privacy. Default true. */
  readonly trusted?: boolean | undefined;
  /** Default `plus`. */
  readonly numberFormat?: NumberFormat | undefined;
  /** Of `national` numbers, ISO 3166-1 alpha-2. Default CN. */
  readonly country?: string | undefined;
  /** Host of the identities that we write. Default: that of the call. */
  readonly domain?: string | undefined;
  /** Writes the Diversion header (RFC 5806). Default true. */
  readonly diversion?: boolean | undefined;
  /** Writes History-Info (RFC 7044). Default true. */
  readonly historyInfo?: boolean | undefined;
  /** Diversion and History-Info carry the token of the leg, for peers that keep no Session-ID. Default true. */
  readonly legToken?: boolean | undefined;
  /** Diversion and History-Info show none of our own numbers. Default false. */
  readonly hideServiceNumber?: boolean | undefined;
}

/** The onward call. */
export interface OnwardCall {
  /** The final called number. */
  readonly to: PhoneNumber;
  /** The subscriber's number for which the call came. */
  readonly subscriber: PhoneNumber;
  /** Host of the identities that we write: that of the gateway, or our own. */
  readonly domain: string;
  /** By which the leg is known when it comes back: written as a parameter of our own entries. Printable token characters. */
  readonly legToken?: string | undefined;
  /** Numbers by which trunks reach us, besides the one that was called now. */
  readonly ownNumbers?: ReadonlySet<PhoneNumber> | undefined;
}

/** What is written on the target leg. */
export interface OutgoingIdentity {
  /** The From header's value, without tag. */
  readonly from: string;
  /** P-Asserted-Identity, Privacy, Diversion (newest first, one a line), History-Info. Values are printable ASCII. */
  readonly headers: [name: string, value: string][];
}

/**
 * The identity of the caller and the diversion for the target leg (RFC 3323, 3325, 5806, 7044, 7544). The subscriber
 * stands as the one who diverts to the final called number, once, whether or not the network had named them; the entries
 * of others before are kept.
 */
export function outgoingIdentity(read: Reading, policy: IdentityPolicy, call: OnwardCall): OutgoingIdentity {
  const { reading, diverting, style, diversion, history } = written(read, policy, call);
  const tellsDiversion = diversion.length > 0 || history.length > 0;
  const caller = presentCaller(reading, call.subscriber, style, {
    from: policy.from ?? 'caller',
    assert: policy.assert ?? 'caller',
    hidesHistory: tellsDiversion && diverting.some((user) => user.private),
  });
  return {
    from: caller.from,
    headers: [
      ...caller.headers,
      ...diversion.map((value): [string, string] => ['Diversion', value]),
      ...(history.length > 0 ? [['History-Info', history.join(', ')] satisfies [string, string]] : []),
    ],
  };
}

/** What a redirection tells of itself: Diversion and History-Info of a 302. */
export interface RedirectingIdentity {
  readonly headers: Record<string, string>;
  /** Index of the entry that diverts, for the `mp` of a Contact (RFC 7044 7.2); undefined without History-Info. */
  readonly index?: string;
}

/**
 * The diversion as the one who diverts tells it in a 302 (RFC 5806 6.2, RFC 7044 10.3): up to the subscriber, without
 * the target, which is added by who follows the redirection.
 */
export function redirectingIdentity(
  read: Reading,
  policy: IdentityPolicy,
  call: Omit<OnwardCall, 'to'>,
): RedirectingIdentity {
  const { diversion, history } = written(read, policy, { ...call, to: call.subscriber }); // whose entry is cut off below
  const index = /;mp=([\d.]+)$/.exec(history.at(-1) ?? '')?.[1];
  return {
    headers: {
      ...(diversion.length > 0 && { Diversion: diversion.join(', ') }),
      ...(history.length > 1 && { 'History-Info': history.slice(0, -1).join(', ') }),
    },
    ...(index !== undefined && { index }),
  };
}

/** Who diverts to whom, as this policy wants it written. */
function written(read: Reading, policy: IdentityPolicy, call: OnwardCall) {
  const reading = policy.hideServiceNumber ? withoutOwnNumbers(read, call) : read;
  const style: WritingStyle = {
    domain: policy.domain ?? call.domain,
    format: policy.numberFormat ?? 'plus',
    country: policy.country ?? 'CN',
    trusted: policy.trusted ?? true,
    ...((policy.legToken ?? true) && { legToken: call.legToken }),
  };
  const diverting = divertingUsers(reading, call.subscriber);
  const diversion = (policy.diversion ?? true) ? presentDiversion(reading, diverting, style) : [];
  const history = (policy.historyInfo ?? true) ? presentHistory(reading, diverting, call.to, style) : [];
  return { reading, diverting, style, diversion, history };
}

/** Who diverted was never one of us; an entry of History-Info that names us cannot stay, nor be changed, so that none is continued. */
function withoutOwnNumbers(reading: Reading, { ownNumbers, subscriber }: OnwardCall): Reading {
  const isOurs = (number: PhoneNumber | null): boolean =>
    number !== null && number !== subscriber && (number === reading.secondCalled || ownNumbers?.has(number) === true);
  const { history, firstCalled } = reading;
  return {
    ...reading,
    firstCalled: isOurs(firstCalled) ? null : firstCalled,
    chain: reading.chain.filter(({ number }) => !isOurs(number)),
    history: history.entries.some(({ number }) => isOurs(number))
      ? { ...history, entries: [], target: undefined }
      : history,
  };
}
