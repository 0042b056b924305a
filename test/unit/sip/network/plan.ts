import fc from 'fast-check';

/** A request within a call, some time after it was answered. Milliseconds. */
export interface Later {
  readonly from: 'phone' | 'application';
  readonly method: 'INFO' | 'UPDATE' | 'INVITE' | 'MESSAGE';
  readonly after: number;
  /** What the other side says to it, and how long that takes. */
  readonly status: number;
  readonly answerAfter: number;
}

export interface CallPlan {
  readonly begunBy: 'phone' | 'application';
  readonly beginsAt: number;
  readonly ringing: readonly { readonly after: number; readonly status: number; readonly reliably: boolean }[];
  readonly final: { readonly after: number; readonly status: number };
  /** When who called gives up; also after the answer, when it is too late. */
  readonly cancelAfter: number | undefined;
  /** Whether who called acknowledges a 2xx. */
  readonly acknowledges: boolean;
  readonly later: readonly Later[];
  readonly bye: { readonly from: 'phone' | 'application'; readonly after: number };
}

export interface Plan {
  readonly transport: 'udp' | 'tcp';
  readonly calls: readonly CallPlan[];
  /** When the application's connection is lost. */
  readonly applicationGoesAt: number | undefined;
  /** From when on nothing comes from the phone, or reaches it. */
  readonly phoneGoesAt: number | undefined;
  /** Of one message each, over and over: the delays of its copies. */
  readonly fates: readonly (readonly number[])[];
  /** What is sent a third time arrives: then every request must get its answer. */
  readonly fair: boolean;
}

/** Nothing takes longer on its way: a copy does not outlive the transaction that absorbs it (64*T1). Milliseconds. */
const longestDelay = 450;

const soon = fc.integer({ min: 0, max: 3000 });
const late = fc.integer({ min: 0, max: 15_000 });
const side = fc.constantFrom('phone' as const, 'application' as const);

const fate = fc.oneof(
  { weight: 5, arbitrary: fc.constant([1]) },
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 3, arbitrary: fc.array(fc.integer({ min: 0, max: longestDelay }), { minLength: 1, maxLength: 3 }) },
);

const later: fc.Arbitrary<Later> = fc.record({
  from: side,
  method: fc.constantFrom('INFO', 'UPDATE', 'INVITE', 'MESSAGE'),
  after: soon,
  status: fc.constantFrom(200, 200, 488),
  answerAfter: soon,
});

/** One time in four. */
function sometimes<T>(what: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: what });
}

const call: fc.Arbitrary<CallPlan> = fc.record({
  begunBy: side,
  beginsAt: soon,
  ringing: fc.array(fc.record({ after: late, status: fc.constantFrom(180, 181, 183), reliably: fc.boolean() }), {
    maxLength: 3,
  }),
  final: fc.record({
    after: fc.oneof({ weight: 3, arbitrary: late }, { weight: 1, arbitrary: fc.integer({ min: 33_000, max: 45_000 }) }),
    status: fc.constantFrom(200, 200, 200, 200, 200, 302, 404, 486, 503, 603),
  }),
  cancelAfter: sometimes(late),
  acknowledges: fc.constantFrom(true, true, true, false),
  later: fc.array(later, { maxLength: 4 }),
  bye: fc.record({ from: side, after: late }),
});

export function plans(transport: 'udp' | 'tcp'): fc.Arbitrary<Plan> {
  return fc.record({
    transport: fc.constant(transport),
    calls: fc.array(call, { minLength: 1, maxLength: 3 }),
    applicationGoesAt: sometimes(fc.integer({ min: 0, max: 30_000 })),
    phoneGoesAt: sometimes(fc.integer({ min: 0, max: 30_000 })),
    fair: fc.boolean(),
    fates: transport === 'tcp' ? fc.constant([[1]]) : fc.array(fate, { minLength: 1, maxLength: 30 }),
  });
}
