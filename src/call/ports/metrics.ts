import type { EndReason } from '../end.ts';
import type { CallViewState } from '../view.ts';

/** What is measured of calls (Prometheus, admin/). */
export interface CallMetrics {
  /** `from` undefined: it arrives. `to` ended: it is in no state any more; `callEnded` tells why. */
  callState(from: CallViewState | 'arriving' | undefined, to: CallViewState | 'arriving'): void;
  callEnded(reason: EndReason): void;
  /** How long a step of a call took, in milliseconds. */
  step(name: CallStep, milliseconds: number): void;
}
/** From the INVITE to the notification; from there to the instruction; from the instruction to our INVITE, to ringing, to the answer. */
export type CallStep = 'notify' | 'decide' | 'dial' | 'ring' | 'answer';
