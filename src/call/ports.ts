// All that a call may ask of the outside. The adapters (trunk, terminals, media, store) implement these
// interfaces; main.ts connects them. Nothing here throws synchronously; promises reject with a Failure
// (shared/errors.ts), DeadlineExceeded, or an Error that the caller of the port turns into the call's end.
export type * from './ports/media.ts';
export type * from './ports/metrics.ts';
export type * from './ports/store.ts';
export type * from './ports/terminals.ts';
export type * from './ports/trunk.ts';
