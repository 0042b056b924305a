import type { TargetFailure } from '../ports.ts';
import type { CallEvent } from '../states.ts';
import { q850 } from './finish.ts';

/** What it is to an attempt that its target had answered, and is gone before anybody could talk to it. */
export function whyLost(event: Extract<CallEvent, { is: 'target-hung-up' | 'media-failed' }>): TargetFailure {
  if (event.is === 'media-failed') return { reason: 'failed', q850: q850.temporaryFailure };
  const { q850: isup } = event.cause;
  return { reason: 'target-refused', ...(isup !== undefined && { q850: isup }) };
}
