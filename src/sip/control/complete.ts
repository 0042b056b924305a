import type { Draft } from '../message/draft.ts';
import type { ApplicationMessage } from './application-message.ts';

/** Copies the application's headers, but for those that `ours` (given the lower-case name) says are written by the server. */
export function addHeaders(draft: Draft, message: ApplicationMessage, ours: (name: string) => boolean): void {
  for (const { name, value } of message.headers) {
    const key = name.toLowerCase();
    if (key !== 'content-length' && !ours(key)) draft.add(name, value);
  }
}

/** The application's body; a session description without Content-Type is named as such, as drachtio-server does. */
export function addBody(draft: Draft, message: ApplicationMessage): void {
  draft.body = message.body;
  if (draft.has('Content-Type') || message.body.length === 0) return;
  if (message.body.subarray(0, 3).toString('latin1') === 'v=0') draft.add('Content-Type', 'application/sdp');
}
