import type { TerminalClient } from '../terminals/client.ts';
import type { Call } from '../terminals/events.ts';
import type { Phone } from './phone.ts';
import type { Stage } from './stage.ts';

/** What the terminal of the scene sees. */
export interface WatchedCalls {
  incoming: Promise<Call>;
  ended: Promise<Call>;
  /** Resolves when the call is connected, or waits again after a failure. */
  outcome: () => Promise<Call>;
}

/** The terminal's screen: what it is told, as it is told. */
export function watchTerminal(terminal: TerminalClient, stage: Stage, screen: (line: string) => void): WatchedCalls {
  const { promise: incoming, resolve: came } = Promise.withResolvers<Call>();
  const { promise: ended, resolve: gone } = Promise.withResolvers<Call>();
  let waiting: ((call: Call) => void) | undefined;
  const told = (event: string, call: Call) => {
    stage.ladder.add('ringaway', 'terminal', event);
    const about = call.target
      ? ` → ${call.target.to} ${call.target.state}${call.target.cause ? ` (${call.target.cause})` : ''}`
      : '';
    screen(
      `┃ terminal ┃ ${call.callerWithheld ? 'a withheld caller' : (call.caller ?? 'an unknown caller')} calls ${call.firstCalled}: ${call.state}${about}`,
    );
    if (
      call.state === 'connected' ||
      (call.state === 'waiting' && call.target?.state === 'failed') ||
      call.state === 'ended'
    )
      waiting?.(call);
  };
  terminal.events.on('incoming', (call) => {
    told('incoming', call);
    came(call);
  });
  terminal.events.on('changed', (call) => told(call.state, call));
  terminal.events.on('ended', (call) => {
    told('ended', call);
    gone(call);
  });
  return {
    incoming,
    ended,
    outcome: () => new Promise((resolve) => (waiting = resolve)),
  };
}

/** Resolves with the Reason by which the first phone was told to stop ringing. */
export function watchFirstPhone(phone: Phone, say: (line: string) => void): Promise<string | undefined> {
  phone.events.on('ringing', () => say('the first phone rings'));
  return new Promise((resolve) => {
    phone.events.on('stopped', (reason) => {
      say(`the first phone stops ringing (Reason: ${reason ?? 'none'})`);
      resolve(reason);
    });
  });
}
