import { Draft } from '../message/draft.ts';
import type { Request } from '../message/message.ts';
import { knownMethods } from '../message/methods.ts';

/** Schemes of a Request-URI that an application may serve: RFC 3261 19.1, 3966, 3859, 3860, 5031. */
const knownSchemes = new Set(['sip', 'sips', 'tel', 'im', 'pres', 'urn']);

/**
 * The answer to a request outside of any dialog that cannot be served, whatever application there is (RFC 3261 8.2).
 * @param taken whether an application takes its method
 */
export function unacceptable(request: Request, taken: boolean): Draft | undefined {
  if (!taken && !knownMethods.has(request.method)) return Draft.answering(request, 501); // 21.5.2
  if (!knownSchemes.has(request.uri.scheme)) return Draft.answering(request, 416); // 8.2.2.1
  return undefined;
}

/** 8.2.2.3, for what the server answers by itself: it has no extensions. */
export function extensionRequired(request: Request): Draft | undefined {
  const tags = request.list('Require');
  return tags.length === 0 ? undefined : Draft.answering(request, 420).add('Unsupported', tags.join(', '));
}
