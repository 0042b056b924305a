// How the network is told to call somebody in our place: by REFER (RFC 3515) and by 302 (RFC 3261 21.3.3).
import type { Destination } from '../call/ports.ts';
import { numberUri } from '../numbers/format.ts';
import { redirectingIdentity } from '../numbers/present.ts';
import type { TrunkSettings } from './settings.ts';

/** A dialog of ours as its far side names it (RFC 3891 3): the tags are those of the side that gets the Replaces. */
export interface DialogName {
  callId: string;
  /** Of the far side. */
  toTag: string;
  /** Ours. */
  fromTag: string;
}

/** Of the trunk that the caller came over. */
export interface CallersTrunk {
  settings: TrunkSettings;
  /** Numbers by which any trunk reaches us. */
  ownNumbers: ReadonlySet<string>;
  /** Host of the numbers where `identity.domain` names none: that of its first gateway, or the address of the peer. */
  host: string;
}

/** `Refer-To` and `Referred-By` (RFC 3892); undefined when `to` could not be written into a header. */
export function referHeaders(
  { to: [to], firstCalled }: Destination,
  trunk: CallersTrunk,
  replaces: DialogName | undefined,
): Record<string, string> | undefined {
  const uri = uriOf(to, trunk);
  const target = uri === undefined || !replaces ? uri : replacing(uri, replaces, trunk);
  if (target === undefined) return undefined;
  const by = uriOf(firstCalled, trunk);
  return { 'Refer-To': `<${target}>`, ...(by !== undefined && { 'Referred-By': `<${by}>` }) };
}

/**
 * Contact, Diversion and History-Info of a 302; undefined when none of the numbers could be written. Who diverts is told
 * as on an onward call, but not where to: who follows the Contact adds that, with the `mp` that we give (RFC 7044 7.2).
 */
export function redirectHeaders(destination: Destination, trunk: CallersTrunk): Record<string, string> | undefined {
  const { identity } = trunk.settings;
  const { headers, index } = redirectingIdentity(destination.reading, identity, {
    ownNumbers: trunk.ownNumbers,
    subscriber: destination.firstCalled,
    domain: trunk.host,
  });
  const uris = destination.to.map((to) => uriOf(to, trunk)).filter((uri) => uri !== undefined);
  if (uris.length === 0) return undefined;
  const mp = index === undefined ? '' : `;mp=${index}`;
  // RFC 3261 20.10: the order of preference is that of q, never that of the values.
  const q = (at: number): string =>
    uris.length === 1 ? '' : `;q=${((uris.length - at) / uris.length).toFixed(3).replace(/\.?0+$/, '')}`;
  return { Contact: uris.map((uri, at) => `<${uri}>${q(at)}${mp}`).join(', '), ...headers };
}

/** `tel:` and `sip:` as they are, a number as the trunk writes numbers. */
function uriOf(to: string, { settings: { identity }, host }: CallersTrunk): string | undefined {
  if (/^sips?:[\x21\x23-\x3b\x3d\x3f-\x7e]{1,255}$/i.test(to)) return to;
  if (/^tel:\+?[\d*#().A-Fa-f-]{1,32}(?:;[\w.%=+-]{1,128})*$/.test(to)) return to;
  return numberUri(to, identity.domain ?? host, identity.numberFormat ?? 'plus', identity.country ?? 'CN');
}

/** RFC 3891 3 and RFC 3261 19.1.1: Replaces as a header within the URI. A `tel:` URI has none, so it is written as `sip:`. */
function replacing(uri: string, { callId, toTag, fromTag }: DialogName, trunk: CallersTrunk): string | undefined {
  const number = /^tel:(\+?[\d*#().A-Fa-f-]+)/i.exec(uri)?.[1]?.replace(/[().-]/g, '');
  const address = number === undefined ? uri : uriOf(number, trunk);
  if (address === undefined) return undefined;
  const value = encodeURIComponent(`${callId};to-tag=${toTag};from-tag=${fromTag}`);
  return `${address}${address.includes('?') ? '&' : '?'}Replaces=${value}`;
}
