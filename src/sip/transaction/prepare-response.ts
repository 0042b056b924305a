import type { Draft } from '../message/draft.ts';
import type { Request } from '../message/message.ts';

/** The status of a draft that is a response. */
export function statusOf(response: Draft): number {
  if (response.startLine.kind !== 'response') throw new Error('a server transaction sends responses only');
  return response.startLine.status;
}

/**
 * RFC 3261 8.2.6.2: every response but 100 has a To tag; ours, where the request had none and the user set none.
 * @returns the tag that our responses have from now on: what the user set counts (it names the dialog, and so comes back in ACK)
 */
export function prepareResponse(response: Draft, request: Request, localTag: string): string {
  if (statusOf(response) === 100 || request.to.parameters.has('tag')) return localTag;
  const to = response.get('To') ?? request.get('To') ?? '';
  const chosen = tagOf(to);
  if (chosen === undefined) response.set('To', `${to};tag=${localTag}`);
  return chosen ?? localTag;
}

/** The tag in a From or To value, which stands in its header parameters, those after the addr-spec; undefined: none. */
export function tagOf(value: string): string | undefined {
  const parameters = value.slice(value.lastIndexOf('>') + 1);
  return /;\s*tag\s*=\s*([^;\s,]*)/i.exec(parameters)?.[1];
}
