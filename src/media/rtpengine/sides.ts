import type { Side } from '../../call/ports.ts';

export const otherSide = { caller: 'target', target: 'caller' } as const satisfies Record<Side, Side>;
