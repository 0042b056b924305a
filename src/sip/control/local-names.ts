import { formatNameAddress, parseNameAddress, type NameAddress } from '../message/address.ts';
import { formatUri, isSipUri, parseUri, type SipUri } from '../message/uri.ts';
import { uriHost, type Target } from '../transport/addresses.ts';

/** The URI under which we are reached at `local`. */
export function localUri(local: Target): string {
  const uri = `sip:${uriHost(local.address)}:${local.port}`;
  return local.transport === 'udp' ? uri : `${uri};transport=${local.transport}`;
}

/**
 * The Contact that the network sees: display name, user and parameters as the application gave them, the host always ours
 * (as drachtio-server does it, so that requests within the dialog arrive here).
 */
export function rewriteContact(given: string | undefined, local: Target): string {
  if (given === undefined) return `<${localUri(local)}>`;
  const address = parseNameAddress(given);
  const uri = address && parseUri(address.uri);
  if (!address || !uri || !isSipUri(uri)) return `<${localUri(local)}>`;
  const { user, parameters } = uri;
  const ours: SipUri = {
    scheme: uri.scheme,
    host: uriHost(local.address),
    port: local.port,
    parameters: new Map(parameters),
  };
  if (user !== undefined) ours.user = user;
  if (local.transport !== 'udp' || parameters.has('transport')) ours.parameters.set('transport', local.transport);
  return formatNameAddress({ ...address, uri: formatUri(ours) });
}

/** From or To: the host `localhost` stands for ours; every other host is kept. Angle brackets are put where they are missing. */
export function rewriteParty(given: string, local: Target): NameAddress | undefined {
  const address = parseNameAddress(given);
  if (!address) return undefined;
  const uri = parseUri(address.uri);
  if (!uri || !isSipUri(uri) || uri.host.toLowerCase() !== 'localhost') return address;
  return { ...address, uri: formatUri({ ...uri, host: uriHost(local.address), port: local.port }) };
}
