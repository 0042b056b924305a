import type { Response } from '../../message/message.ts';

/** RFC 3261 16.7 step 6: among 4xx, those that help the caller to do better are preferred. */
const helpful = new Set([401, 407, 415, 420, 484]);

/** Which of the branches' final responses goes upstream (RFC 3261 16.7 step 6); undefined when there is none. */
export function bestResponse(responses: readonly Response[]): Response | undefined {
  return responses.reduce<Response | undefined>(
    (best, response) => (best === undefined || rank(response.status) < rank(best.status) ? response : best),
    undefined,
  );
}

/** Lower is better: any 6xx, then the lowest class; within 5xx a 503 comes last, as it speaks of one branch only. */
function rank(status: number): number {
  if (status >= 600) return 0;
  const ofClass = Math.floor(status / 100) * 10;
  if (status === 503) return ofClass + 2;
  return helpful.has(status) ? ofClass : ofClass + 1;
}

/** 16.7 step 7: a 401 or 407 that goes upstream carries the challenges of all branches. */
export function challengesOf(responses: readonly Response[], name: string): string[] {
  return responses.filter(({ status }) => status === 401 || status === 407).flatMap((response) => response.all(name));
}
