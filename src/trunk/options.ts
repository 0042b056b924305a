import type { TrunkSettings } from './settings.ts';
import { allow } from './tools.ts';

/** The bodies that we understand; a 415 tells them, too (RFC 3261 8.2.3). */
export const accepted = { Accept: 'application/sdp, multipart/mixed', 'Accept-Encoding': 'identity' };

/** What an OPTIONS is answered with (RFC 3261 11.2): the methods, bodies and extensions that we understand. */
export const capabilities: Record<string, string> = {
  Allow: allow,
  ...accepted,
  'Accept-Language': 'en',
  Supported: '100rel, histinfo, timer',
};

/** The extensions that a trunk may use with us (RFC 3261 20.37). */
export function supportedBy({ reliableProvisionals }: Pick<TrunkSettings, 'reliableProvisionals'>): string {
  return reliableProvisionals === 'never' ? 'histinfo, timer' : '100rel, histinfo, timer';
}
