// Whom a certificate stands for.
import type { X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { isSipUri, parseUri } from '../message/uri.ts';
import { withoutZone } from './addresses.ts';

interface AlternativeNames {
  readonly dns: readonly string[];
  readonly uris: readonly string[];
  readonly addresses: readonly string[];
}

/** One entry of subjectAltName as Node writes it: `DNS:a.example.net`, with the value as a JSON string where it holds odd characters. */
const entryPattern = /(?:^|, )(DNS|URI|IP Address):("(?:[^"\\]|\\.)*"|[^,]*)/g;

function alternativeNames(text: string): AlternativeNames {
  const found: Record<'DNS' | 'URI' | 'IP Address', string[]> = { DNS: [], URI: [], 'IP Address': [] };
  for (const [, kind, value = ''] of text.matchAll(entryPattern)) {
    // What had to be quoted is no name that anybody is looked up by.
    if ((kind === 'DNS' || kind === 'URI' || kind === 'IP Address') && !value.startsWith('"')) found[kind].push(value);
  }
  return { dns: found.DNS, uris: found.URI, addresses: found['IP Address'] };
}

/** The server names (SNI) that a certificate of ours fits. */
export function namesOf(certificate: X509Certificate): string[] {
  const { dns, uris } = alternativeNames(certificate.subjectAltName ?? '');
  return [...new Set([...dns, ...sipDomains(uris)])];
}

/**
 * Whether a certificate stands for a SIP domain (RFC 5922 7.1, 7.2): its sip URIs without a user, else its DNS names, compared
 * whole: no wildcards. An address is compared with the IP addresses that it holds (RFC 2818 3.1).
 * @param subjectAltName as Node writes it; undefined: the certificate has none, and stands for nobody
 */
export function standsFor(subjectAltName: string | undefined, domain: string): boolean {
  const { dns, uris, addresses } = alternativeNames(subjectAltName ?? '');
  const wanted = withoutTrailingDot(domain.toLowerCase());
  if (isIP(wanted) !== 0) return addresses.some((address) => sameAddress(address, withoutZone(wanted)));
  const sip = uris.filter((uri) => /^sip:/i.test(uri));
  const identities = sip.length > 0 ? sipDomains(sip) : dns;
  return identities.some((identity) => withoutTrailingDot(identity.toLowerCase()) === wanted);
}

/** RFC 5922 7.1: a URI with a user names that user, not the domain. */
function sipDomains(uris: readonly string[]): string[] {
  return uris.flatMap((text) => {
    const uri = parseUri(text);
    return uri && isSipUri(uri) && uri.scheme === 'sip' && uri.user === undefined ? [uri.host] : [];
  });
}

function sameAddress(one: string, other: string): boolean {
  return canonical(one) === canonical(other);
}

/** IPv6 in one form: certificates write it in full. */
function canonical(address: string): string {
  return isIP(address) === 6 ? new URL(`http://[${address}]`).hostname : address;
}

function withoutTrailingDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name;
}

/** The entry whose names fit a server name that a client asked for: the whole name before a wildcard of its first label. */
export function fitting<T extends { readonly names: readonly string[] }>(
  entries: readonly T[],
  serverName: string,
): T | undefined {
  const wanted = withoutTrailingDot(serverName.toLowerCase());
  const dot = wanted.indexOf('.');
  const wildcard = dot < 0 ? undefined : `*${wanted.slice(dot)}`;
  return (
    entries.find(({ names }) => names.includes(wanted)) ??
    entries.find(({ names }) => wildcard !== undefined && names.includes(wildcard))
  );
}
