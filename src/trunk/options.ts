import { allow } from './tools.ts';

/** What an OPTIONS is answered with (RFC 3261 11.2): the methods, bodies and extensions that we understand. */
export const capabilities: Record<string, string> = {
  Allow: allow,
  Accept: 'application/sdp, multipart/mixed',
  'Accept-Encoding': 'identity',
  'Accept-Language': 'en',
  Supported: '100rel, histinfo, timer',
};
