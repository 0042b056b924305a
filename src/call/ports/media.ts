// What a call asks of its media.

/** The two parties of a media session. In a consultation the party that was called first stands in the caller's place. */
export type Side = 'caller' | 'target';

/** Something to be heard: music on hold, or an announcement. */
export interface Sound {
  /** Path of a wav or mp3 file, checked at start. */
  file: string;
  /** Music begins anew when it has ended; an announcement is heard once. */
  repeat: boolean;
}

/** What may happen to the media of a session by themselves. */
export interface MediaEvents {
  /**
   * Nothing has come from this side for as long as the settings allow (`media.silentAfter`), though it was not on hold. Told
   * again each time that it has lasted as long again: while a call is not connected yet, it says nothing.
   */
  silent(side: Side): void;
  /** The engine is gone, or the session at it: `relocate` may bring it back. Told once until it has done so. */
  lost(): void;
  /**
   * This side pressed a key (`0-9 * # A-D`) as an RFC 4733 event, which the other side is to get as INFO: it takes no events.
   * In the order in which they were pressed, each once; none while the other side hears a sound, or is on hold.
   */
  digit(from: Side, digit: string, milliseconds: number): void;
}

/** The media of two parties. `direct`: descriptions pass unchanged; rtpengine: its addresses are put in. */
export interface MediaSession {
  /** Names the session at the engine, for the record; undefined in direct mode. */
  readonly engine?: { session: string; engine: string };
  /** An offer from `from`; resolves with what to offer the other side. */
  offer(from: Side, sdp: string): Promise<string>;
  /**
   * The answer from `from` to the last offer; resolves with what to answer the other side. May come more than once
   * (183, 200), and from several forks of the target, which then each have their own early media.
   */
  answer(from: Side, sdp: string, fork?: string): Promise<string>;
  /**
   * The engine itself is the caller's other side until there is one: resolves with the answer to the caller's offer, or with
   * an offer when there is none, whose answer `parked` takes. A parked caller that offers anew (re-INVITE) is parked again.
   * @throws Failure `no-media` in direct mode, `media-refused` when nothing can be played in any codec of the offer
   */
  park(offer: string | undefined): Promise<string>;
  parked(answer: string): Promise<void>;
  /**
   * Plays to one side, one sound after the other (an announcement, then music; one that repeats is the last that is
   * heard), in place of what was played before and of the other side's voice. Neither side hears the other until `stop`, also
   * when all has been heard. Resolves when the first can be heard; a side that receives nothing, as its phone holds the call
   * itself, hears it once it does.
   * @throws Failure `no-media` in direct mode, before the first answer, or when the engine cannot play a file
   */
  play(to: Side, sounds: readonly [Sound, ...Sound[]]): Promise<void>;
  /** Ends what is played; the other side is heard again. Idempotent. */
  stop(to: Side): Promise<void>;
  /** Nothing of this session is heard at a side, whose phone is in another one, until `play` or `stop`. Idempotent. */
  mute(to: Side): Promise<void>;
  /**
   * Digits (`0-9 * # A-D`) towards one side as its trunk takes them in the voice's path (RFC 4733).
   * @throws Failure `no-media` where they cannot be sent there: INFO is the other way
   */
  digits(to: Side, digits: string): Promise<void>;
  /**
   * A key that a side tells of by INFO, towards the other one in the voice's path.
   * @throws Failure `no-media` where that cannot be, or is not to be: whoever sends events tells of keys twice if they also send INFO
   */
  key(from: Side, key: string): Promise<void>;
  /**
   * Brings the session to another engine after `lost` (or back to the same one, when it was only restarted), with all that is
   * played in it. Resolves with what each side is to be offered now; a parked session has no target, and whoever made an offer
   * that has no answer yet needs to know nothing. What each side answers is told with `answer` as ever; what that resolves with
   * is what the other side has been told by then.
   * @throws Failure `no-media` when there is no engine, or nothing had been offered yet
   */
  relocate(): Promise<Partial<Record<Side, string>>>;
  /** Ends it at the engine; idempotent, never rejects. */
  close(): Promise<void>;
}

export interface MediaRequest {
  callId: string;
  /** Number of the session within the call, from 1 on; names it at the engine. */
  session: number;
  /** The trunk of each side, whose policy of codecs, digits and encryption holds; without a trunk the default one. */
  trunks: Partial<Record<Side, string>>;
}

export interface MediaPort {
  readonly mode: 'direct' | 'rtpengine';
  /** @throws Failure `no-media` when no engine is healthy */
  open(request: MediaRequest, events: MediaEvents): Promise<MediaSession>;
  /**
   * Removes what a crash may have left of the sessions 1 to `sessions` of a call, at whatever engine; never rejects.
   * `noted` is what the record knew of them.
   */
  release(left: {
    callId: string;
    sessions: number;
    noted: readonly { session: string; engine: string }[];
  }): Promise<void>;
}
