import type { Draft } from '../message/draft.ts';
import type { Request } from '../message/message.ts';

/** The status of a draft that is a response. */
export function statusOf(response: Draft): number {
  if (response.startLine.kind !== 'response') throw new Error('a server transaction sends responses only');
  return response.startLine.status;
}

/** RFC 3261 8.2.6.2: every response but 100 has a To tag; ours, where the request had none and the user set none. */
export function prepareResponse(response: Draft, request: Request, localTag: string): void {
  if (statusOf(response) === 100 || request.to.parameters.has('tag')) return;
  const to = response.get('To') ?? request.get('To') ?? '';
  if (!hasTag(to)) response.set('To', `${to};tag=${localTag}`);
}

/** Whether the header parameters of a From or To value, those after the addr-spec, hold a tag. */
export function hasTag(value: string): boolean {
  const parameters = value.slice(value.lastIndexOf('>') + 1);
  return /;\s*tag\s*=/i.test(parameters);
}
