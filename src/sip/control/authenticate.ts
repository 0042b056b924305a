import { createHash, timingSafeEqual } from 'node:crypto';
import type { Application } from './application.ts';
import type { Frame } from './framing.ts';

export interface ServerIdentity {
  /** Where we listen: `udp/127.0.0.1:5060`, one an entry. */
  readonly hostPorts: readonly string[];
  /** drachtio-srf looks for v0.8.2 or later. */
  readonly version: string;
  readonly secret: string;
}

/** `<id>|authenticate|<secret>|<tags, comma>`: the tags may be missing. */
export function authenticate(identity: ServerIdentity, application: Application, frame: Frame): void {
  const [id = '', , secret = '', tags = ''] = frame.fields;
  if (application.origin !== 'in-process' && !sameSecret(secret, identity.secret)) {
    application.refuse(id, 'incorrect secret');
    return;
  }
  application.authenticated = true;
  application.tags = tags.split(',').filter((tag) => tag !== '');
  const hostPorts = identity.hostPorts.join(',');
  application.ok(id, [hostPorts, identity.version, hostPorts]);
}

/** Takes the same time wherever the two differ. */
function sameSecret(given: string, wanted: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
