import type { Application } from './application.ts';
import type { Frame } from './framing.ts';

/** `<id>|ping`: drachtio-srf asks whether we are there. */
export function ping(application: Application, frame: Frame): void {
  application.ok(frame.fields[0] ?? '', ['pong']);
}
