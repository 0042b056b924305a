import type { Call } from './call.ts';
import type { CallEnd } from './end.ts';
import { viewOf } from './view-of.ts';
import { viewState } from './view-state.ts';

/**
 * The one way out of a call, carried out once: the machine gives `end` a single time, after the commands that end
 * the legs and the media. Here timers, notifications and the record are closed.
 */
export function close(call: Call, end: CallEnd): void {
  const { record, tools } = call;
  for (const timer of Object.values(call.timers)) timer?.clear();
  call.timers = {};
  call.caller.leave();
  call.closeEarly();
  record.end = end;
  if (record.account !== undefined && record.notifiedAt !== undefined) {
    tools.terminals.ended(record.account, viewOf(call));
  }
  tools.metrics.callEnded(end.reason);
  call.log.info({ end, state: viewState(call.state) }, `the call is over: ${end.reason}`);
  call.closing.push(call.keeper.close(record, end));
  void Promise.allSettled(call.closing).then(() => call.gone());
}
