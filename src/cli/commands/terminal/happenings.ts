import type { Answer, Call, LoginRefusal, SessionEndReason, SessionStart } from '../../../terminals/events.ts';

/** All that a terminal may have to tell: one JSON line each with --json. Tokens stay out of it. */
export type Happening =
  | { event: 'session'; session: Omit<SessionStart, 'token'> }
  | { event: 'call:incoming' | 'call:changed' | 'call:ended'; call: Call }
  | { event: 'answer'; request: string; callId?: string; answer: Answer }
  | { event: 'history'; calls: Call[] }
  | { event: 'session:ended'; reason: SessionEndReason }
  | { event: 'refused'; refusal: LoginRefusal }
  | { event: 'unreachable' | 'disconnected'; reason: string }
  | { event: 'mistake' | 'help'; message: string };

/** What stands now, for a screen. */
export interface Standing {
  connection: 'connecting' | 'online' | 'offline';
  account: string;
  numbers: readonly string[];
  calls: readonly { number: number; call: Call }[];
  /** What the next line is taken for, when it is no command. */
  asks?: 'password' | 'PIN';
}

/** Where a terminal shows itself. */
export interface View {
  /** Something happened; `number` is that of its call on the screen. */
  tell(happening: Happening, number: number | undefined): void;
  /** What stands has changed. */
  show(standing: Standing): void;
  close(): void;
}
