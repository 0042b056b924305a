import type { TargetFailure } from '../ports.ts';

/**
 * What the caller's call failed with, when it was several phones that failed (RFC 3261 16.7, step 6): a 6xx before
 * anything else, then the lowest class; within it that which tells a person most.
 */
export function bestFailure(failures: readonly TargetFailure[]): TargetFailure {
  return failures.toSorted((one, other) => rank(one) - rank(other))[0] ?? { reason: 'failed' };
}

function rank({ status, reason }: TargetFailure): number {
  const kind = ['target-busy', 'target-refused', 'target-no-answer', 'target-unreachable', 'failed'].indexOf(reason);
  if (status === undefined) return 80 + kind;
  return status >= 600 ? kind : Math.floor(status / 100) * 10 + kind;
}
